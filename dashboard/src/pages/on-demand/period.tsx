/** The choice of how many days a page looks back on. */
import { change } from "../../ui/address.ts";
import { say } from "../../ui/language.ts";
import { Select } from "../../ui/parts.tsx";

const USUAL = 28;
const OFFERED = [14, USUAL, 91];

/** How many days the address asks for. */
export function periodOf(given: Readonly<Record<string, string>>): number {
  const days = Number(given["days"]);
  return OFFERED.includes(days) ? days : USUAL;
}

export function Period({ days }: { days: number }) {
  return (
    <Select
      label={say("期間", "Period")}
      value={String(days)}
      options={OFFERED.map((one) => ({ value: String(one), text: say(`${one}日間`, `${one} days`) }))}
      onChange={(next) => change({ days: next === String(USUAL) ? null : next }, { keep: true })}
    />
  );
}
