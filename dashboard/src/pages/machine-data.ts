/** Everything about one machine, until a day. */
import { addDays } from "../ui/format.ts";
import { rows, type Context } from "./page.ts";

const WEEKS = 4;

export type MachineInfo = {
  machine_id: string;
  machine_name: string;
  location_name: string | null;
  location_type: string | null;
  prefecture: string | null;
  route_id: string | null;
  installed_on: string | null;
  removed_on: string | null;
  status: string | null;
  commission_rate: number | null;
};

type Daily = { business_date: string; vends: number; failed_attempts: number; refunds: number; units_sold: number; sales_with_tax: number; cash_sales_with_tax: number; margin_without_tax: number };
type Hourly = { business_date: string; hour_of_day: number; sales_with_tax: number; units_sold: number };
export type Slot = {
  slot_no: string;
  product_id: string;
  units_sold: number;
  closing_units: number | null;
  capacity: number | null;
  days_of_cover: number | null;
  is_negative: boolean;
  last_counted_on: string | null;
  last_sold_at: string | null;
};
type Restock = { business_date: string; visit_id: string; replenished_at: string; slot_no: string; quantity_added: number | null; quantity_removed: number | null; cash_collected: number | null };
export type Cash = { business_date: string; visit_id: string; collected_at: string; cash_collected: number; cash_expected: number | null; variance: number | null; tolerance: number | null; basis: string; is_breached: boolean };
export type Fault = { business_date: string; status: string | null; failed_vends: number; vends: number; missed_attempts: number; silent_hours: number; is_file_missing: boolean; is_suspected_down: boolean };
export type Spell = { slot_no: string; product_id: string; started_at: string; ended_at: string | null; hours_empty: number | null; sales_lost: number | null };

export interface Visit {
  id: string;
  at: string;
  slots: number;
  added: number;
  removed: number;
  cash: number | null;
}

export interface MachineData {
  info: MachineInfo | null;
  days: { day: string; sales: number | null; before: number | null }[];
  today: Daily | null;
  weekBefore: Daily | null;
  hours: { hour: number; sales: number; usual: number | null }[];
  slots: (Slot & { product: string; load: number | null })[];
  visits: Visit[];
  cash: Cash[];
  faults: Fault[];
  spells: (Spell & { product: string })[];
  others: { id: string; name: string }[];
}

export async function loadMachine(context: Context): Promise<MachineData> {
  const { day } = context;
  const id = context.given["id"] ?? "";
  const month = { from: addDays(day, 1 - 7 * WEEKS), to: day };
  const mine = { machine_id: id };
  const [machines, products, daily, hourly, slots, restocks, cash, health, spells, recommended] = await Promise.all([
    rows<MachineInfo>(context, "dim_machines", ["machine_id", "machine_name", "location_name", "location_type", "prefecture", "route_id", "installed_on", "removed_on", "status", "commission_rate"]),
    rows<{ product_id: string; product_name: string }>(context, "dim_products", ["product_id", "product_name"]),
    rows<Daily>(context, "mart_machine_daily", ["business_date", "vends", "failed_attempts", "refunds", "units_sold", "sales_with_tax", "cash_sales_with_tax", "margin_without_tax"], {
      ...mine,
      business_date: { from: addDays(day, 1 - 7 * (WEEKS + 1)), to: day },
    }),
    rows<Hourly>(context, "mart_machine_hourly", ["business_date", "hour_of_day", "sales_with_tax", "units_sold"], { ...mine, business_date: month }),
    rows<Slot>(context, "fct_slot_inventory_daily", ["slot_no", "product_id", "units_sold", "closing_units", "capacity", "days_of_cover", "is_negative", "last_counted_on", "last_sold_at"], {
      ...mine,
      business_date: day,
    }),
    rows<Restock>(context, "fct_replenishments", ["business_date", "visit_id", "replenished_at", "slot_no", "quantity_added", "quantity_removed", "cash_collected"], { ...mine, business_date: month }),
    rows<Cash>(context, "mart_cash_reconciliation", ["business_date", "visit_id", "collected_at", "cash_collected", "cash_expected", "variance", "tolerance", "basis", "is_breached"], {
      ...mine,
      business_date: { from: addDays(day, -62), to: day },
    }),
    rows<Fault>(context, "mart_machine_health", ["business_date", "status", "failed_vends", "vends", "missed_attempts", "silent_hours", "is_file_missing", "is_suspected_down"], { ...mine, business_date: month }),
    rows<Spell>(context, "fct_stockouts", ["slot_no", "product_id", "started_at", "ended_at", "hours_empty", "sales_lost"], { ...mine, business_date: { from: addDays(day, -35), to: day } }),
    rows<{ slot_no: string; units_to_load: number | null }>(context, "mart_replenishment_recommendation", ["slot_no", "units_to_load"], { ...mine, business_date: day }),
  ]);
  const names = new Map(products.map((product) => [product.product_id, product.product_name]));
  const byDay = new Map(daily.map((row) => [row.business_date, row]));
  const toLoad = new Map(recommended.map((row) => [row.slot_no, row.units_to_load]));
  const nameOf = (product: string) => names.get(product) ?? product;
  return {
    info: machines.find((machine) => machine.machine_id === id) ?? null,
    days: Array.from({ length: 7 * WEEKS }, (_, place) => addDays(day, place + 1 - 7 * WEEKS))
      .filter((one) => one >= context.first)
      .map((one) => ({ day: one, sales: byDay.get(one)?.sales_with_tax ?? null, before: byDay.get(addDays(one, -7))?.sales_with_tax ?? null })),
    today: byDay.get(day) ?? null,
    weekBefore: byDay.get(addDays(day, -7)) ?? null,
    hours: hoursOf(hourly, day, [...byDay.keys()].filter((one) => one >= month.from && one < day).length),
    slots: slots
      .map((slot) => ({ ...slot, product: nameOf(slot.product_id), load: toLoad.get(slot.slot_no) ?? null }))
      .sort((a, b) => a.slot_no.localeCompare(b.slot_no)),
    visits: visitsOf(restocks),
    cash: cash.sort((a, b) => b.collected_at.localeCompare(a.collected_at)),
    faults: health.filter((one) => one.is_file_missing || one.is_suspected_down).sort((a, b) => b.business_date.localeCompare(a.business_date)),
    spells: spells.map((spell) => ({ ...spell, product: nameOf(spell.product_id) })).sort((a, b) => b.started_at.localeCompare(a.started_at)),
    others: machines.map((machine) => ({ id: machine.machine_id, name: machine.machine_name })).sort((a, b) => a.id.localeCompare(b.id)),
  };
}

/** Each hour of the day, beside its mean over the days before that have a file. */
function hoursOf(hourly: Hourly[], day: string, daysBefore: number): MachineData["hours"] {
  const hours = Array.from({ length: 24 }, (_, hour) => ({ hour, sales: 0, past: 0 }));
  for (const row of hourly) {
    const hour = hours[row.hour_of_day];
    if (hour === undefined) continue;
    if (row.business_date === day) hour.sales += row.sales_with_tax;
    else hour.past += row.sales_with_tax;
  }
  return hours.map(({ hour, sales, past }) => ({ hour, sales, usual: daysBefore === 0 ? null : past / daysBefore }));
}

function visitsOf(restocks: Restock[]): Visit[] {
  const found = new Map<string, Visit>();
  for (const row of restocks) {
    let visit = found.get(row.visit_id);
    if (visit === undefined) found.set(row.visit_id, (visit = { id: row.visit_id, at: row.replenished_at, slots: 0, added: 0, removed: 0, cash: null }));
    if (row.replenished_at < visit.at) visit.at = row.replenished_at;
    visit.slots += 1;
    visit.added += row.quantity_added ?? 0;
    visit.removed += row.quantity_removed ?? 0;
    if (row.cash_collected !== null) visit.cash = (visit.cash ?? 0) + row.cash_collected;
  }
  return [...found.values()].sort((a, b) => b.at.localeCompare(a.at));
}
