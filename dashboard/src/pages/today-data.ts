/** What happened on a business day, beside the same weekday of the week before. */
import { addDays } from "../ui/format.ts";
import { rows, type Context } from "./page.ts";

const WEEKS = 5;
/** So many empty slots make a machine one that someone has to go to. */
export const MANY_EMPTY = 3;

type MachineDay = {
  business_date: string;
  machine_id: string;
  route_id: string | null;
  units_sold: number;
  sales_with_tax: number;
  visits: number;
};

export type Health = {
  business_date: string;
  machine_id: string;
  machine_name: string | null;
  route_id: string | null;
  status: string | null;
  missed_attempts: number;
  silent_hours: number;
  is_file_missing: boolean;
  is_suspected_down: boolean;
};

export type Stockout = {
  machine_id: string;
  slot_no: string;
  product_id: string;
  business_date: string;
  started_at: string;
  ended_at: string | null;
  hours_empty: number | null;
  units_lost: number | null;
  sales_lost: number | null;
  is_certain: boolean;
};

export type Collection = {
  business_date: string;
  machine_id: string;
  machine_name: string | null;
  visit_id: string;
  route_id: string | null;
  collected_at: string;
  cash_collected: number;
  cash_expected: number | null;
  variance: number | null;
  tolerance: number | null;
  is_breached: boolean;
};

export type Gap = {
  machine_id: string;
  machine_name: string | null;
  route_id: string | null;
  business_date: string;
  state: string;
  is_missing: boolean;
};

type MachineName = { machine_id: string; machine_name: string; route_id: string | null };
type ProductName = { product_id: string; product_name: string };
type PriceChange = { product_id: string; product_name: string; business_date: string; price_before: number; price_after: number; is_list_price: boolean };

export interface Total {
  sales: number;
  units: number;
  machines: number;
}

/** A machine that someone has to look after, and why. */
export interface Concern {
  machine: string;
  name: string;
  route: string | null;
  isDown: boolean;
  silentHours: number;
  missed: number;
  isFileMissing: boolean;
  empty: number;
  lost: number;
  variance: number | null;
}

export interface Today {
  routes: string[];
  days: { day: string; sales: number | null; before: number | null }[];
  total: Total;
  weekBefore: Total | null;
  /** The same comparison with the machines of both days alone. */
  alike: { now: number; before: number; machines: number } | null;
  concerns: Concern[];
  stockouts: (Stockout & { product: string; name: string; route: string | null })[];
  began: number;
  ended: number;
  collections: Collection[];
  missing: Gap[];
  news: { fell: Health[]; recovered: Health[]; wentMissing: Gap[]; cash: Collection[]; prices: PriceChange[]; visited: number };
}

export async function loadToday(context: Context): Promise<Today> {
  const { day } = context;
  const yesterday = addDays(day, -1);
  const from = addDays(day, -7 * (WEEKS + 1) + 1);
  const week = { from: addDays(day, -6), to: day };
  const [daily, health, stockouts, cash, gaps, machines, products, prices] = await Promise.all([
    rows<MachineDay>(context, "mart_machine_daily", ["business_date", "machine_id", "route_id", "units_sold", "sales_with_tax", "visits"], {
      business_date: { from, to: day },
    }),
    rows<Health>(
      context,
      "mart_machine_health",
      ["business_date", "machine_id", "machine_name", "route_id", "status", "missed_attempts", "silent_hours", "is_file_missing", "is_suspected_down"],
      { business_date: { from: yesterday, to: day } },
    ),
    rows<Stockout>(
      context,
      "fct_stockouts",
      ["machine_id", "slot_no", "product_id", "business_date", "started_at", "ended_at", "hours_empty", "units_lost", "sales_lost", "is_certain"],
      { business_date: { from: addDays(day, -35), to: day } },
    ),
    rows<Collection>(
      context,
      "mart_cash_reconciliation",
      ["business_date", "machine_id", "machine_name", "visit_id", "route_id", "collected_at", "cash_collected", "cash_expected", "variance", "tolerance", "is_breached"],
      { business_date: week },
    ),
    rows<Gap>(context, "mart_delivery_gaps", ["machine_id", "machine_name", "route_id", "business_date", "state", "is_missing"], { business_date: week }),
    rows<MachineName>(context, "dim_machines", ["machine_id", "machine_name", "route_id"]),
    rows<ProductName>(context, "dim_products", ["product_id", "product_name"]),
    rows<PriceChange>(context, "mart_price_changes", ["product_id", "product_name", "business_date", "price_before", "price_after", "is_list_price"], {
      business_date: day,
    }),
  ]);
  const routes = [...new Set(machines.flatMap((machine) => machine.route_id ?? []))].sort();
  const names = new Map(machines.map((machine) => [machine.machine_id, machine]));
  const productNames = new Map(products.map((product) => [product.product_id, product.product_name]));
  const route = context.given["route"];
  const isChosen = (row: { route_id: string | null }) => route === undefined || row.route_id === route;
  const routeOf = (machine: string) => names.get(machine)?.route_id ?? null;

  const ofRoute = daily.filter(isChosen);
  const byDay = totals(ofRoute);
  const end = `${addDays(day, 1)} 00:00:00`;
  const all = stockouts.filter((one) => isChosen({ route_id: routeOf(one.machine_id) }));
  const open = all.filter((one) => one.started_at < end && (one.ended_at === null || one.ended_at >= end));
  const missing = gaps.filter((gap) => gap.is_missing && isChosen(gap));
  const collections = cash.filter(isChosen);
  const now = health.filter((one) => one.business_date === day && isChosen(one));
  const before = new Map(health.filter((one) => one.business_date === yesterday).map((one) => [one.machine_id, one]));
  return {
    routes,
    days: lastDays(day, byDay),
    total: byDay.get(day) ?? { sales: 0, units: 0, machines: 0 },
    weekBefore: byDay.get(addDays(day, -7)) ?? null,
    alike: alike(ofRoute, day),
    concerns: concernsOf(now, open, collections, missing.filter((gap) => gap.business_date === day)),
    stockouts: open.map((one) => ({
      ...one,
      product: productNames.get(one.product_id) ?? one.product_id,
      name: names.get(one.machine_id)?.machine_name ?? one.machine_id,
      route: routeOf(one.machine_id),
    })),
    began: all.filter((one) => one.started_at.slice(0, 10) === day).length,
    ended: all.filter((one) => one.ended_at?.slice(0, 10) === day).length,
    collections,
    missing,
    news: {
      fell: now.filter((one) => one.is_suspected_down && before.get(one.machine_id)?.is_suspected_down !== true),
      recovered: now.filter((one) => !one.is_suspected_down && before.get(one.machine_id)?.is_suspected_down === true),
      wentMissing: missing.filter((gap) => gap.business_date === day),
      cash: collections.filter((one) => one.is_breached && one.business_date === day),
      prices: prices.filter((one) => one.is_list_price),
      visited: ofRoute.filter((one) => one.business_date === day && one.visits > 0).length,
    },
  };
}

function totals(daily: MachineDay[]): Map<string, Total> {
  const found = new Map<string, Total>();
  for (const row of daily) {
    let total = found.get(row.business_date);
    if (total === undefined) found.set(row.business_date, (total = { sales: 0, units: 0, machines: 0 }));
    total.sales += row.sales_with_tax;
    total.units += row.units_sold;
    if (row.units_sold > 0) total.machines += 1;
  }
  return found;
}

function lastDays(day: string, byDay: Map<string, Total>): Today["days"] {
  const days = Array.from({ length: 7 * WEEKS }, (_, place) => addDays(day, place - 7 * WEEKS + 1));
  const firstKnown = days.findIndex((one) => byDay.has(one));
  return days.slice(Math.max(0, firstKnown)).map((one) => ({
    day: one,
    sales: byDay.get(one)?.sales ?? null,
    before: byDay.get(addDays(one, -7))?.sales ?? null,
  }));
}

function alike(daily: MachineDay[], day: string): Today["alike"] {
  const [now, then] = [day, addDays(day, -7)].map((one) => new Map(daily.filter((row) => row.business_date === one).map((row) => [row.machine_id, row.sales_with_tax])));
  if (now === undefined || then === undefined || then.size === 0) return null;
  const both = [...now.keys()].filter((machine) => then.has(machine));
  if (both.length === now.size && both.length === then.size) return null;
  const sum = (of: Map<string, number>) => both.reduce((total, machine) => total + (of.get(machine) ?? 0), 0);
  return both.length === 0 ? null : { now: sum(now), before: sum(then), machines: both.length };
}

function concernsOf(health: Health[], open: Stockout[], collections: Collection[], missing: Gap[]): Concern[] {
  const lacking = new Set(missing.map((gap) => gap.machine_id));
  const found = health.map((one) => {
    const empty = open.filter((stockout) => stockout.machine_id === one.machine_id);
    const breach = collections.findLast((collection) => collection.machine_id === one.machine_id && collection.is_breached);
    return {
      machine: one.machine_id,
      name: one.machine_name ?? one.machine_id,
      route: one.route_id,
      isDown: one.is_suspected_down,
      silentHours: one.silent_hours,
      missed: one.missed_attempts,
      isFileMissing: lacking.has(one.machine_id),
      empty: empty.length,
      lost: empty.reduce((total, stockout) => total + (stockout.sales_lost ?? 0), 0),
      variance: breach?.variance ?? null,
    };
  });
  return found
    .filter((one) => one.isDown || one.isFileMissing || one.variance !== null || one.empty >= MANY_EMPTY)
    .sort((a, b) => weight(b) - weight(a) || a.machine.localeCompare(b.machine));
}

const weight = (one: Concern) => (one.isDown ? 1000 + one.missed : 0) + (one.isFileMissing ? 500 : 0) + (one.variance !== null ? 100 : 0) + one.empty;
