/** What a page is: a question, the tables that answer it, and how the answer looks. A new one is a module and a line in `index.ts`. */
import type { ComponentType } from "preact";
import type { Manifest, Table } from "../data/manifest.ts";
import { readRows, type Row, type Where } from "../data/parquet.ts";
import type { Text } from "../ui/language.ts";

export interface Context {
  manifest: Manifest;
  /** What stands in the address. */
  given: Readonly<Record<string, string>>;
  /** The business days that there are. */
  first: string;
  last: string;
  /** The business day that is shown. */
  day: string;
}

export interface Page<D> {
  question: Text;
  load: (context: Context) => Promise<D>;
  View: ComponentType<{ data: D; context: Context }>;
  /** Which parts of the address decide what is loaded; a change of any other only draws again. */
  asks: readonly string[];
}

export interface PageEntry {
  id: string;
  title: Text;
  /** A path in a box of 20 by 20. */
  icon: string;
  /** Without these tables it is not offered. */
  tables: readonly string[];
  open: () => Promise<{ page: Page<never> }>;
}

export function tableOf(context: Context, name: string): Table | undefined {
  return context.manifest.tables[name];
}

/** Rows of a table; none where the export of it is not there yet. */
export async function rows<R extends Row>(context: Context, name: string, columns: readonly (keyof R & string)[], where: Where = {}): Promise<R[]> {
  const table = tableOf(context, name);
  return table === undefined ? [] : readRows<R>(table, columns, where);
}

/** Keeps the type of a page's data within the page. */
export const definePage = <D>(page: Page<D>): Page<never> => page as unknown as Page<never>;
