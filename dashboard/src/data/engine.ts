/** DuckDB in the browser, over the files of the page; everything of it comes from beside the page. */
import { AsyncDuckDB, VoidLogger } from "@duckdb/duckdb-wasm";
import { bytes } from "./fetching.ts";
import type { Manifest } from "./manifest.ts";

export interface Answer {
  columns: string[];
  /** As text, exactly as the engine writes it; null where there is no value. */
  rows: (string | null)[][];
}

/** What of Arrow's tables is used here. */
interface Arrow {
  schema: { fields: { name: string }[] };
  toArray: () => { toJSON: () => Record<string, unknown> }[];
}

export interface Engine {
  ask: (sql: string) => Promise<Answer>;
}

export async function openEngine(manifest: Manifest): Promise<Engine> {
  const at = (name: string) => new URL(`engine/${name}`, document.baseURI).href;
  const database = new AsyncDuckDB(new VoidLogger(), new Worker(at("duckdb-browser-eh.worker.js")));
  await database.instantiate(at("duckdb-eh.wasm"));
  const connection = await database.connect();
  await connection.query("create schema if not exists marts");
  const known = new Set<string>();

  /** The files of a table, when a question first names it. */
  const prepare = async (name: string) => {
    const table = manifest.tables[name];
    if (table === undefined || known.has(name)) return;
    await Promise.all(
      table.files.map(async (file) => {
        const content = await bytes(`data/${file.path}`, 0, file.bytes, file.bytes);
        await database.registerFileBuffer(file.path, new Uint8Array(content.slice(0)));
      }),
    );
    const files = table.files.map((file) => `'${file.path.replaceAll("'", "''")}'`).join(", ");
    await connection.query(`create or replace view marts."${name}" as select * from read_parquet([${files}], union_by_name = true)`);
    await connection.query(`create or replace view main."${name}" as select * from marts."${name}"`);
    known.add(name);
  };

  return {
    async ask(sql: string): Promise<Answer> {
      const words = new Set(sql.match(/[A-Za-z_]\w*/g) ?? []);
      for (const name of Object.keys(manifest.tables)) if (words.has(name) && (manifest.tables[name]?.files.length ?? 0) > 0) await prepare(name);
      const question = sql.trim().replace(/;+\s*$/, "");
      // As text in the engine: the numbers of a browser lose digits of long ones.
      const isSelect = /^(select|with|from|values)\b/i.test(question);
      const found: Arrow = await connection.query(isSelect ? `select columns(*)::varchar from (${question})` : question);
      const columns = isSelect ? await namesOf(question) : found.schema.fields.map((field) => field.name);
      const rows = found.toArray().map((row) => Object.values(row.toJSON()).map((value) => (value === null ? null : String(value))));
      return { columns, rows };
    },
  };

  async function namesOf(question: string): Promise<string[]> {
    const described: Arrow = await connection.query(`describe ${question}`);
    return described.toArray().map((row) => String(row.toJSON()["column_name"]));
  }
}
