/** SQL: any question about the same tables, answered in this browser; nothing leaves it. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer, Engine } from "../../data/engine.ts";
import { change } from "../../ui/address.ts";
import { csv, Download } from "../../ui/download.tsx";
import { count } from "../../ui/format.ts";
import { say } from "../../ui/language.ts";
import { Card } from "../../ui/parts.tsx";
import { Table } from "../../ui/table.tsx";
import { definePage, type Context } from "../page.ts";

export const page = definePage<null>({
  question: { ja: "画面にない問いを、同じデータに。", en: "Any other question, about the same data." },
  asks: [],
  load: () => Promise.resolve(null),
  View,
});

const MOST = 5000;

const examples = (): { title: string; sql: string }[] => [
  {
    title: say("曜日別の売上", "Sales by weekday"),
    sql: "select dayname(business_date) as weekday,\n       sum(sales_with_tax) as sales,\n       count(distinct business_date) as days\nfrom marts.mart_machine_daily\ngroup by 1\norder by sales desc",
  },
  {
    title: say("よく空になるスロット", "Slots that run empty"),
    sql: "select machine_id, slot_no, count(*) as times,\n       sum(hours_empty) as hours, sum(sales_lost) as lost\nfrom marts.fct_stockouts\ngroup by 1, 2\norder by lost desc nulls last\nlimit 20",
  },
  {
    title: say("時間帯×設置場所", "Hours by place"),
    sql: "select hour_of_day, location_type, sum(sales_with_tax) as sales\nfrom marts.mart_machine_hourly\njoin marts.dim_machines using (machine_id)\ngroup by 1, 2\norder by 1, 2",
  },
];

let engine: Promise<Engine> | null = null;

function View({ context }: { context: Context }) {
  const { manifest, given } = context;
  const [sql, setSql] = useState(given["sql"] ?? examples()[0]?.sql ?? "");
  const [answer, show] = useState<Answer | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [took, setTook] = useState(0);
  const last = useRef(0);
  const run = (question: string) => {
    const turn = ++last.current;
    change({ sql: question });
    setBusy(true);
    setProblem(null);
    const began = performance.now();
    engine ??= import("../../data/engine.ts").then(({ openEngine }) => openEngine(manifest));
    engine
      .then((opened) => opened.ask(question))
      .then((found) => turn === last.current && (show(found), setTook(performance.now() - began)))
      .catch((error: unknown) => turn === last.current && setProblem(error instanceof Error ? error.message : String(error)))
      .finally(() => turn === last.current && setBusy(false));
  };
  useEffect(() => {
    if (manifest.has_sql_engine && given["sql"] !== undefined) run(given["sql"]);
  }, []);
  if (!manifest.has_sql_engine) return <NoEngine />;
  return (
    <div class="columns sql">
      <div>
        <Card
          title={say("問い", "Question")}
          note={say("Ctrl+Enter で実行", "Ctrl+Enter runs it")}
          actions={examples().map((example) => (
            <button key={example.title} type="button" onClick={() => (setSql(example.sql), run(example.sql))}>
              {example.title}
            </button>
          ))}
        >
          <textarea
            aria-label="SQL"
            spellcheck={false}
            rows={9}
            value={sql}
            onInput={(event) => setSql(event.currentTarget.value)}
            onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && run(sql)}
          />
          <div class="actions">
            <button type="button" class="main" disabled={isBusy || sql.trim() === ""} onClick={() => run(sql)}>
              {isBusy ? say("実行中…", "Running…") : say("実行", "Run")}
            </button>
            {answer !== null && <Download name="result.csv" content={() => csv(answer.columns, answer.rows)} />}
          </div>
        </Card>
        {problem !== null && (
          <div class="problem" role="alert">
            <h2>{say("この問いには答えられませんでした", "This question could not be answered")}</h2>
            <pre>{problem}</pre>
          </div>
        )}
        {answer !== null && problem === null && <Result answer={answer} took={took} />}
      </div>
      <Card title={say("表", "Tables")} note={say("押すと先頭の行を見ます", "Press one to see its first rows")} class="tables">
        <ul>
          {Object.entries(manifest.tables).map(([name, table]) => (
            <li key={name}>
              <button
                type="button"
                class="quiet"
                onClick={() => {
                  const question = `select *\nfrom marts.${name}\nlimit 100`;
                  setSql(question);
                  run(question);
                }}
              >
                <code>{name}</code>
              </button>
              <p class="soft">{table.description} {say(`${count(table.files.reduce((sum, file) => sum + file.rows, 0))}行`, `${count(table.files.reduce((sum, file) => sum + file.rows, 0))} rows`)}</p>
            </li>
          ))}
        </ul>
      </Card>
    </div>
  );
}

function Result({ answer, took }: { answer: Answer; took: number }) {
  const rows = answer.rows.slice(0, MOST).map((cells, place) => ({ place, cells }));
  const isNumber = (column: number) => answer.rows.slice(0, 50).every((cells) => cells[column] === null || /^-?\d+(\.\d+)?$/.test(cells[column] ?? ""));
  return (
    <Card
      title={say("結果", "Result")}
      note={`${say(`${count(answer.rows.length)}行`, `${count(answer.rows.length)} rows`)} · ${Math.round(took)} ms${answer.rows.length > MOST ? say(`（先頭${MOST}行を表示、CSVには全行）`, ` (the first ${MOST} are shown, the CSV has all)`) : ""}`}
    >
      <Table
        label={say("結果", "Result")}
        rows={rows}
        keyOf={(row) => String(row.place)}
        whenEmpty={say("該当する行はありません。", "No rows.")}
        columns={answer.columns.map((name, place) => ({
          id: name,
          title: name,
          isNumber: isNumber(place),
          by: (row: { cells: (string | null)[] }) => (isNumber(place) && row.cells[place] != null ? Number(row.cells[place]) : (row.cells[place] ?? null)),
          cell: (row: { cells: (string | null)[] }) => row.cells[place] ?? <span class="soft">–</span>,
        }))}
      />
    </Card>
  );
}

const NoEngine = () => (
  <Card title={say("SQLの実行環境がありません", "The SQL engine is not here")}>
    <p>
      {say(
        "この画面の実行環境（数十MB）は、この版に含まれていません。リポジトリで次を実行すると加わり、ダッシュボードを書き出し直すと使えます：",
        "The engine of this page is tens of megabytes and not part of this copy. This command adds it in a checkout; then write the dashboard again:",
      )}
    </p>
    <pre>make dashboard</pre>
  </Card>
);
