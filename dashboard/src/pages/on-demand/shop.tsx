/** The web shop: what it sells, what subscriptions bring, and how many customers come back. */
import { change } from "../../ui/address.ts";
import { Chart } from "../../ui/chart.tsx";
import { Filters } from "../../ui/filters.tsx";
import { addDays, count, monthName, percent, short, shortDay, yen } from "../../ui/format.ts";
import { say } from "../../ui/language.ts";
import { Bar, Card, Change, Empty, Select, Spark, Tile } from "../../ui/parts.tsx";
import { Table } from "../../ui/table.tsx";
import { Traced } from "../../ui/trace.tsx";
import { definePage, rows, type Context } from "../page.ts";
import { ratio, sum } from "./sums.ts";

const DAYS = 28;

type Sold = {
  business_date: string;
  product_id: string;
  cases: number;
  sales_with_tax: number;
  subscription_sales_with_tax: number;
};

type Cohort = {
  cohort_month: string;
  segment: string;
  order_month: string;
  cohort_customers: number;
  customers: number;
  orders: number;
  repeat_orders: number;
};

interface Shop {
  /** The last days, and as many before them. */
  now: Sold[];
  before: Sold[];
  names: Map<string, string>;
  cohorts: Cohort[];
}

export const page = definePage<Shop>({
  question: { ja: "ウェブショップで何が売れ、お客様は戻ってくるか。", en: "What does the web shop sell, and do its customers come back?" },
  asks: ["day"],
  load,
  View,
});

async function load(context: Context): Promise<Shop> {
  const { day } = context;
  const first = addDays(day, 1 - DAYS);
  const [sold, products, cohorts] = await Promise.all([
    rows<Sold>(context, "mart_shop_sales", ["business_date", "product_id", "cases", "sales_with_tax", "subscription_sales_with_tax"], { business_date: { from: addDays(first, -DAYS), to: day } }),
    rows<{ product_id: string; product_name: string | null }>(context, "dim_products", ["product_id", "product_name"]),
    rows<Cohort>(context, "mart_shop_customers", ["cohort_month", "segment", "order_month", "cohort_customers", "customers", "orders", "repeat_orders"]),
  ]);
  return {
    now: sold.filter((row) => row.business_date >= first),
    before: sold.filter((row) => row.business_date < first),
    names: new Map(products.map((row) => [row.product_id, row.product_name ?? row.product_id])),
    cohorts: cohorts.filter((row) => row.order_month <= day),
  };
}

function View({ data, context }: { data: Shop; context: Context }) {
  const sales = sum(data.now, (row) => row.sales_with_tax);
  const subscribed = sum(data.now, (row) => row.subscription_sales_with_tax);
  const before = sum(data.before, (row) => row.sales_with_tax);
  const today = data.now.filter((row) => row.business_date === context.day);
  const ofAllDays = { command: `vending trace marts.mart_shop_sales day=${context.day}  # ${say(`前の${DAYS - 1}日も同様`, `and the ${DAYS - 1} days before`)}` };
  const repeats = ratio(sum(data.cohorts, (row) => row.repeat_orders), sum(data.cohorts, (row) => row.orders));
  return (
    <>
      <Filters context={context} />
      <div class="tiles">
        <Tile name="shop-today" label={say(`${shortDay(context.day)}の売上`, `Sales, ${shortDay(context.day)}`)} value={yen(sum(today, (row) => row.sales_with_tax))} of={{ mart: "mart_shop_sales", rows: { day: context.day } }} under={say(`${count(sum(today, (row) => row.cases))}ケース`, `${count(sum(today, (row) => row.cases))} cases`)} />
        <Tile name="shop-sales" label={say(`${DAYS}日間の売上（税込）`, `Sales in ${DAYS} days, with tax`)} value={yen(sales)} of={ofAllDays} under={<Change share={ratio(sales - before, before)} against={say(`前の${DAYS}日間`, `${DAYS} days before`)} />} />
        <Tile name="shop-subscriptions" label={say("定期購入の割合", "From subscriptions")} value={percent(ratio(subscribed, sales))} of={ofAllDays} under={yen(subscribed)} />
        <Tile name="shop-repeats" label={say("同じ月の再注文", "Further orders in a month")} value={percent(repeats)} of={{ mart: "mart_shop_customers", rows: { order_month: `${context.day.slice(0, 7)}-01` } }} under={say("全期間の注文に対し", "of all orders so far")} />
      </div>
      <Days data={data} context={context} />
      <Products data={data} context={context} total={sales} />
      <Retention cohorts={data.cohorts} segment={context.given["segment"] ?? ""} />
    </>
  );
}

function Days({ data, context }: { data: Shop; context: Context }) {
  const days = Array.from({ length: DAYS }, (_, place) => addDays(context.day, place + 1 - DAYS));
  const of = (figure: (row: Sold) => number) => days.map((day) => sum(data.now.filter((row) => row.business_date === day), figure));
  return (
    <Card title={say("日別の売上", "Sales by day")} note={say("税込。線は定期購入", "With tax; the line is what subscriptions ordered")}>
      {data.now.length === 0 ? (
        <Empty>{say("この期間の売上はありません。日付を変えてください。", "No sales in these weeks: choose another day.")}</Empty>
      ) : (
        <Chart
          label={say("日別の売上（税込）", "Sales by day, with tax")}
          labels={days.map(shortDay)}
          series={[
            { title: say("売上", "Sales"), values: of((row) => row.sales_with_tax), kind: "bars", color: "accent" },
            { title: say("定期購入", "Subscriptions"), values: of((row) => row.subscription_sales_with_tax), kind: "line", color: "second" },
          ]}
          format={yen}
          axis={short}
        />
      )}
    </Card>
  );
}

interface ProductSales {
  product_id: string;
  cases: number;
  sales: number;
  subscribed: number;
  past: number[];
}

function byProduct(sold: Sold[], day: string): ProductSales[] {
  const places = new Map(Array.from({ length: DAYS }, (_, place) => [addDays(day, place + 1 - DAYS), place]));
  const found = new Map<string, ProductSales>();
  for (const row of sold) {
    let one = found.get(row.product_id);
    if (one === undefined) found.set(row.product_id, (one = { product_id: row.product_id, cases: 0, sales: 0, subscribed: 0, past: new Array<number>(DAYS).fill(0) }));
    one.cases += row.cases;
    one.sales += row.sales_with_tax;
    one.subscribed += row.subscription_sales_with_tax;
    one.past[places.get(row.business_date) ?? 0] = row.sales_with_tax;
  }
  return [...found.values()];
}

function Products({ data, context, total }: { data: Shop; context: Context; total: number }) {
  const nameOf = (row: ProductSales) => data.names.get(row.product_id) ?? row.product_id;
  return (
    <Card title={say("商品", "Products")} note={say(`${DAYS}日間`, `${DAYS} days`)}>
      <Table
        label={say("ウェブショップの商品", "Products of the web shop")}
        rows={byProduct(data.now, context.day)}
        keyOf={(row) => row.product_id}
        start={{ column: "sales", isDown: true }}
        whenEmpty={say("この期間の売上はありません。", "Nothing was sold in these weeks.")}
        columns={[
          { id: "product", title: say("商品", "Product"), by: nameOf, cell: nameOf },
          { id: "past", title: say("28日間", "28 days"), isMinor: true, cell: (row) => <Spark values={row.past} label={say("28日間の売上", "Sales in 28 days")} /> },
          { id: "sales", title: say("売上", "Sales"), isNumber: true, by: (row) => row.sales, cell: (row) => <Traced of={{ mart: "mart_shop_sales", rows: { product_id: row.product_id } }}>{yen(row.sales)}</Traced> },
          { id: "share", title: say("構成比", "Share"), isMinor: true, by: (row) => row.sales, cell: (row) => <span class="with-bar"><Bar share={ratio(row.sales, total) ?? 0} /> {percent(ratio(row.sales, total), 0)}</span> },
          { id: "cases", title: say("ケース", "Cases"), isNumber: true, by: (row) => row.cases, cell: (row) => count(row.cases) },
          { id: "subscribed", title: say("定期購入", "Subscribed"), isNumber: true, isMinor: true, by: (row) => ratio(row.subscribed, row.sales), cell: (row) => percent(ratio(row.subscribed, row.sales), 0) },
        ]}
      />
    </Card>
  );
}

const SEGMENTS: Record<string, { ja: string; en: string }> = {
  office: { ja: "オフィス", en: "Offices" },
  clinic: { ja: "クリニック", en: "Clinics" },
  school: { ja: "学校", en: "Schools" },
  studio: { ja: "スタジオ", en: "Studios" },
};

const segmentName = (segment: string): string => {
  const name = SEGMENTS[segment];
  return name === undefined ? segment : say(name.ja, name.en);
};

const monthsBetween = (from: string, to: string): number => 12 * (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) + Number(to.slice(5, 7)) - Number(from.slice(5, 7));

interface Kept {
  month: string;
  customers: number;
  /** How many of them ordered, by months since their first order. */
  later: number[];
}

function keptBy(cohorts: Cohort[]): Kept[] {
  const sizes = new Map<string, number>();
  const found = new Map<string, Kept>();
  for (const row of cohorts) {
    let one = found.get(row.cohort_month);
    if (one === undefined) found.set(row.cohort_month, (one = { month: row.cohort_month, customers: 0, later: [] }));
    sizes.set(`${row.cohort_month} ${row.segment}`, row.cohort_customers);
    const place = monthsBetween(row.cohort_month, row.order_month);
    one.later[place] = (one.later[place] ?? 0) + row.customers;
  }
  for (const [key, size] of sizes) (found.get(key.slice(0, 10)) as Kept).customers += size;
  return [...found.values()].sort((a, b) => b.month.localeCompare(a.month));
}

function Retention({ cohorts, segment }: { cohorts: Cohort[]; segment: string }) {
  const segments = [...new Set(cohorts.map((row) => row.segment))].sort();
  const kept = keptBy(segment === "" ? cohorts : cohorts.filter((row) => row.segment === segment));
  const months = Math.max(0, ...kept.map((one) => one.later.length));
  return (
    <Card
      title={say("お客様は戻ってくるか", "Do customers come back?")}
      note={say("初回注文の月ごとに、その後の各月に注文したお客様の割合", "Of those who first ordered in a month, the share that ordered in each month from then on")}
      actions={<Select label={say("業種", "Kind")} value={segment} options={[{ value: "", text: say("すべて", "All") }, ...segments.map((one) => ({ value: one, text: segmentName(one) }))]} onChange={(next) => change({ segment: next === "" ? null : next }, { keep: true })} />}
    >
      <Table
        label={say("継続率", "Retention")}
        rows={kept}
        keyOf={(one) => one.month}
        whenEmpty={say("まだ注文がありません。", "There are no orders yet.")}
        columns={[
          { id: "month", title: say("初回注文", "First order"), cell: (one) => monthName(one.month.slice(0, 7)) },
          { id: "customers", title: say("お客様", "Customers"), isNumber: true, cell: (one) => <Traced of={{ mart: "mart_shop_customers", rows: { cohort_month: one.month } }}>{count(one.customers)}</Traced> },
          ...Array.from({ length: months }, (_, place) => ({
            id: `later-${place}`,
            title: say(`${place}か月後`, `+${place}`),
            isNumber: true,
            isMinor: place > 3,
            cell: (one: Kept) => percent(one.later[place] === undefined ? null : ratio(one.later[place], one.customers), 0),
          })),
        ]}
      />
    </Card>
  );
}
