/** Rows of a table, read from its Parquet files: only the months, columns and row groups that a question needs. */
import { parquetMetadata, parquetReadObjects, type AsyncBuffer, type FileMetaData } from "hyparquet";
import { bytes } from "./fetching.ts";
import type { Table, TableFile } from "./manifest.ts";

export type Value = string | number | boolean | null;
export type Row = Record<string, Value>;

/** Which rows: by one value of a column, or by the first and the last of a range. */
export type Where = Record<string, string | { from?: string; to?: string }>;

/** A file up to this size is fetched in one piece. */
const SMALL = 512 * 1024;
const TAIL = 64 * 1024;

const days = new Map<number, string>();

/** As the warehouse writes them: days as 2024-03-14, moments (which are of Japan, without a zone) as 2024-03-14 08:05:00. */
const PARSERS = {
  dateFromDays(day: number): string {
    let text = days.get(day);
    if (text === undefined) days.set(day, (text = new Date(day * 86_400_000).toISOString().slice(0, 10)));
    return text;
  },
  timestampFromMicroseconds: (micros: bigint) =>
    new Date(Number(micros / 1000n)).toISOString().slice(0, 19).replace("T", " "),
};

const READING = { parsers: PARSERS as never };

interface Opened {
  buffer: AsyncBuffer;
  metadata: FileMetaData;
}

const opened = new Map<string, Promise<Opened>>();

function open(file: TableFile): Promise<Opened> {
  let found = opened.get(file.path);
  if (found === undefined) {
    found = openFile(file);
    opened.set(file.path, found);
    found.catch(() => opened.delete(file.path)); // the network may be back at the next question
  }
  return found;
}

async function openFile(file: TableFile): Promise<Opened> {
  const path = `data/${file.path}`;
  if (file.bytes <= SMALL) {
    const whole = await bytes(path, 0, file.bytes, file.bytes);
    return { buffer: { byteLength: file.bytes, slice: (start, end) => whole.slice(start, end) }, metadata: parquetMetadata(whole, READING) };
  }
  let tail = await bytes(path, file.bytes - TAIL, file.bytes, file.bytes);
  const length = new DataView(tail).getUint32(tail.byteLength - 8, true) + 8;
  if (length > TAIL) tail = await bytes(path, file.bytes - length, file.bytes, file.bytes);
  const slice = (start: number, end = file.bytes) => bytes(path, start, end, file.bytes);
  return { buffer: { byteLength: file.bytes, slice }, metadata: parquetMetadata(tail, READING) };
}

/** Every row that fits, as it is in the files; whole numbers as numbers. */
export async function readRows<R extends Row>(table: Table, columns: readonly (keyof R & string)[], where: Where = {}): Promise<R[]> {
  const files = table.files.filter((file) => mayHave(file, where));
  const parts = await Promise.all(files.map((file) => readFile(file, columns, where)));
  return parts.length === 1 ? (parts[0] as R[]) : (parts.flat() as R[]);
}

async function readFile(file: TableFile, columns: readonly string[], where: Where): Promise<Row[]> {
  const { buffer, metadata } = await open(file);
  const filter = Object.fromEntries(Object.entries(where).map(([column, wanted]) => [column, condition(wanted)]));
  const rows = (await parquetReadObjects({
    file: buffer,
    metadata,
    columns: [...columns],
    ...READING,
    ...(Object.keys(filter).length > 0 ? { filter } : {}),
  })) as Record<string, unknown>[];
  const whole = columns.filter((column) => isWhole(metadata, column));
  for (const row of rows) {
    for (const column of whole) {
      const value = row[column];
      if (typeof value === "bigint") row[column] = Number(value);
    }
    for (const column of columns) if (row[column] === undefined) row[column] = null;
  }
  return rows as Row[];
}

const isWhole = (metadata: FileMetaData, column: string) =>
  metadata.schema.some((element) => element.name === column && element.type === "INT64");

const condition = (wanted: Where[string]) =>
  typeof wanted === "string"
    ? { $eq: wanted }
    : { ...(wanted.from === undefined ? {} : { $gte: wanted.from }), ...(wanted.to === undefined ? {} : { $lte: wanted.to }) };

function mayHave(file: TableFile, where: Where): boolean {
  const wanted = where["business_date"];
  if (file.month === null || wanted === undefined) return true;
  const [from, to] = typeof wanted === "string" ? [wanted, wanted] : [wanted.from, wanted.to];
  return (from === undefined || file.month >= from.slice(0, 7)) && (to === undefined || file.month <= to.slice(0, 7));
}

/** The first and the last business day of a table, as its files' own ranges have it. */
export async function daysOf(table: Table): Promise<{ first: string; last: string } | null> {
  const [oldest, newest] = [table.files[0], table.files.at(-1)];
  if (oldest === undefined || newest === undefined) return null;
  const [first, last] = await Promise.all([rangeOf(oldest, "min_value"), rangeOf(newest, "max_value")]);
  return first === undefined || last === undefined ? null : { first, last };
}

async function rangeOf(file: TableFile, end: "min_value" | "max_value"): Promise<string | undefined> {
  const { metadata } = await open(file);
  const found = metadata.row_groups.flatMap((group) =>
    group.columns.filter((column) => column.meta_data?.path_in_schema[0] === "business_date").map((column) => column.meta_data?.statistics?.[end] as unknown as string),
  );
  found.sort();
  return end === "min_value" ? found[0] : found.at(-1);
}
