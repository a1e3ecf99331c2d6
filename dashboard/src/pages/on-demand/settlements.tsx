/** Settlements: what the payment processor owes beside what it paid out, by way to pay and day, and what is still open. */
import { change } from "../../ui/address.ts";
import { Chart } from "../../ui/chart.tsx";
import { csv, Download } from "../../ui/download.tsx";
import { Filters } from "../../ui/filters.tsx";
import { addDays, count, daysBetween, longDay, percent, short, shortDay, signedYen, yen } from "../../ui/format.ts";
import { pick, say, type Text } from "../../ui/language.ts";
import { Badge, Card, Empty, Select, Tile, type Tone } from "../../ui/parts.tsx";
import { Table } from "../../ui/table.tsx";
import { Traced } from "../../ui/trace.tsx";
import { definePage, rows, type Context } from "../page.ts";
import { Period, periodOf } from "./period.tsx";
import { daysUntil, ratio, sum } from "./sums.ts";

/** How far back something open is looked for. */
const YEAR = 365;

const COLUMNS = [
  "payment_method_id", "business_date", "payment_method_name", "state", "expected_sales_with_tax", "reported_sales_with_tax", "charged_back_with_tax", "expected_fee", "reported_fee",
  "expected_payout", "reported_payout", "difference", "tolerance", "paid_out", "open_payout", "due_on", "paid_on",
] as const;

type Row = {
  payment_method_id: string;
  business_date: string;
  payment_method_name: string | null;
  state: string;
  expected_sales_with_tax: number;
  reported_sales_with_tax: number;
  charged_back_with_tax: number;
  expected_fee: number | null;
  reported_fee: number;
  expected_payout: number | null;
  reported_payout: number;
  difference: number | null;
  tolerance: number | null;
  paid_out: number;
  open_payout: number;
  due_on: string | null;
  paid_on: string | null;
};

interface Settlement extends Row {
  method: string;
  /** Paid out less expected: below zero, too little; unknown where the fee is. */
  gap: number | null;
  isOpen: boolean;
}

interface Data {
  /** Of a year until the day. */
  settlements: Settlement[];
  /** The latest day that any of it knows of. */
  asOf: string;
}

export const page = definePage<Data>({
  question: { ja: "キャッシュレスの売上は、約束どおり入金されたか。", en: "Was what customers paid without cash paid out as it should be?" },
  asks: ["day"],
  load,
  View,
});

async function load(context: Context): Promise<Data> {
  const { day, last } = context;
  const found = await rows<Row>(context, "mart_settlement_reconciliation", COLUMNS, { business_date: { from: addDays(day, 1 - YEAR), to: last } });
  const names = new Map(found.filter((row) => row.payment_method_name !== null).map((row) => [row.payment_method_id, row.payment_method_name as string]));
  const settlements = found
    .filter((row) => row.business_date <= day)
    .map((row) => ({ ...row, method: names.get(row.payment_method_id) ?? row.payment_method_id, gap: row.expected_payout === null ? null : row.paid_out - row.expected_payout, isOpen: row.state !== "paid" }));
  return { settlements, asOf: found.reduce((latest, { paid_on }) => (paid_on !== null && paid_on > latest ? paid_on : latest), last) };
}

const STATES: Record<string, Text & { tone: Tone }> = {
  paid: { ja: "入金済", en: "paid", tone: "good" },
  open: { ja: "未入金", en: "not paid", tone: "fair" },
  differs: { ja: "金額差異", en: "differs", tone: "bad" },
  not_expected: { ja: "売上なし", en: "no sale", tone: "bad" },
  not_reported: { ja: "明細なし", en: "no report", tone: "fair" },
  fee_unknown: { ja: "手数料不明", en: "fee unknown", tone: "info" },
};

const stateOf = (state: string): Text & { tone: Tone } => STATES[state] ?? { ja: state, en: state, tone: "calm" };

function View({ data, context }: { data: Data; context: Context }) {
  const days = periodOf(context.given);
  const first = addDays(context.day, 1 - days);
  const methods = [...new Map(data.settlements.map((one) => [one.payment_method_id, one.method]))].sort(([one], [other]) => (one < other ? -1 : 1));
  const asked = context.given["method"] ?? "";
  const method = methods.some(([id]) => id === asked) ? asked : "";
  const mine = data.settlements.filter((one) => method === "" || one.payment_method_id === method);
  const period = mine.filter((one) => one.business_date >= first);
  const isOpenOnly = context.given["show"] === "open";
  const listed = mine.filter((one) => one.isOpen || (!isOpenOnly && one.business_date >= first)).sort(byUrgency);
  return (
    <>
      <Filters context={context}>
        <Period days={days} />
        <Select label={say("決済方法", "Way to pay")} value={method} options={[{ value: "", text: say("すべて", "All") }, ...methods.map(([value, text]) => ({ value, text }))]} onChange={(next) => change({ method: next === "" ? null : next }, { keep: true })} />
        <Select label={say("表示", "Show")} value={isOpenOnly ? "open" : ""} options={[{ value: "", text: say("すべて", "All") }, { value: "open", text: say("未解決のみ", "Open only") }]} onChange={(next) => change({ show: next === "" ? null : next }, { keep: true })} />
      </Filters>
      {mine.length === 0 ? (
        <Empty>{say("この1年の決済はまだありません。決済代行会社を接続し（/connections）、取り込みのあとに現れます。", "There are no settlements of this year yet: connect the processor at /connections; they appear with the run after the extraction.")}</Empty>
      ) : (
        <>
          <Tiles period={period} open={mine.filter((one) => one.isOpen)} asOf={data.asOf} context={context} days={days} method={method} />
          <Details listed={listed} asOf={data.asOf} day={context.day} />
          <div class="columns wide-left">
            <Methods period={period} open={mine.filter((one) => one.isOpen)} days={days} />
            <Days period={period} days={daysUntil(context.day, days)} />
          </div>
        </>
      )}
    </>
  );
}

/** What is open comes first, the oldest at the top; of the rest the newest. */
function byUrgency(one: Settlement, other: Settlement): number {
  if (one.isOpen !== other.isOpen) return one.isOpen ? -1 : 1;
  const days = one.business_date.localeCompare(other.business_date);
  return (one.isOpen ? days : -days) || one.payment_method_id.localeCompare(other.payment_method_id);
}

const known = (all: Settlement[], of: (one: Settlement) => number | null): number => sum(all, (one) => of(one) ?? 0);

function Tiles({ period, open, asOf, context, days, method }: { period: Settlement[]; open: Settlement[]; asOf: string; context: Context; days: number; method: string }) {
  const which = method === "" ? "" : `payment_method_id=${method} `;
  const of = { command: `vending trace marts.mart_settlement_reconciliation ${which}day=${context.day}  # ${say(`前の${days - 1}日も同様`, `and the ${days - 1} days before`)}` };
  const expected = known(period, (one) => one.expected_payout);
  const paid = sum(period, (one) => one.paid_out);
  const difference = known(period, (one) => one.difference);
  const oldest = open.reduce<string | null>((first, one) => (first === null || one.business_date < first ? one.business_date : first), null);
  const states = [...new Set(open.map((one) => one.state))].sort();
  const ofOpen = { command: `vending trace marts.mart_settlement_reconciliation ${which}state=${states[0] ?? "open"}${states.length > 1 ? `  # ${say(`${states.slice(1).join("・")}も同様`, `also ${states.slice(1).join(", ")}`)}` : ""}` };
  const unknown = period.filter((one) => one.expected_payout === null).length;
  return (
    <div class="tiles">
      <Tile name="settlements-expected" label={say(`入金予定額（${days}日間の売上）`, `Expected, of ${days} days`)} value={yen(expected)} of={of} under={unknown === 0 ? say("売上から手数料を引いた額", "sales less fees") : say(`手数料不明${count(unknown)}件を除く`, `without ${count(unknown)} of which the fee is unknown`)} />
      <Tile name="settlements-paid" label={say("入金額", "Paid out")} value={yen(paid)} of={of} under={say(`予定の${percent(ratio(paid, expected))}`, `${percent(ratio(paid, expected))} of what is expected`)} />
      <Tile name="settlements-difference" label={say("明細との差額", "Reported less expected")} value={signedYen(difference)} of={of} tone={difference < 0 ? "bad" : "calm"} under={say("マイナスは少なすぎ", "minus is too little")} />
      <Tile name="settlements-open" label={say("未解決", "Open")} value={count(open.length)} of={ofOpen} tone={open.length > 0 ? "bad" : "good"} under={oldest === null ? say("この1年にありません", "none in a year") : say(`最長${count(daysBetween(oldest, asOf))}日・過不足 ${signedYen(known(open, (one) => one.gap))}`, `up to ${count(daysBetween(oldest, asOf))} days, ${signedYen(known(open, (one) => one.gap))}`)} />
    </div>
  );
}

function daysOpen(one: Settlement, asOf: string): string {
  if (!one.isOpen) return "";
  const days = daysBetween(one.business_date, asOf);
  return say(`${count(days)}日`, days === 1 ? "1 day" : `${count(days)} days`);
}

/** For how many days money that is missing has been due. */
function daysLate(one: Settlement, asOf: string): number {
  return !one.isOpen || one.due_on === null || (one.gap ?? -1) >= 0 ? 0 : Math.max(0, daysBetween(one.due_on, asOf));
}

function Due({ one, asOf }: { one: Settlement; asOf: string }) {
  const late = daysLate(one, asOf);
  return <span class="days">{shortDay(one.due_on)}{late > 0 && <b class="bad" title={say("期日からの日数", "Days since it was due")}> {say(`+${count(late)}日`, `+${count(late)} days`)}</b>}</span>;
}

const Method = ({ name }: { name: string }) => <span class="one-line brief" title={name}>{name}</span>;

function Details({ listed, asOf, day }: { listed: Settlement[]; asOf: string; day: string }) {
  return (
    <Card
      title={say("日別・決済方法別の明細", "By day and way to pay")}
      note={say(`未解決を古い順に先頭へ（この1年分）。経過は${longDay(asOf)}まで`, `What is open comes first, the oldest at the top (of a year). Days open until ${longDay(asOf)}, the last that is known`)}
      actions={<Download name={`settlements_${day}.csv`} content={() => settlementsCsv(listed, asOf)} />}
    >
      <Table
        label={say("入金明細", "Settlements")}
        rows={listed}
        keyOf={(one) => `${one.business_date} ${one.payment_method_id}`}
        start={{ column: "open", isDown: true }}
        whenEmpty={say("未解決のものはありません。", "Nothing is open.")}
        isTall
        columns={[
          { id: "day", title: say("売上日", "Day of sales"), by: (one) => one.business_date, cell: (one) => <><span class="days">{shortDay(one.business_date)}</span><span class="below"><Method name={one.method} /></span></> },
          { id: "method", title: say("決済方法", "Way to pay"), isMinor: true, by: (one) => one.payment_method_id, cell: (one) => <Method name={one.method} /> },
          { id: "state", title: say("状態", "State"), by: (one) => one.state, cell: (one) => <><Badge tone={stateOf(one.state).tone}>{pick(stateOf(one.state))}</Badge><span class="below">{daysOpen(one, asOf)}</span></> },
          { id: "open", title: say("経過", "Open"), isNumber: true, isMinor: true, by: (one) => (one.isOpen ? daysBetween(one.business_date, asOf) : null), cell: (one) => daysOpen(one, asOf) || "–" },
          { id: "due", title: say("入金期日", "Due"), isMinor: true, by: (one) => one.due_on, cell: (one) => <Due one={one} asOf={asOf} /> },
          { id: "expected", title: say("予定額", "Expected"), isNumber: true, isMinor: true, by: (one) => one.expected_payout, cell: (one) => yen(one.expected_payout) },
          { id: "reported", title: say("明細額", "Reported"), isNumber: true, isRare: true, by: (one) => one.reported_payout, cell: (one) => yen(one.reported_payout) },
          { id: "paid", title: say("入金額", "Paid out"), isNumber: true, isMinor: true, by: (one) => one.paid_out, cell: (one) => yen(one.paid_out) },
          { id: "gap", title: say("過不足", "Over/short"), isNumber: true, by: (one) => one.gap, cell: (one) => <Traced of={{ mart: "mart_settlement_reconciliation", rows: { payment_method_id: one.payment_method_id, day: one.business_date } }}><b class={one.isOpen && one.gap !== null && one.gap < 0 ? "bad" : ""}>{signedYen(one.gap)}</b></Traced> },
          { id: "tolerance", title: say("許容", "Tolerance"), isNumber: true, isMinor: true, by: (one) => one.tolerance, cell: (one) => (one.tolerance === null ? "–" : `±${yen(one.tolerance)}`) },
        ]}
      />
    </Card>
  );
}

interface OfMethod {
  id: string;
  name: string;
  expected: number;
  paid: number;
  gap: number;
  open: number;
}

function byMethod(period: Settlement[], open: Settlement[]): OfMethod[] {
  const names = new Map([...open, ...period].map((one) => [one.payment_method_id, one.method]));
  return [...names].map(([id, name]) => {
    const mine = period.filter((one) => one.payment_method_id === id);
    return { id, name, expected: known(mine, (one) => one.expected_payout), paid: sum(mine, (one) => one.paid_out), gap: known(mine, (one) => one.gap), open: open.filter((one) => one.payment_method_id === id).length };
  });
}

function Methods({ period, open, days }: { period: Settlement[]; open: Settlement[]; days: number }) {
  return (
    <Card title={say("決済方法ごと", "By way to pay")} note={say(`${days}日間の売上。未解決はこの1年`, `Sales of ${days} days; open in a year`)}>
      <Table
        label={say("決済方法ごとの入金", "Paid out by way to pay")}
        rows={byMethod(period, open)}
        keyOf={(one) => one.id}
        start={{ column: "expected", isDown: true }}
        whenEmpty={say("この期間の決済はありません。", "Nothing was paid without cash in this period.")}
        columns={[
          { id: "method", title: say("決済方法", "Way to pay"), by: (one) => one.id, cell: (one) => <Method name={one.name} /> },
          { id: "expected", title: say("予定額", "Expected"), isNumber: true, by: (one) => one.expected, cell: (one) => <Traced of={{ mart: "mart_settlement_reconciliation", rows: { payment_method_id: one.id } }}>{yen(one.expected)}</Traced> },
          { id: "paid", title: say("入金額", "Paid out"), isNumber: true, isMinor: true, by: (one) => one.paid, cell: (one) => yen(one.paid) },
          { id: "gap", title: say("過不足", "Over/short"), isNumber: true, by: (one) => one.gap, cell: (one) => <b class={one.gap < 0 ? "bad" : ""}>{signedYen(one.gap)}</b> },
          { id: "open", title: say("未解決", "Open"), isNumber: true, isMinor: true, by: (one) => one.open, cell: (one) => count(one.open) },
        ]}
      />
    </Card>
  );
}

function Days({ period, days }: { period: Settlement[]; days: string[] }) {
  const first = period.reduce((first, one) => (one.business_date < first ? one.business_date : first), days.at(-1) ?? "");
  const shown = days.filter((day) => day >= first);
  const of = (figure: (one: Settlement) => number | null) => shown.map((day) => sum(period.filter((one) => one.business_date === day), (one) => figure(one) ?? 0));
  return (
    <Card title={say("売上日ごとの予定と入金", "Expected and paid out by day of sales")}>
      {period.length === 0 ? <Empty>{say("この期間の決済はありません。日付か期間を変えてください。", "Nothing was paid without cash on these days: choose another day or period.")}</Empty> : (
      <Chart
        label={say("売上日ごとの予定額と入金額", "Expected and paid out by day of sales")}
        labels={shown.map(shortDay)}
        series={[
          { title: say("予定額", "Expected"), values: of((one) => one.expected_payout), kind: "bars", color: "third" },
          { title: say("入金額", "Paid out"), values: of((one) => one.paid_out), kind: "line", color: "accent" },
        ]}
        format={yen}
        axis={short}
      />
      )}
    </Card>
  );
}

/** In Japanese in both languages, for whoever keeps the books. */
const settlementsCsv = (listed: Settlement[], asOf: string): string =>
  csv(
    ["売上日", "決済方法コード", "決済方法", "状態", "経過日数", "入金期日", "入金日", "売上（税込）", "明細売上（税込）", "返金", "予定手数料", "明細手数料", "入金予定額", "明細入金額", "差額", "許容差額", "入金額", "未入金額", "過不足"],
    listed.map((one) => [
      one.business_date, one.payment_method_id, one.payment_method_name, stateOf(one.state).ja, one.isOpen ? daysBetween(one.business_date, asOf) : null, one.due_on, one.paid_on, one.expected_sales_with_tax,
      one.reported_sales_with_tax, one.charged_back_with_tax, one.expected_fee, one.reported_fee, one.expected_payout, one.reported_payout, one.difference, one.tolerance, one.paid_out, one.open_payout, one.gap,
    ]),
  );
