/** Rows as a CSV file that Japanese spreadsheets open: UTF-8 with its mark, and no text that would run as a formula. */
import { say } from "./language.ts";

const FORMULA = /^[=+\-@＝＋－＠\t\r\n]/;

type Cell = string | number | boolean | null;

export function csv(header: string[], rows: Cell[][]): string {
  const line = (cells: Cell[]) => cells.map(written).join(",");
  return `\ufeff${[header, ...rows].map(line).join("\r\n")}\r\n`;
}

function written(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell !== "string") return String(cell);
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function download(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const Download = ({ name, content }: { name: string; content: () => string }) => (
  <button type="button" onClick={() => download(name, content())}>
    {say("CSVで保存", "Save as CSV")}
  </button>
);
