/** Machines: the whole fleet at a glance, as a list or as a map. */
import { addressOf, change } from "../ui/address.ts";
import { Filters } from "../ui/filters.tsx";
import { addDays, count, decimal, percent, shortDay, signedPercent, yen } from "../ui/format.ts";
import { say } from "../ui/language.ts";
import { Badge, Bar, Card, Empty, Select, Spark, type Tone } from "../ui/parts.tsx";
import { Table } from "../ui/table.tsx";
import { Traced } from "../ui/trace.tsx";
import { definePage, rows, type Context } from "./page.ts";
import { MachineMap } from "./machine-map.tsx";
import { placeOf } from "./words.ts";

const DAYS = 28;
/** With less than this on hand, a slot will be empty before most routes come by. */
const SHORT_COVER = 2;

export type State = "down" | "missing" | "empty" | "low" | "fine" | "away";

export interface FleetMachine {
  id: string;
  name: string;
  route: string | null;
  place: string | null;
  prefecture: string | null;
  latitude: number | null;
  longitude: number | null;
  state: State;
  sales: number | null;
  before: number | null;
  past: (number | null)[];
  empty: number;
  cover: number | null;
  filled: number | null;
  visited: string | null;
}

export interface Fleet {
  machines: FleetMachine[];
  routes: string[];
}

export const page = definePage<Fleet>({
  question: { ja: "どの自販機が売れていて、どれが止まりそうか。", en: "Which machines sell, and which are about to stop?" },
  asks: ["day"],
  load,
  View,
});

type MachineRow = {
  machine_id: string;
  machine_name: string;
  location_type: string | null;
  prefecture: string | null;
  latitude: number | null;
  longitude: number | null;
  route_id: string | null;
  installed_on: string | null;
  removed_on: string | null;
};

async function load(context: Context): Promise<Fleet> {
  const { day } = context;
  const [machines, daily, health, slots] = await Promise.all([
    rows<MachineRow>(context, "dim_machines", ["machine_id", "machine_name", "location_type", "prefecture", "latitude", "longitude", "route_id", "installed_on", "removed_on"]),
    rows<{ business_date: string; machine_id: string; sales_with_tax: number }>(context, "mart_machine_daily", ["business_date", "machine_id", "sales_with_tax"], {
      business_date: { from: addDays(day, 1 - DAYS), to: day },
    }),
    rows<{ machine_id: string; is_suspected_down: boolean; is_file_missing: boolean }>(context, "mart_machine_health", ["machine_id", "is_suspected_down", "is_file_missing"], { business_date: day }),
    rows<Slot>(context, "fct_slot_inventory_daily", ["machine_id", "slot_no", "closing_units", "capacity", "days_of_cover", "last_counted_on"], { business_date: day }),
  ]);
  const places = new Map(Array.from({ length: DAYS }, (_, place) => [addDays(day, place + 1 - DAYS), place]));
  const past = new Map<string, (number | null)[]>();
  for (const row of daily) {
    let values = past.get(row.machine_id);
    if (values === undefined) past.set(row.machine_id, (values = new Array<number | null>(DAYS).fill(null)));
    values[places.get(row.business_date) ?? 0] = row.sales_with_tax;
  }
  const states = new Map(health.map((one) => [one.machine_id, one]));
  const stock = stockOf(slots);
  return {
    machines: machines.map((machine) => fleetMachine(machine, day, past.get(machine.machine_id), states.get(machine.machine_id), stock.get(machine.machine_id))),
    routes: [...new Set(machines.flatMap((machine) => machine.route_id ?? []))].sort(),
  };
}

type Slot = { machine_id: string; slot_no: string; closing_units: number | null; capacity: number | null; days_of_cover: number | null; last_counted_on: string | null };

interface Stock {
  empty: number;
  cover: number | null;
  units: number;
  capacity: number;
  visited: string | null;
}

function stockOf(slots: Slot[]): Map<string, Stock> {
  const found = new Map<string, Stock>();
  for (const slot of slots) {
    let stock = found.get(slot.machine_id);
    if (stock === undefined) found.set(slot.machine_id, (stock = { empty: 0, cover: null, units: 0, capacity: 0, visited: null }));
    if (slot.closing_units !== null && slot.closing_units <= 0) stock.empty += 1;
    if (slot.closing_units !== null && slot.capacity !== null) {
      stock.units += Math.max(0, slot.closing_units);
      stock.capacity += slot.capacity;
    }
    if (slot.days_of_cover !== null && (stock.cover === null || slot.days_of_cover < stock.cover)) stock.cover = slot.days_of_cover;
    if (slot.last_counted_on !== null && (stock.visited === null || slot.last_counted_on > stock.visited)) stock.visited = slot.last_counted_on;
  }
  return found;
}

function fleetMachine(
  machine: MachineRow,
  day: string,
  past: (number | null)[] | undefined,
  health: { is_suspected_down: boolean; is_file_missing: boolean } | undefined,
  stock: Stock | undefined,
): FleetMachine {
  const isAway = (machine.removed_on !== null && machine.removed_on < day) || (machine.installed_on !== null && machine.installed_on > day);
  const empty = stock?.empty ?? 0;
  const cover = stock?.cover ?? null;
  const state: State = isAway
    ? "away"
    : health?.is_suspected_down
      ? "down"
      : health?.is_file_missing
        ? "missing"
        : empty > 0
          ? "empty"
          : cover !== null && cover < SHORT_COVER
            ? "low"
            : "fine";
  return {
    id: machine.machine_id,
    name: machine.machine_name,
    route: machine.route_id,
    place: machine.location_type,
    prefecture: machine.prefecture,
    latitude: machine.latitude,
    longitude: machine.longitude,
    state,
    sales: past?.at(-1) ?? null,
    before: past?.at(-8) ?? null,
    past: past ?? [],
    empty,
    cover,
    filled: stock !== undefined && stock.capacity > 0 ? stock.units / stock.capacity : null,
    visited: stock?.visited ?? null,
  };
}

const ORDER: State[] = ["down", "missing", "empty", "low", "fine", "away"];
export const TONES: Record<State, Tone> = { down: "bad", missing: "bad", empty: "fair", low: "info", fine: "good", away: "calm" };

export const stateName = (state: State): string =>
  ({
    down: say("停止の疑い", "Suspected down"),
    missing: say("ファイル未着", "No file"),
    empty: say("品切れあり", "Empty slots"),
    low: say("残りわずか", "Running low"),
    fine: say("順調", "Fine"),
    away: say("設置なし", "Not in place"),
  })[state];

function View({ data, context }: { data: Fleet; context: Context }) {
  const { route, state, q = "", view = "list" } = context.given;
  const words = q.trim().toLowerCase();
  const ofRoute = data.machines.filter((one) => route === undefined || one.route === route);
  const shown = ofRoute.filter(
    (one) =>
      (state === undefined ? one.state !== "away" : one.state === state) &&
      (words === "" || `${one.id} ${one.name} ${one.prefecture ?? ""} ${placeOf(one.place)}`.toLowerCase().includes(words)),
  );
  const counted = (wanted: State) => ofRoute.filter((one) => one.state === wanted).length;
  return (
    <>
      <Filters context={context} routes={data.routes}>
        <Select
          label={say("状態", "State")}
          value={state ?? ""}
          options={[{ value: "", text: say("設置中すべて", "All in place") }, ...ORDER.map((one) => ({ value: one, text: `${stateName(one)} (${counted(one)})` }))]}
          onChange={(next) => change({ state: next === "" ? null : next }, { keep: true })}
        />
        <label class="field">
          <span>{say("検索", "Search")}</span>
          <input type="search" value={q} placeholder={say("番号・設置場所・都道府県", "Number, place, prefecture")} onInput={(event) => change({ q: event.currentTarget.value })} />
        </label>
        <div class="switch" role="group" aria-label={say("表示", "Show as")}>
          {(["list", "map"] as const).map((one) => (
            <button key={one} type="button" aria-pressed={view === one} onClick={() => change({ view: one === "list" ? null : one }, { keep: true })}>
              {one === "list" ? say("一覧", "List") : say("地図", "Map")}
            </button>
          ))}
        </div>
      </Filters>
      <Card title={say(`${count(shown.length)}台`, `${count(shown.length)} machines`)} note={view === "map" ? undefined : say("要対応のものから順に", "Those that need someone first")}>
        {shown.length === 0 ? (
          <Empty>{say("条件に合う自販機はありません。検索や状態を変えてください。", "No machine fits: change the search or the state.")}</Empty>
        ) : view === "map" ? (
          <MachineMap machines={shown} day={context.given["day"]} />
        ) : (
          <List machines={shown} day={context.day} />
        )}
      </Card>
    </>
  );
}

function List({ machines, day }: { machines: FleetMachine[]; day: string }) {
  const to = (one: FleetMachine) => addressOf("machine", { id: one.id, day });
  return (
    <Table
      label={say("自販機", "Machines")}
      rows={machines}
      keyOf={(one) => one.id}
      start={{ column: "state", isDown: false }}
      isTall
      whenEmpty=""
      onOpen={(one) => (location.hash = to(one))}
      columns={[
        { id: "state", title: say("状態", "State"), by: (one) => `${ORDER.indexOf(one.state)} ${one.id}`, cell: (one) => <Badge tone={TONES[one.state]}>{stateName(one.state)}</Badge> },
        { id: "machine", title: say("自販機", "Machine"), by: (one) => one.id, cell: (one) => <><a href={to(one)}>{one.id}</a> <span class="soft one-line" title={one.name}>{one.name}</span></> },
        { id: "route", title: say("ルート", "Route"), by: (one) => one.route, cell: (one) => one.route ?? "–", isMinor: true },
        { id: "place", title: say("設置場所", "Place"), isRare: true, by: (one) => one.place, cell: (one) => placeOf(one.place), isMinor: true },
        { id: "past", title: say("28日間", "28 days"), isMinor: true, cell: (one) => <Spark values={one.past} label={say(`${one.id}の28日間の売上`, `Sales of ${one.id} in 28 days`)} /> },
        {
          id: "sales",
          title: say("売上", "Sales"),
          isNumber: true,
          by: (one) => one.sales,
          cell: (one) => <Traced of={{ mart: "mart_machine_daily", rows: { machine_id: one.id, day } }}>{yen(one.sales)}</Traced>,
        },
        {
          id: "change",
          title: say("前週比", "vs last week"),
          isNumber: true,
          isMinor: true,
          by: (one) => (one.sales === null || !one.before ? null : one.sales / one.before),
          cell: (one) => (one.sales === null || !one.before ? "–" : signedPercent(one.sales / one.before - 1)),
        },
        { id: "empty", title: say("空き", "Empty"), isNumber: true, by: (one) => one.empty, cell: (one) => (one.empty > 0 ? <b class="fair">{one.empty}</b> : "0") },
        { id: "cover", title: say("最短残日数", "Least cover"), isNumber: true, isMinor: true, by: (one) => one.cover, cell: (one) => say(`${decimal(one.cover)}日`, `${decimal(one.cover)} d`) },
        { id: "filled", title: say("在庫率", "Filled"), isMinor: true, by: (one) => one.filled, cell: (one) => (one.filled === null ? "–" : <span class="with-bar"><Bar share={one.filled} /> {percent(one.filled, 0)}</span>) },
        { id: "visited", title: say("最終確認", "Counted"), isMinor: true, isRare: true, by: (one) => one.visited, cell: (one) => shortDay(one.visited) },
      ]}
    />
  );
}
