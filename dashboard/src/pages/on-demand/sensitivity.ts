/** How sales follow the weather, as shares of what is usually sold, and how surely. */
import { say } from "../../ui/language.ts";

export type Factor = "temperature" | "rain";

export type Sensitivity = {
  prefecture: string;
  category_id: string;
  factor: string;
  days: number;
  units_per_machine: number;
  correlation: number | null;
  slope: number | null;
  slope_low: number | null;
  slope_high: number | null;
};

/** More or less is sold, no one can tell, the days are too few, or the weather never changed. */
export type Verdict = "more" | "less" | "open" | "few" | "never";

export interface Effect extends Sensitivity {
  name: string;
  /** By which share of the mean sales a degree or a millimetre changes them, and the ends of the interval. */
  change: number | null;
  low: number | null;
  high: number | null;
  verdict: Verdict;
}

interface Words {
  name: () => string;
  /** At the head of a column, a line or a choice. */
  title: () => string;
  step: () => string;
  unit: () => string;
}

export const FACTORS: Record<Factor, Words> = {
  temperature: { name: () => say("気温", "temperature"), title: () => say("気温", "Temperature"), step: () => say("1℃高い日", "1 °C warmer"), unit: () => say("+1℃で", "+1 °C") },
  rain: { name: () => say("雨", "rain"), title: () => say("雨", "Rain"), step: () => say("雨が1 mm多い日", "1 mm more rain"), unit: () => say("+1 mmで", "+1 mm") },
};

export function effectsOf(found: readonly Sensitivity[], names: ReadonlyMap<string, string>): Effect[] {
  return found.map((row) => {
    const share = (units: number | null) => (units === null || row.units_per_machine === 0 ? null : units / row.units_per_machine);
    return { ...row, name: names.get(row.category_id) ?? row.category_id, change: share(row.slope), low: share(row.slope_low), high: share(row.slope_high), verdict: verdictOf(row) };
  });
}

function verdictOf({ slope, slope_low: low, slope_high: high }: Sensitivity): Verdict {
  if (slope === null) return "never";
  if (low === null || high === null) return "few";
  return low > 0 ? "more" : high < 0 ? "less" : "open";
}
