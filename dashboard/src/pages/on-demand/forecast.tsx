/** Forecast: what a machine is expected to sell, between which bounds, and how right earlier forecasts were. */
import { change } from "../../ui/address.ts";
import { Chart, type Series } from "../../ui/chart.tsx";
import { Filters } from "../../ui/filters.tsx";
import { addDays, count, decimal, percent, shortDay, signedPercent } from "../../ui/format.ts";
import { say } from "../../ui/language.ts";
import { Card, Empty, Select, Tile, type Tone } from "../../ui/parts.tsx";
import { Table } from "../../ui/table.tsx";
import { definePage, rows, type Context } from "../page.ts";

const PAST = 28;
const AHEAD = 14;
const PROMISED = 0.8;

type Forecast = {
  machine_id: string;
  business_date: string;
  forecast_day: string;
  days_ahead: number;
  units_expected: number;
  units_q10: number;
  units_q90: number;
  units_sold: number | null;
  is_within: boolean | null;
};

type Sold = { machine_id: string; business_date: string; units_sold: number };

interface Forecasts {
  made: Forecast[];
  sold: Sold[];
}

export const page = definePage<Forecasts>({
  question: { ja: "これから何本売れるか。前の予測はどれだけ当たったか。", en: "What will sell, and how right were the forecasts before?" },
  asks: ["day"],
  load,
  View,
});

async function load(context: Context): Promise<Forecasts> {
  const span = { from: addDays(context.day, -PAST), to: context.day };
  const [made, sold] = await Promise.all([
    rows<Forecast>(
      context,
      "mart_machine_forecasts",
      ["machine_id", "business_date", "forecast_day", "days_ahead", "units_expected", "units_q10", "units_q90", "units_sold", "is_within"],
      { business_date: span },
    ),
    rows<Sold>(context, "mart_machine_daily", ["machine_id", "business_date", "units_sold"], { business_date: span }),
  ]);
  return { made, sold };
}

interface Judged {
  name: string;
  forecasts: number;
  /** Units that it was off, and that it was too high, of all that were sold. */
  error: number | null;
  bias: number | null;
  within: number | null;
}

function judged(name: string, made: Forecast[]): Judged {
  const known = made.filter((one) => one.units_sold !== null);
  const sold = known.reduce((sum, one) => sum + (one.units_sold ?? 0), 0);
  const off = (of: (difference: number) => number) => known.reduce((sum, one) => sum + of(one.units_expected - (one.units_sold ?? 0)), 0);
  return {
    name,
    forecasts: known.length,
    error: sold > 0 ? off(Math.abs) / sold : null,
    bias: sold > 0 ? off((difference) => difference) / sold : null,
    within: known.length > 0 ? known.filter((one) => one.is_within === true).length / known.length : null,
  };
}

function grouped(made: Forecast[], by: (one: Forecast) => string): Judged[] {
  const found = new Map<string, Forecast[]>();
  for (const one of made) {
    const name = by(one);
    const others = found.get(name);
    if (others === undefined) found.set(name, [one]);
    else others.push(one);
  }
  return [...found].map(([name, ones]) => judged(name, ones));
}

function View({ data, context }: { data: Forecasts; context: Context }) {
  const machines = [...new Set(data.made.map((one) => one.machine_id))].sort();
  const machine = machines.find((one) => one === context.given["machine"]) ?? machines[0];
  if (machine === undefined) {
    return (
      <>
        <Filters context={context} />
        <Empty>
          {say(
            "この日までの4週間に予測はありません。vending analyse --save のあと vending run を実行すると現れます。",
            "No forecast was made in the four weeks up to this day. It appears after `vending analyse --save` and `vending run`.",
          )}
        </Empty>
      </>
    );
  }
  const made = data.made.filter((one) => one.machine_id === machine);
  const evening = made.reduce((last, one) => (one.business_date > last ? one.business_date : last), "");
  return (
    <>
      <Filters context={context}>
        <Select label={say("自販機", "Machine")} value={machine} options={machines.map((one) => ({ value: one, text: one }))} onChange={(one) => change({ machine: one }, { keep: true })} />
      </Filters>
      <Right all={judged("", data.made)} evening={evening} machine={machine} next={made.find((one) => one.business_date === evening && one.days_ahead === 1)} />
      <Card
        title={say(`${machine} の予測`, `Forecast of ${machine}`)}
        note={say(
          `${shortDay(evening)}の夜の予測。帯には5日のうち4日が入るはずです。過ぎた日は、その前の夜の予測。`,
          `Made on the evening of ${shortDay(evening)}. Four days of five should lie in the band. Of days gone by, the forecast of the evening before.`,
        )}
      >
        <Band made={made} sold={data.sold.filter((one) => one.machine_id === machine)} evening={evening} day={context.day} />
      </Card>
      <div class="columns">
        <How title={say("何日先の予測か", "By days ahead")} label={say("日先", "Days ahead")} found={grouped(data.made, (one) => String(one.days_ahead))} isNumber />
        <How title={say("自販機ごと", "By machine")} label={say("自販機", "Machine")} found={grouped(data.made, (one) => one.machine_id)} />
      </div>
    </>
  );
}

function Right({ all, evening, machine, next }: { all: Judged; evening: string; machine: string; next: Forecast | undefined }) {
  const of = { mart: "mart_machine_forecasts", rows: { machine_id: machine, business_date: evening } };
  const nothing = say("結果の出た予測はまだありません", "no forecast's day has come yet");
  const tone: Tone = all.within === null ? "calm" : Math.abs(all.within - PROMISED) <= 0.1 ? "good" : "fair";
  return (
    <div class="tiles">
      <Tile name="expected" label={say("次の日の予測", "Expected next day")} value={decimal(next?.units_expected)} of={of} under={next === undefined ? "" : `${decimal(next.units_q10)} – ${decimal(next.units_q90)}`} />
      <Tile name="error" label={say("外れた割合", "Off by")} value={percent(all.error)} of={of} under={all.error === null ? nothing : say(`売れた本数に対して、予測${count(all.forecasts)}件`, `of what was sold, ${count(all.forecasts)} forecasts`)} />
      <Tile name="within" label={say("帯に入った割合", "Within the band")} value={percent(all.within)} of={of} tone={tone} under={all.within === null ? nothing : say("80%が目安", "80% is promised")} />
      <Tile name="bias" label={say("偏り", "Too high or low")} value={signedPercent(all.bias)} of={of} under={all.bias === null ? nothing : say("プラスは多すぎた", "plus is too high")} />
    </div>
  );
}

function Band({ made, sold, evening, day }: { made: Forecast[]; sold: Sold[]; evening: string; day: string }) {
  const first = addDays(day, 1 - PAST);
  const days = Array.from({ length: PAST + AHEAD }, (_, place) => addDays(first, place));
  const byDay = new Map<string, Forecast>();
  for (const one of made) {
    if (one.business_date === evening || (one.days_ahead === 1 && !byDay.has(one.forecast_day))) byDay.set(one.forecast_day, one);
  }
  const units = new Map(sold.map((one) => [one.business_date, one.units_sold]));
  const of = (value: (one: Forecast) => number) => days.map((one) => (byDay.has(one) ? value(byDay.get(one) as Forecast) : null));
  const series: Series[] = [
    { title: say("売れた本数", "Sold"), kind: "bars", color: "third", values: days.map((one) => units.get(one) ?? null) },
    { title: say("下限", "Low"), kind: "line", color: "accent", isDashed: true, values: of((one) => one.units_q10) },
    { title: say("上限", "High"), kind: "line", color: "accent", isDashed: true, fillsToPrevious: true, values: of((one) => one.units_q90) },
    { title: say("予測", "Expected"), kind: "line", color: "second", values: of((one) => one.units_expected) },
  ];
  return <Chart label={say("売れた本数と予測", "Units sold and forecast")} labels={days.map(shortDay)} series={series} format={(value) => decimal(value)} axis={(value) => count(value)} height={280} />;
}

function How({ title, label, found, isNumber = false }: { title: string; label: string; found: Judged[]; isNumber?: boolean }) {
  return (
    <Card title={title}>
      <Table
        label={title}
        rows={found.filter((one) => one.forecasts > 0)}
        keyOf={(one) => one.name}
        start={{ column: "name", isDown: false }}
        whenEmpty={say("予測した日がまだ来ていません。", "No forecast day has come yet.")}
        columns={[
          { id: "name", title: label, cell: (one) => one.name, by: (one) => (isNumber ? Number(one.name) : one.name), isNumber },
          { id: "forecasts", title: say("件数", "Forecasts"), cell: (one) => count(one.forecasts), by: (one) => one.forecasts, isNumber: true, isMinor: true },
          { id: "error", title: say("外れ", "Off by"), cell: (one) => percent(one.error), by: (one) => one.error, isNumber: true },
          { id: "within", title: say("帯の中", "Within"), cell: (one) => percent(one.within), by: (one) => one.within, isNumber: true },
          { id: "bias", title: say("偏り", "Bias"), cell: (one) => signedPercent(one.bias), by: (one) => one.bias, isNumber: true, isMinor: true },
        ]}
      />
    </Card>
  );
}
