/** Tomorrow's route: which machines, in which order, and what to load on the truck; to print, or as a file for the driver. */
import { useEffect } from "preact/hooks";
import { addressOf, change } from "../ui/address.ts";
import { csv, Download } from "../ui/download.tsx";
import { Filters } from "../ui/filters.tsx";
import { addDays, count, longDay, shortDay, yen } from "../ui/format.ts";
import { say } from "../ui/language.ts";
import { Badge, Card, Empty, Tile, type Tone } from "../ui/parts.tsx";
import { Table } from "../ui/table.tsx";
import { Traced } from "../ui/trace.tsx";
import { definePage, rows, type Context } from "./page.ts";
import { placeOf, urgencyOf } from "./words.ts";

type Recommended = {
  machine_id: string;
  slot_no: string;
  product_id: string;
  route_id: string | null;
  closing_units: number | null;
  capacity: number | null;
  next_visit_on: string | null;
  units_to_load: number | null;
  urgency: string;
  expected_units_lost: number | null;
  machine_sales_saved: number | null;
  machine_sales_lost_tomorrow: number | null;
  machine_priority: number | null;
  is_due: boolean;
  is_worth_a_visit: boolean;
  drives_tomorrow: boolean;
  is_visit_recommended: boolean;
};

type Pick = { route_id: string; product_id: string; product_name: string; units_to_load: number; cases: number; loose_units: number; units_per_case: number; machines: number; machine_detail: string };
type MachineName = { machine_id: string; machine_name: string; location_type: string | null };
type ProductName = { product_id: string; product_name: string };

interface Stop {
  machine: string;
  name: string;
  place: string | null;
  route: string | null;
  priority: number | null;
  saved: number | null;
  lostTomorrow: number | null;
  units: number;
  slots: (Recommended & { product: string })[];
  isRecommended: boolean;
  isDue: boolean;
  isWorth: boolean;
  drives: boolean;
  nextVisit: string | null;
}

interface Plan {
  stops: Stop[];
  picks: Pick[];
  routes: string[];
}

export const page = definePage<Plan>({
  question: { ja: "明日、どの順で回り、何を積むか。", en: "Tomorrow: which machines, in which order, and what to load?" },
  asks: ["day"],
  load,
  View,
});

async function load(context: Context): Promise<Plan> {
  const on = { business_date: context.day };
  const [recommended, picks, machines, products] = await Promise.all([
    rows<Recommended>(
      context,
      "mart_replenishment_recommendation",
      ["machine_id", "slot_no", "product_id", "route_id", "closing_units", "capacity", "next_visit_on", "units_to_load", "urgency", "expected_units_lost",
        "machine_sales_saved", "machine_sales_lost_tomorrow", "machine_priority", "is_due", "is_worth_a_visit", "drives_tomorrow", "is_visit_recommended"],
      on,
    ),
    rows<Pick>(context, "mart_pick_list", ["route_id", "product_id", "product_name", "units_to_load", "cases", "loose_units", "units_per_case", "machines", "machine_detail"], on),
    rows<MachineName>(context, "dim_machines", ["machine_id", "machine_name", "location_type"]),
    rows<ProductName>(context, "dim_products", ["product_id", "product_name"]),
  ]);
  const names = new Map(machines.map((machine) => [machine.machine_id, machine]));
  const products_ = new Map(products.map((product) => [product.product_id, product.product_name]));
  const stops = new Map<string, Stop>();
  for (const row of recommended) {
    let stop = stops.get(row.machine_id);
    if (stop === undefined) {
      const machine = names.get(row.machine_id);
      stop = {
        machine: row.machine_id, name: machine?.machine_name ?? row.machine_id, place: machine?.location_type ?? null, route: row.route_id,
        priority: row.machine_priority, saved: row.machine_sales_saved, lostTomorrow: row.machine_sales_lost_tomorrow, units: 0, slots: [],
        isRecommended: row.is_visit_recommended, isDue: row.is_due, isWorth: row.is_worth_a_visit, drives: row.drives_tomorrow, nextVisit: row.next_visit_on,
      };
      stops.set(row.machine_id, stop);
    }
    if ((row.units_to_load ?? 0) > 0) {
      stop.units += row.units_to_load ?? 0;
      stop.slots.push({ ...row, product: products_.get(row.product_id) ?? row.product_id });
    }
  }
  for (const stop of stops.values()) stop.slots.sort((a, b) => a.slot_no.localeCompare(b.slot_no));
  return {
    stops: [...stops.values()].sort((a, b) => (a.priority ?? Infinity) - (b.priority ?? Infinity) || a.machine.localeCompare(b.machine)),
    picks,
    routes: [...new Set(recommended.flatMap((row) => row.route_id ?? []))].sort(),
  };
}

/** On paper every stop shows what to load. */
function useOpenOnPaper(): void {
  useEffect(() => {
    const open = () => document.querySelectorAll<HTMLDetailsElement>(".stops details").forEach((one) => (one.open = true));
    addEventListener("beforeprint", open);
    return () => removeEventListener("beforeprint", open);
  }, []);
}

function View({ data, context }: { data: Plan; context: Context }) {
  const { day } = context;
  useOpenOnPaper();
  const chosen = context.given["route"];
  const withVisits = data.routes.find((route) => data.stops.some((stop) => stop.route === route && stop.isRecommended));
  const route = chosen !== undefined && data.routes.includes(chosen) ? chosen : (withVisits ?? data.routes[0]);
  const stops = data.stops.filter((stop) => stop.route === route);
  const visits = stops.filter((stop) => stop.isRecommended);
  const picks = data.picks.filter((pick) => pick.route_id === route).sort((a, b) => b.cases - a.cases || b.units_to_load - a.units_to_load || a.product_id.localeCompare(b.product_id));
  const sum = (of: (stop: Stop) => number | null) => visits.reduce((total, stop) => total + (of(stop) ?? 0), 0);
  const tomorrow = addDays(day, 1);
  const traced = { mart: "mart_replenishment_recommendation", rows: { route_id: route ?? null, day } };
  return (
    <>
      <div class="on-paper paper-head">
        <h1>{say(`${route ?? ""} 訪問・積込リスト`, `${route ?? ""} visits and pick list`)}</h1>
        <p>{longDay(tomorrow)} · {say(`計画 ${shortDay(day)} 夜`, `planned on the evening of ${shortDay(day)}`)}</p>
      </div>
      <Filters context={context}>
        <label class="field">
          <span>{say("ルート", "Route")}</span>
          <select value={route} onChange={(event) => change({ route: event.currentTarget.value }, { keep: true })}>
            {data.routes.map((one) => <option key={one} value={one}>{one}</option>)}
          </select>
        </label>
        <span class="actions push">
          <button type="button" class="main" disabled={visits.length === 0} onClick={() => print()}>{say("印刷（A4）", "Print (A4)")}</button>
          <Download name={`pick_list_${tomorrow}_${route ?? "all"}.csv`} content={() => pickCsv(picks, day)} />
        </span>
      </Filters>
      <p class="lead screen-only">{say(`${longDay(tomorrow)}に回る分です（${shortDay(day)}の夜に分かっていることから）。`, `For ${longDay(tomorrow)}, from what is known on the evening of ${shortDay(day)}.`)}</p>
      <div class="tiles">
        <Tile name="visits" label={say("訪問する自販機", "Machines to visit")} value={count(visits.length)} of={traced} under={say(`ルート内 ${stops.length}台`, `of ${stops.length} on the route`)} />
        <Tile name="units" label={say("積む本数", "Units to load")} value={count(picks.reduce((total, pick) => total + pick.units_to_load, 0))} of={{ mart: "mart_pick_list", rows: { route_id: route ?? null, day } }} under={say(`${count(picks.reduce((total, pick) => total + pick.cases, 0))}ケース＋バラ${count(picks.reduce((total, pick) => total + pick.loose_units, 0))}本`, `${count(picks.reduce((total, pick) => total + pick.cases, 0))} cases and ${count(picks.reduce((total, pick) => total + pick.loose_units, 0))} loose`)} />
        <Tile name="saved" label={say("防げる逸失売上", "Sales saved")} value={yen(sum((stop) => stop.saved))} of={traced} tone="info" under={say("次の訪問までの見込み", "until the next visit")} />
        <Tile name="lost" label={say("行かないと失う（明日）", "Lost tomorrow without")} value={yen(sum((stop) => stop.lostTomorrow))} of={traced} under={say("明日1日の見込み", "in one day")} />
      </div>
      {route === undefined ? (
        <Empty>{say("この日の計画はありません。別の日を選んでください。", "There is no plan of this day: choose another.")}</Empty>
      ) : (
        <>
          <Card title={say("回る順", "Order of machines")} note={say("失う売上の大きい順", "By what would be lost")} class="stops">
            {visits.length === 0 ? (
              <Empty>{stops.some((stop) => stop.drives) ? say("明日、行く価値のある自販機はありません。", "No machine is worth a visit tomorrow.") : say("このルートは明日は運行しません。", "This route does not drive tomorrow.")}</Empty>
            ) : (
              <ol>{visits.map((stop) => <StopItem key={stop.machine} stop={stop} day={day} />)}</ol>
            )}
          </Card>
          <Card title={say("積込リスト", "Pick list")} note={say("ケースの多い順", "Most cases first")} class="picks">
            <Table
              label={say("積込リスト", "Pick list")}
              rows={picks}
              keyOf={(pick) => pick.product_id}
              isTall
              whenEmpty={say("積むものはありません。", "Nothing to load.")}
              columns={[
                { id: "done", title: "✓", cell: () => <i class="box" aria-hidden="true" /> },
                { id: "product", title: say("商品", "Product"), by: (pick) => pick.product_name, cell: (pick) => <>{pick.product_name} <span class="soft screen-only">{pick.product_id}</span></> },
                { id: "cases", title: say("ケース", "Cases"), isNumber: true, by: (pick) => pick.cases, cell: (pick) => count(pick.cases) },
                { id: "loose", title: say("バラ", "Loose"), isNumber: true, by: (pick) => pick.loose_units, cell: (pick) => count(pick.loose_units) },
                { id: "units", title: say("合計本数", "Units"), isNumber: true, by: (pick) => pick.units_to_load, cell: (pick) => <Traced of={{ mart: "mart_pick_list", rows: { route_id: pick.route_id, product_id: pick.product_id, day } }}>{count(pick.units_to_load)}</Traced> },
                { id: "detail", title: say("自販機別（スロット×本数）", "Per machine (slot × units)"), isMinor: true, cell: (pick) => <span class="soft">{pick.machine_detail}</span> },
              ]}
            />
          </Card>
          <Others stops={stops.filter((stop) => !stop.isRecommended)} day={day} />
        </>
      )}
    </>
  );
}

function StopItem({ stop, day }: { stop: Stop; day: string }) {
  return (
    <li>
      <details>
        <summary>
          <b>{stop.machine}</b> <span>{stop.name}</span>
          <span class="soft">{placeOf(stop.place)}</span>
          {stop.isDue && <Badge tone="info">{say("定期", "due")}</Badge>}
          <span class="push">{say(`${count(stop.units)}本・防げる逸失 ${yen(stop.saved)}`, `${count(stop.units)} units, saves ${yen(stop.saved)}`)}</span>
        </summary>
        <p class="screen-only">
          {say("失う売上の見込み：明日 ", "Expected to be lost: tomorrow ")}
          <Traced of={{ mart: "mart_replenishment_recommendation", rows: { machine_id: stop.machine, day } }}>{yen(stop.lostTomorrow)}</Traced>
          {say("、次の訪問まで ", ", until the next visit ")}
          <Traced of={{ mart: "mart_replenishment_recommendation", rows: { machine_id: stop.machine, day } }}>{yen(stop.saved)}</Traced>
          {" · "}<a href={addressOf("machine", { id: stop.machine, day })}>{say("自販機を見る", "See the machine")}</a>
        </p>
        <table>
          <thead>
            <tr><th scope="col">{say("スロット", "Slot")}</th><th scope="col">{say("商品", "Product")}</th><th scope="col" class="number">{say("残り", "Left")}</th><th scope="col" class="number">{say("積む", "Load")}</th><th scope="col">{say("いつまでもつか", "Lasts")}</th></tr>
          </thead>
          <tbody>
            {stop.slots.map((slot) => (
              <tr key={slot.slot_no}>
                <td>{slot.slot_no}</td>
                <td>{slot.product}</td>
                <td class="number">{count(slot.closing_units)} / {count(slot.capacity)}</td>
                <td class="number"><b>{count(slot.units_to_load)}</b></td>
                <td><Badge tone={URGENT[slot.urgency] ?? "calm"}>{urgencyOf(slot.urgency)}</Badge></td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </li>
  );
}

const URGENT: Record<string, Tone> = { empty: "bad", tomorrow: "bad", before_next_visit: "fair", enough: "good", unknown: "calm" };

function Others({ stops, day }: { stops: Stop[]; day: string }) {
  return (
    <Card title={say("明日は回らない自販機", "Not visited tomorrow")} class="screen-only">
      <Table
        label={say("明日は回らない自販機", "Not visited tomorrow")}
        rows={stops}
        keyOf={(stop) => stop.machine}
        whenEmpty={say("すべて回ります。", "All of them are visited.")}
        columns={[
          { id: "machine", title: say("自販機", "Machine"), by: (stop) => stop.machine, cell: (stop) => <><a href={addressOf("machine", { id: stop.machine, day })}>{stop.machine}</a> <span class="soft one-line minor">{stop.name}</span></> },
          { id: "why", title: say("理由", "Why"), cell: (stop) => (!stop.drives ? say("ルートが運行しない日", "the route does not drive") : !stop.isWorth ? say("まだ行く価値がない", "not worth it yet") : say("次の機会で足りる", "the next visit is early enough")) },
          { id: "next", title: say("次の訪問予定", "Next visit"), by: (stop) => stop.nextVisit, cell: (stop) => shortDay(stop.nextVisit) },
          { id: "lost", title: say("明日の逸失見込み", "Lost tomorrow"), isNumber: true, by: (stop) => stop.lostTomorrow, cell: (stop) => yen(stop.lostTomorrow) },
        ]}
      />
    </Card>
  );
}

const pickCsv = (picks: Pick[], day: string): string =>
  csv(
    ["計画日", "ルート", "商品コード", "商品名", "ケース数", "バラ本数", "合計本数", "台数", "自販機別内訳"],
    picks.map((pick) => [day, pick.route_id, pick.product_id, pick.product_name, pick.cases, pick.loose_units, pick.units_to_load, pick.machines, pick.machine_detail]),
  );
