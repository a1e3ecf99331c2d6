/** What several pages on demand compute of their rows. */
import { addDays } from "../../ui/format.ts";

export const sum = <R>(all: readonly R[], of: (row: R) => number): number => all.reduce((total, row) => total + of(row), 0);

export const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** The days of a period, the oldest first. */
export const daysUntil = (last: string, days: number): string[] => Array.from({ length: days }, (_, place) => addDays(last, place + 1 - days));
