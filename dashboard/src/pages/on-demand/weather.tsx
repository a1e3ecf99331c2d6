/** Weather and sales: which categories follow temperature or rain, how surely, and the days' weather beside what was sold. */
import { change } from "../../ui/address.ts";
import { Chart, type Series } from "../../ui/chart.tsx";
import { Filters } from "../../ui/filters.tsx";
import { addDays, count, decimal, moment, percent, short, shortDay, signedPercent, yen } from "../../ui/format.ts";
import { say } from "../../ui/language.ts";
import { Card, Empty, Select, Tile } from "../../ui/parts.tsx";
import { definePage, rows, type Context } from "../page.ts";
import { Period, periodOf } from "./period.tsx";
import { Reactions } from "./reactions.tsx";
import { effectsOf, FACTORS, type Effect, type Factor, type Sensitivity } from "./sensitivity.ts";
import { daysUntil } from "./sums.ts";

/** A forecast reaches a week ahead. */
const AHEAD = 7;
/** Four weeks have each weekday as often as any other. */
const ENOUGH_DAYS = 28;

type Weather = {
  business_date: string;
  prefecture: string;
  temperature_mean: number | null;
  precipitation: number | null;
  forecast_issued_at: string | null;
  temperature_mean_forecast: number | null;
  precipitation_forecast: number | null;
  machines: number;
  units_sold: number;
  sales_with_tax: number;
};

type Expected = { business_date: string; prefecture: string; known_on: string; temperature_mean: number | null; precipitation: number | null };

interface Data {
  /** Of prefectures in which there are machines. */
  past: Weather[];
  /** What was expected on the evening of the day; a day's newest forecast. */
  ahead: Expected[];
  effects: Effect[];
}

export const page = definePage<Data>({
  question: { ja: "気温や雨で、何がどこで売れるか。", en: "What sells where when it is warm, or when it rains?" },
  asks: ["day", "days"],
  load,
  View,
});

async function load(context: Context): Promise<Data> {
  const { day } = context;
  const [past, forecasts, sensitivity, products] = await Promise.all([
    rows<Weather>(
      context,
      "mart_weather_daily",
      ["business_date", "prefecture", "temperature_mean", "precipitation", "forecast_issued_at", "temperature_mean_forecast", "precipitation_forecast", "machines", "units_sold", "sales_with_tax"],
      { business_date: { from: addDays(day, 1 - periodOf(context.given)), to: day } },
    ),
    rows<Expected>(context, "mart_weather_forecasts", ["business_date", "prefecture", "known_on", "temperature_mean", "precipitation"], {
      business_date: { from: addDays(day, 1), to: addDays(day, AHEAD) },
      known_on: { to: day },
    }),
    rows<Sensitivity>(context, "mart_weather_sensitivity", ["prefecture", "category_id", "factor", "days", "units_per_machine", "correlation", "slope", "slope_low", "slope_high"]),
    rows<{ category_id: string | null; category_name: string | null }>(context, "dim_products", ["category_id", "category_name"]),
  ]);
  const names = new Map(products.map((one) => [one.category_id ?? "", one.category_name ?? one.category_id ?? ""]));
  const newest = new Map<string, Expected>();
  for (const one of forecasts) {
    const key = `${one.prefecture} ${one.business_date}`;
    if (one.known_on > (newest.get(key)?.known_on ?? "")) newest.set(key, one);
  }
  return { past: past.filter((one) => one.machines > 0), ahead: [...newest.values()], effects: effectsOf(sensitivity, names) };
}

function View({ data, context }: { data: Data; context: Context }) {
  const factor: Factor = context.given["factor"] === "rain" ? "rain" : "temperature";
  const places = prefectures(data);
  const [first] = places;
  if (first === undefined) {
    return (
      <>
        <Filters context={context} />
        <Empty>{say("自販機のある都道府県の天気がまだありません。`vending extract` のあとの実行で現れます。", "There is no weather of a prefecture with machines yet; it appears with the run after `vending extract`.")}</Empty>
      </>
    );
  }
  const asked = context.given["prefecture"] ?? "";
  const place = places.includes(asked) ? asked : first;
  const effects = data.effects.filter((one) => one.factor === factor && (one.prefecture === asked || !places.includes(asked)));
  const { name } = FACTORS[factor];
  return (
    <>
      <Filters context={context}>
        <Period days={periodOf(context.given)} />
        <Select label={say("天気", "Weather")} value={factor} options={(["temperature", "rain"] as const).map((one) => ({ value: one, text: FACTORS[one].title() }))} onChange={(next) => change({ factor: next === "temperature" ? null : next }, { keep: true })} />
        <Select label={say("都道府県", "Prefecture")} value={places.includes(asked) ? asked : ""} options={[{ value: "", text: say("すべて", "All") }, ...places.map((one) => ({ value: one, text: one }))]} onChange={(next) => change({ prefecture: next === "" ? null : next }, { keep: true })} />
      </Filters>
      <Tiles data={data} place={place} day={context.day} />
      <Card title={say(`${name()}で売れ方は変わるか`, `Do sales follow ${name()}?`)} note={say("天気と販売のあるすべての日から", "From all days of which weather and sales are known")}>
        <Meaning effects={effects} factor={factor} />
        <Reactions effects={effects} factor={factor} />
      </Card>
      <Card
        title={say(`${place}の売上と${name()}`, `Sales and ${name()} in ${place}`)}
        note={say("予報は前夜のもの。これからの日は、この日の夜までに届いた最新の予報", "A forecast is that of the evening before; of the days to come the newest that was there on this evening")}
      >
        <Days data={data} place={place} factor={factor} context={context} />
      </Card>
    </>
  );
}

/** Those with machines; the one that sold most comes first. */
function prefectures(data: Data): string[] {
  const sales = new Map<string, number>(data.effects.map((one) => [one.prefecture, 0]));
  for (const one of data.past) sales.set(one.prefecture, (sales.get(one.prefecture) ?? 0) + one.sales_with_tax);
  return [...sales].sort(([one, a], [other, b]) => b - a || (one < other ? -1 : 1)).map(([name]) => name);
}

const degrees = (value: number | null | undefined) => (value == null ? "–" : say(`${decimal(value)}℃`, `${decimal(value)} °C`));
const millimetres = (value: number | null | undefined) => (value == null ? "–" : `${decimal(value)} mm`);

function Tiles({ data, place, day }: { data: Data; place: string; day: string }) {
  const today = data.past.find((one) => one.prefecture === place && one.business_date === day);
  const next = data.ahead.find((one) => one.prefecture === place && one.business_date === addDays(day, 1));
  const of = { mart: "mart_weather_daily", rows: { prefecture: place, day } };
  const before = (text: string) => (today?.forecast_issued_at == null ? say("前夜までの予報なし", "no forecast before") : say(`予報 ${text}（${moment(today.forecast_issued_at)}）`, `forecast ${text}, ${moment(today.forecast_issued_at)}`));
  return (
    <div class="tiles">
      <Tile name="weather-sales" label={say(`${place}の売上（${shortDay(day)}）`, `Sales in ${place}, ${shortDay(day)}`)} value={yen(today?.sales_with_tax)} of={of} under={today === undefined ? say("この日の天気はまだありません", "no weather of this day yet") : say(`${count(today.units_sold)}本・${count(today.machines)}台`, `${count(today.units_sold)} units, ${count(today.machines)} machines`)} />
      <Tile name="weather-temperature" label={say("平均気温", "Mean temperature")} value={degrees(today?.temperature_mean)} of={of} under={before(degrees(today?.temperature_mean_forecast))} />
      <Tile name="weather-rain" label={say("降水量", "Rain")} value={millimetres(today?.precipitation)} of={of} under={before(millimetres(today?.precipitation_forecast))} />
      <Tile
        name="weather-tomorrow"
        label={say(`${shortDay(addDays(day, 1))}の予報`, `Forecast of ${shortDay(addDays(day, 1))}`)}
        value={degrees(next?.temperature_mean)}
        of={{ mart: "mart_weather_forecasts", rows: { prefecture: place, day: addDays(day, 1), known_on: next?.known_on ?? day } }}
        under={next === undefined ? say("この夜までに予報が届いていません", "none was there on this evening") : say(`雨 ${millimetres(next.precipitation)}・${shortDay(next.known_on)}の夜`, `rain ${millimetres(next.precipitation)}, made ${shortDay(next.known_on)}`)}
      />
    </div>
  );
}

/** What the figures mean in words, and how far they can be trusted. */
function Meaning({ effects, factor }: { effects: Effect[]; factor: Factor }) {
  const known = effects.filter((one) => one.change !== null && one.low !== null && one.high !== null);
  const [most] = known.filter((one) => one.verdict === "more" || one.verdict === "less").sort((one, other) => Math.abs(other.change ?? 0) - Math.abs(one.change ?? 0));
  const [closest] = [...known].sort((one, other) => Math.abs(other.correlation ?? 0) - Math.abs(one.correlation ?? 0));
  const shown = most ?? closest;
  if (shown === undefined) return <p class="meaning">{say("まだ何も言えません：比べる日が7日に足りないか、天気が変わりませんでした。", "Nothing can be said yet: there are fewer than 7 days to compare, or the weather never changed.")}</p>;
  const { step } = FACTORS[factor];
  const figures = say(
    `95%区間 ${signedPercent(shown.low)}〜${signedPercent(shown.high)}、n = ${count(shown.days)}日`,
    `95% interval ${signedPercent(shown.low)} to ${signedPercent(shown.high)}, n = ${count(shown.days)} days`,
  );
  const effect = say(`${step()}：${shown.prefecture}の「${shown.name}」は1台あたり ${signedPercent(shown.change)}（${figures}）`, `${step()}: ${signedPercent(shown.change)} of ${shown.name} per machine in ${shown.prefecture} (${figures})`);
  const byChance = say(`${count(known.length)}件を比べると、無関係でも${percent(0.05, 0)}は偶然にそう見えます。`, `Of ${count(known.length)} comparisons ${percent(0.05, 0)} look so by chance.`);
  return (
    <p class="meaning" data-figure="weather-meaning">
      {most !== undefined ? (
        <><b>{effect}</b>{say("。", ".")} {byChance}</>
      ) : (
        <>
          <b>{say(`はっきりした関係はありません：${count(known.length)}件すべてで区間が0を含みます。`, `Nothing is certain: in all ${count(known.length)} comparisons the interval includes 0.`)}</b> {say(`最も近いもの — ${effect}。`, `Closest to it — ${effect}.`)}
        </>
      )}
      {shown.days < ENOUGH_DAYS && <> {say(`${count(shown.days)}日では、曜日や季節の影響と区別できません。`, `From ${count(shown.days)} days it can't be told from what weekdays or the season do.`)}</>}
    </p>
  );
}

function Days({ data, place, factor, context }: { data: Data; place: string; factor: Factor; context: Context }) {
  const past = new Map(data.past.filter((one) => one.prefecture === place).map((one) => [one.business_date, one]));
  const ahead = new Map(data.ahead.filter((one) => one.prefecture === place).map((one) => [one.business_date, one]));
  if (past.size === 0) return <Empty>{say("この期間の天気と売上はありません。日付か期間を変えてください。", "No weather and sales of these days: choose another day or period.")}</Empty>;
  const known = [...past.keys()].sort()[0] ?? context.day;
  const gone = daysUntil(context.day, periodOf(context.given)).filter((day) => day >= known);
  const days = [...gone, ...[...ahead.keys()].sort()];
  const isRain = factor === "rain";
  const measured = (one: Weather | undefined) => (isRain ? one?.precipitation : one?.temperature_mean) ?? null;
  const expected = (day: string) => {
    const [before, next] = [past.get(day), ahead.get(day)];
    return (isRain ? (next?.precipitation ?? before?.precipitation_forecast) : (next?.temperature_mean ?? before?.temperature_mean_forecast)) ?? null;
  };
  const { name, title } = FACTORS[factor];
  const series: Series[] = [
    { title: say("売上", "Sales"), kind: "bars", color: "third", values: days.map((day) => past.get(day)?.sales_with_tax ?? null) },
    { title: say(`${title()}（予報）`, `${title()}, forecast`), kind: "line", color: "accent", isDashed: true, isRight: true, values: days.map(expected) },
    { title: title(), kind: "line", color: "second", isRight: true, values: days.map((day) => measured(past.get(day))) },
  ];
  const unit = isRain ? millimetres : degrees;
  return <Chart label={say(`売上と${name()}`, `Sales and ${name()}`)} labels={days.map(shortDay)} series={series} format={yen} axis={short} right={{ format: unit, axis: (value) => (isRain ? `${value} mm` : `${value}°`) }} height={280} />;
}
