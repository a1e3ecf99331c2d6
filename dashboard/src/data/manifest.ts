/** Which tables there are, and which files they are made of, all of one moment. */
import { latestJson } from "./fetching.ts";

export interface TableFile {
  path: string;
  month: string | null;
  rows: number;
  bytes: number;
  sha256: string;
  checks_passed: boolean;
}

export interface Table {
  schema_name: string;
  description: string;
  columns: { name: string; type: string }[];
  files: TableFile[];
}

export interface ExportVersion {
  name: string;
  description: string;
  format: string;
  run_id: string;
  files: number;
  rows: number;
  bytes: number;
  first_day: string | null;
  last_day: string | null;
  built_at: string;
}

export interface Manifest {
  written_at: string;
  tables: Record<string, Table>;
  exports: ExportVersion[];
  /** Where the API is, if a server is behind the page. */
  api?: string | null;
  /** Whether the engine of the SQL page is there. */
  has_sql_engine?: boolean;
}

export const loadManifest = () => latestJson<Manifest>("data/manifest.json");
