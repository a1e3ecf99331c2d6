/** The table of what follows the weather: each change with its interval, and whether it can be told from none. */
import { count, decimal, signedPercent } from "../../ui/format.ts";
import { say } from "../../ui/language.ts";
import { Badge, type Tone } from "../../ui/parts.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { Traced } from "../../ui/trace.tsx";
import { FACTORS, type Effect, type Factor, type Verdict } from "./sensitivity.ts";

const TONES: Record<Verdict, Tone> = { more: "good", less: "bad", open: "calm", few: "calm", never: "calm" };

const verdictName = (verdict: Verdict): string =>
  ({
    more: say("増える", "more"),
    less: say("減る", "less"),
    open: say("不明", "unclear"),
    few: say("日数不足", "few days"),
    never: say("変化なし", "no change"),
  })[verdict];

const interval = ({ low, high }: Effect): string => (low === null ? "–" : `${signedPercent(low)} – ${signedPercent(high)}`);

export function Reactions({ effects, factor }: { effects: Effect[]; factor: Factor }) {
  const { name, unit } = FACTORS[factor];
  const places = new Set(effects.map((one) => one.prefecture));
  const widest = Math.max(0.01, ...effects.flatMap((one) => [one.low, one.change, one.high]).map((end) => Math.abs(end ?? 0)));
  const place: Column<Effect>[] = places.size > 1 ? [{ id: "prefecture", title: say("都道府県", "Prefecture"), by: (one) => one.prefecture, cell: (one) => one.prefecture }] : [];
  return (
    <Table
      label={say(`${name()}への反応`, `What follows ${name()}`)}
      rows={effects}
      keyOf={(one) => `${one.prefecture} ${one.category_id}`}
      start={{ column: "change", isDown: true }}
      whenEmpty={say("比べられる日がまだありません。", "There are no days to compare yet.")}
      columns={[
        { id: "category", title: say("分類", "Category"), by: (one) => one.category_id, cell: (one) => one.name },
        ...place,
        {
          id: "change",
          title: unit(),
          isNumber: true,
          by: (one) => one.change,
          cell: (one) => <><Traced of={{ mart: "mart_weather_sensitivity", rows: { prefecture: one.prefecture, category_id: one.category_id, factor: one.factor } }}><b>{signedPercent(one.change)}</b></Traced><span class="below">{interval(one)}</span></>,
        },
        { id: "interval", title: say("95%区間", "95% interval"), isNumber: true, isMinor: true, cell: interval },
        { id: "drawn", title: say("0との位置", "Around 0"), isMinor: true, cell: (one) => <Interval effect={one} widest={widest} /> },
        { id: "verdict", title: say("判断", "So"), by: (one) => one.verdict, cell: (one) => <Badge tone={TONES[one.verdict]}>{verdictName(one.verdict)}</Badge> },
        { id: "days", title: say("n（日）", "n"), isNumber: true, by: (one) => one.days, cell: (one) => count(one.days) },
        { id: "units", title: say("本/台・日", "Units a machine, day"), isNumber: true, isMinor: true, by: (one) => one.units_per_machine, cell: (one) => decimal(one.units_per_machine) },
        { id: "correlation", title: say("相関", "Correlation"), isNumber: true, isMinor: true, by: (one) => one.correlation, cell: (one) => decimal(one.correlation, 2) },
      ]}
    />
  );
}

const [WIDE, HIGH] = [180, 18];

/** The interval as a line around no change at all. */
function Interval({ effect, widest }: { effect: Effect; widest: number }) {
  if (effect.change === null) return null;
  const x = (share: number) => WIDE / 2 + (share / widest) * (WIDE / 2 - 4);
  const ends = effect.low === null || effect.high === null ? null : [x(effect.low), x(effect.high)];
  return (
    <svg class={`interval ${TONES[effect.verdict]}`} width={WIDE} height={HIGH} viewBox={`0 0 ${WIDE} ${HIGH}`} aria-hidden="true">
      <path class="none" d={`M${WIDE / 2} 0V${HIGH}`} />
      {ends !== null && <path d={`M${ends[0]} ${HIGH / 2}H${ends[1]}`} />}
      <circle cx={x(effect.change)} cy={HIGH / 2} r="3.5" />
    </svg>
  );
}
