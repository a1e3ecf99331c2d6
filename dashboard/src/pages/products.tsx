/** Products: what sells, what to do with the rest, what a new price did, and what is thrown away. */
import { change } from "../ui/address.ts";
import { Filters } from "../ui/filters.tsx";
import { addDays, count, monthName, percent, shortDay, signedPercent, yen } from "../ui/format.ts";
import { say } from "../ui/language.ts";
import { Badge, Bar, Card, Empty, Select, Spark, Tile, type Tone } from "../ui/parts.tsx";
import { Table } from "../ui/table.tsx";
import { Traced } from "../ui/trace.tsx";
import { definePage, rows, type Context } from "./page.ts";
import { actionOf, placeOf } from "./words.ts";

const DAYS = 28;

type Ranked = {
  product_id: string;
  product_name: string | null;
  segment_type: string;
  segment_value: string;
  machines_sold: number;
  machines_in_segment: number;
  units_sold: number;
  sales_with_tax: number;
  margin_without_tax: number;
  margin_rate_without_tax: number | null;
  sell_through: number | null;
  sales_rank: number;
  sales_share: number | null;
  cumulative_share: number | null;
  abc_class: string;
  suggested_action: string;
};

type Changed = {
  product_id: string;
  product_name: string | null;
  business_date: string;
  price_before: number;
  price_after: number;
  days_before: number;
  days_after: number;
  units_per_day_before: number | null;
  units_per_day_after: number | null;
  units_change_rate: number | null;
  sales_change_rate: number | null;
  peers: number;
  peer_units_change_rate: number | null;
  units_change_beyond_peers: number | null;
};

type Wasted = {
  product_id: string;
  machine_id: string;
  product_name: string | null;
  units_added: number;
  units_expired: number;
  units_damaged: number;
  units_recalled: number;
  units_wasted: number;
  waste_cost_without_tax: number;
};

interface Products {
  month: string;
  ranked: Ranked[];
  past: Map<string, (number | null)[]>;
  changes: Changed[];
  wasted: Omit<Wasted, "machine_id">[];
}

export const page = definePage<Products>({
  question: { ja: "何が売れ、何を入れ替えるべきか。", en: "What sells, and what should be replaced?" },
  asks: ["day"],
  load,
  View,
});

async function load(context: Context): Promise<Products> {
  const { day } = context;
  const month = day.slice(0, 7);
  const first = `${month}-01`;
  const [ranked, daily, changes, wasted] = await Promise.all([
    rows<Ranked>(
      context,
      "mart_product_ranking",
      ["product_id", "product_name", "segment_type", "segment_value", "machines_sold", "machines_in_segment", "units_sold", "sales_with_tax", "margin_without_tax",
        "margin_rate_without_tax", "sell_through", "sales_rank", "sales_share", "cumulative_share", "abc_class", "suggested_action"],
      { business_date: first },
    ),
    rows<{ product_id: string; business_date: string; sales_with_tax: number }>(context, "mart_product_daily", ["product_id", "business_date", "sales_with_tax"], { business_date: { from: addDays(day, 1 - DAYS), to: day } }),
    rows<Changed>(
      context,
      "mart_price_changes",
      ["product_id", "product_name", "business_date", "price_before", "price_after", "days_before", "days_after", "units_per_day_before", "units_per_day_after",
        "units_change_rate", "sales_change_rate", "peers", "peer_units_change_rate", "units_change_beyond_peers"],
      { business_date: { from: addDays(day, -90), to: day } },
    ),
    rows<Wasted>(context, "mart_waste", ["product_id", "machine_id", "product_name", "units_added", "units_expired", "units_damaged", "units_recalled", "units_wasted", "waste_cost_without_tax"], { business_date: first }),
  ]);
  const past = new Map<string, (number | null)[]>();
  const places = new Map(Array.from({ length: DAYS }, (_, place) => [addDays(day, place + 1 - DAYS), place]));
  for (const row of daily) {
    let values = past.get(row.product_id);
    if (values === undefined) past.set(row.product_id, (values = new Array<number | null>(DAYS).fill(null)));
    values[places.get(row.business_date) ?? 0] = row.sales_with_tax;
  }
  return { month, ranked, past, changes, wasted: byProduct(wasted) };
}

function byProduct(wasted: Wasted[]): Products["wasted"] {
  const found = new Map<string, Omit<Wasted, "machine_id">>();
  for (const { machine_id: _, ...row } of wasted) {
    const sum = found.get(row.product_id);
    if (sum === undefined) {
      found.set(row.product_id, { ...row });
      continue;
    }
    for (const figure of ["units_added", "units_expired", "units_damaged", "units_recalled", "units_wasted", "waste_cost_without_tax"] as const) sum[figure] += row[figure];
  }
  return [...found.values()].filter((row) => row.units_wasted > 0);
}

const CLASSES: Record<string, Tone> = { A: "good", B: "info", C: "calm" };

function View({ data, context }: { data: Products; context: Context }) {
  const { segment = "all:all" } = context.given;
  const [type = "all", value = "all"] = segment.split(":");
  const segments = [...new Set(data.ranked.map((row) => `${row.segment_type}:${row.segment_value}`))].sort((a, b) => Number(b === "all:all") - Number(a === "all:all") || a.localeCompare(b));
  const shown = data.ranked.filter((row) => row.segment_type === type && row.segment_value === value);
  const month = { day: `${data.month}-01` };
  const total = shown.reduce((sum, row) => sum + row.sales_with_tax, 0);
  const waste = data.wasted.reduce((sum, row) => sum + row.waste_cost_without_tax, 0);
  return (
    <>
      <Filters context={context}>
        <Select label={say("範囲", "Where")} value={segment} options={segments.map((one) => ({ value: one, text: segmentName(one) }))} onChange={(next) => change({ segment: next === "all:all" ? null : next }, { keep: true })} />
      </Filters>
      <div class="tiles">
        <Tile name="sales" label={say(`${monthName(data.month)}の売上`, `Sales, ${monthName(data.month)}`)} value={yen(total)} of={{ mart: "mart_product_ranking", rows: { ...month, segment_type: type, segment_value: value } }} under={say(`${shown.length}商品`, `${shown.length} products`)} />
        {["A", "B", "C"].map((name) => {
          const of = shown.filter((row) => row.abc_class === name);
          const sales = of.reduce((sum, row) => sum + row.sales_with_tax, 0);
          return (
            <Tile key={name} name={`class-${name}`} label={say(`${name}ランク`, `Class ${name}`)} value={count(of.length)} of={{ mart: "mart_product_ranking", rows: { ...month, segment_type: type, segment_value: value, abc_class: name } }} under={total === 0 ? "" : say(`売上の${percent(sales / total, 0)}`, `${percent(sales / total, 0)} of sales`)} />
          );
        })}
        <Tile name="waste" label={say("廃棄原価（税抜）", "Cost of waste, without tax")} value={yen(waste)} tone={waste > 0 ? "fair" : "good"} of={{ mart: "mart_waste", rows: month }} under={say(`${count(data.wasted.reduce((sum, row) => sum + row.units_wasted, 0))}本`, `${count(data.wasted.reduce((sum, row) => sum + row.units_wasted, 0))} units`)} />
      </div>
      <Card title={say("商品ランキング", "Ranking")} note={say(`${monthName(data.month)}・${segmentName(segment)}`, `${monthName(data.month)}, ${segmentName(segment)}`)}>
        <Table
          label={say("商品ランキング", "Ranking")}
          rows={shown}
          keyOf={(row) => row.product_id}
          start={{ column: "rank", isDown: false }}
          whenEmpty={say("この月の順位はまだありません。別の月の日付を選んでください。", "There is no ranking of this month yet: choose a day of another.")}
          columns={[
            { id: "rank", title: say("順位", "Rank"), isNumber: true, by: (row) => row.sales_rank, cell: (row) => row.sales_rank },
            { id: "product", title: say("商品", "Product"), by: (row) => row.product_name, cell: (row) => row.product_name ?? row.product_id },
            { id: "class", title: "ABC", by: (row) => row.abc_class, cell: (row) => <Badge tone={CLASSES[row.abc_class] ?? "calm"}>{row.abc_class}</Badge> },
            { id: "past", title: say("28日間", "28 days"), isMinor: true, cell: (row) => <Spark values={data.past.get(row.product_id) ?? []} label={say("28日間の売上", "Sales in 28 days")} /> },
            { id: "sales", title: say("売上", "Sales"), isNumber: true, by: (row) => row.sales_with_tax, cell: (row) => <Traced of={{ mart: "mart_product_ranking", rows: { ...month, product_id: row.product_id, segment_type: type, segment_value: value } }}>{yen(row.sales_with_tax)}</Traced> },
            { id: "share", title: say("累計構成比", "Running share"), isMinor: true, by: (row) => row.cumulative_share, cell: (row) => <span class="with-bar"><Bar share={row.cumulative_share ?? 0} /> {percent(row.cumulative_share, 0)}</span> },
            { id: "units", title: say("本数", "Units"), isNumber: true, by: (row) => row.units_sold, cell: (row) => count(row.units_sold) },
            { id: "margin", title: say("粗利率", "Margin"), isNumber: true, isMinor: true, by: (row) => row.margin_rate_without_tax, cell: (row) => percent(row.margin_rate_without_tax) },
            { id: "through", title: say("消化率", "Sell-through"), isNumber: true, isMinor: true, by: (row) => row.sell_through, cell: (row) => percent(row.sell_through, 0) },
            { id: "machines", title: say("設置", "Machines"), isNumber: true, isMinor: true, by: (row) => row.machines_sold, cell: (row) => `${row.machines_sold}/${row.machines_in_segment}` },
            { id: "action", title: say("提案", "Suggestion"), isMinor: true, by: (row) => row.suggested_action, cell: (row) => actionOf(row.suggested_action) },
          ]}
        />
      </Card>
      <Prices changes={data.changes} />
      <Waste data={data} month={month} />
    </>
  );
}

function segmentName(segment: string): string {
  const [type = "all", value = ""] = segment.split(":");
  if (type === "all") return say("全体", "Everywhere");
  return type === "location_type" ? placeOf(value) : value;
}

const Rate = ({ rate }: { rate: number | null }) => <span class={rate === null || Math.abs(rate) < 0.005 ? "" : rate > 0 ? "good" : "bad"}>{signedPercent(rate)}</span>;

function Prices({ changes }: { changes: Changed[] }) {
  return (
    <Card title={say("価格改定の効果", "What new prices did")} note={say("90日間。比較：価格を変えなかった同じ分類の商品", "90 days, beside products of the category whose price stayed")}>
      <Table
        label={say("価格改定", "Price changes")}
        rows={changes}
        keyOf={(one) => `${one.product_id} ${one.business_date}`}
        start={{ column: "when", isDown: true }}
        whenEmpty={say("この90日間に価格の変わった商品はありません。", "No price changed in these 90 days.")}
        columns={[
          { id: "product", title: say("商品", "Product"), by: (one) => one.product_name, cell: (one) => one.product_name ?? one.product_id },
          { id: "when", title: say("改定日", "Since"), by: (one) => one.business_date, cell: (one) => shortDay(one.business_date), isMinor: true },
          { id: "price", title: say("価格", "Price"), isNumber: true, by: (one) => one.price_after, cell: (one) => `${count(one.price_before)}→${yen(one.price_after)}` },
          { id: "units", title: say("本数/日", "Units a day"), isNumber: true, by: (one) => one.units_change_rate, cell: (one) => <Traced of={{ mart: "mart_price_changes", rows: { product_id: one.product_id, day: one.business_date } }}><Rate rate={one.units_change_rate} /></Traced> },
          { id: "peers", title: say("比較群", "Peers"), isNumber: true, isMinor: true, by: (one) => one.peer_units_change_rate, cell: (one) => (one.peers === 0 ? say("なし", "none") : <><Rate rate={one.peer_units_change_rate} /> <span class="soft">({one.peers})</span></>) },
          { id: "beyond", title: say("価格の影響", "Beyond peers"), isNumber: true, by: (one) => one.units_change_beyond_peers, cell: (one) => <b><Rate rate={one.units_change_beyond_peers} /></b> },
          { id: "sales", title: say("売上/日", "Sales a day"), isNumber: true, by: (one) => one.sales_change_rate, cell: (one) => <Rate rate={one.sales_change_rate} /> },
        ]}
      />
    </Card>
  );
}

function Waste({ data, month }: { data: Products; month: { day: string } }) {
  return (
    <Card title={say("廃棄", "Waste")} note={monthName(data.month)}>
      {data.wasted.length === 0 ? (
        <Empty>{say("この月の廃棄はありません。", "Nothing was thrown away in this month.")}</Empty>
      ) : (
        <Table
          label={say("廃棄", "Waste")}
          rows={data.wasted}
          keyOf={(row) => row.product_id}
          start={{ column: "cost", isDown: true }}
          whenEmpty=""
          columns={[
            { id: "product", title: say("商品", "Product"), by: (row) => row.product_name, cell: (row) => row.product_name ?? row.product_id },
            { id: "units", title: say("廃棄", "Units"), isNumber: true, by: (row) => row.units_wasted, cell: (row) => count(row.units_wasted) },
            { id: "why", title: say("期限・破損・回収", "Expired, damaged, recalled"), isNumber: true, isMinor: true, cell: (row) => `${count(row.units_expired)}・${count(row.units_damaged)}・${count(row.units_recalled)}` },
            { id: "share", title: say("補充に対し", "Of added"), isNumber: true, isMinor: true, by: (row) => (row.units_added === 0 ? null : row.units_wasted / row.units_added), cell: (row) => (row.units_added === 0 ? "–" : percent(row.units_wasted / row.units_added)) },
            { id: "cost", title: say("原価", "Cost"), isNumber: true, by: (row) => row.waste_cost_without_tax, cell: (row) => <Traced of={{ mart: "mart_waste", rows: { ...month, product_id: row.product_id } }}>{yen(row.waste_cost_without_tax)}</Traced> },
          ]}
        />
      )}
    </Card>
  );
}
