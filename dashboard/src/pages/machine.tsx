/** One machine: what it sells and when, what is left in it, and what happened to it. */
import { addressOf, change } from "../ui/address.ts";
import { Chart } from "../ui/chart.tsx";
import { Filters } from "../ui/filters.tsx";
import { addDays, count, decimal, hours, moment, percent, shortDay, short, signedYen, yen } from "../ui/format.ts";
import { say } from "../ui/language.ts";
import { Badge, Bar, Card, Change, Empty, Tile, type Tone } from "../ui/parts.tsx";
import { Table } from "../ui/table.tsx";
import { Traced } from "../ui/trace.tsx";
import { loadMachine, type MachineData, type Slot } from "./machine-data.ts";
import { definePage, type Context } from "./page.ts";
import { basisOf, placeOf } from "./words.ts";

export const page = definePage<MachineData>({
  question: { ja: "この自販機で何が起きているか。", en: "What is going on with this machine?" },
  asks: ["day", "id"],
  load: loadMachine,
  View,
});

function View({ data, context }: { data: MachineData; context: Context }) {
  const id = context.given["id"] ?? "";
  const { day } = context;
  const { info, today, weekBefore } = data;
  const own = { machine_id: id, day };
  const empty = data.slots.filter((slot) => slot.closing_units !== null && slot.closing_units <= 0).length;
  const share = today === null || !weekBefore?.sales_with_tax ? null : today.sales_with_tax / weekBefore.sales_with_tax - 1;
  return (
    <>
      <Filters context={context}>
        <label class="field">
          <span>{say("自販機", "Machine")}</span>
          <input list="machines" value={id} size={10} onChange={(event) => change({ id: event.currentTarget.value }, { keep: true })} />
          <datalist id="machines">
            {data.others.map((one) => <option key={one.id} value={one.id}>{one.name}</option>)}
          </datalist>
        </label>
        <a class="button" href={addressOf("machines", { day: context.given["day"] })}>{say("一覧へ", "All machines")}</a>
      </Filters>
      {info === null ? (
        <Empty>{say(`「${id}」という自販機はありません。上の欄で番号を選んでください。`, `There is no machine "${id}": choose one above.`)}</Empty>
      ) : (
        <>
          <p class="about">
            <b>{info.machine_name}</b>
            <span>{placeOf(info.location_type)} · {info.prefecture ?? "–"} · {say("ルート", "Route")} {info.route_id ?? "–"}</span>
            <span class="soft">
              {say("設置", "Since")} {info.installed_on ?? "–"}
              {info.removed_on !== null && ` · ${say("撤去", "removed")} ${info.removed_on}`} · {say("手数料率", "Site's share")} {percent(info.commission_rate, 0)}
            </span>
          </p>
          <div class="tiles">
            <Tile name="sales" label={say("売上（税込）", "Sales, with tax")} value={yen(today?.sales_with_tax)} of={{ mart: "mart_machine_daily", rows: own }} under={<Change share={share} against={say("前週同曜日", `vs ${shortDay(addDays(day, -7))}`)} />} />
            <Tile name="units" label={say("販売本数", "Units sold")} value={count(today?.units_sold)} of={{ mart: "mart_machine_daily", rows: own }} under={say(`失敗 ${count(today?.failed_attempts)}・返金 ${count(today?.refunds)}`, `${count(today?.failed_attempts)} failed, ${count(today?.refunds)} refunded`)} />
            <Tile name="margin" label={say("粗利（税抜）", "Margin, without tax")} value={yen(today?.margin_without_tax)} of={{ mart: "mart_machine_daily", rows: own }} under={say(`現金 ${yen(today?.cash_sales_with_tax)}`, `${yen(today?.cash_sales_with_tax)} in cash`)} />
            <Tile name="empty" label={say("空のスロット", "Empty slots")} value={`${empty}`} tone={empty > 0 ? "fair" : "good"} of={{ mart: "fct_slot_inventory_daily", rows: own }} under={say(`全${data.slots.length}スロット`, `of ${data.slots.length}`)} />
          </div>
          <div class="columns">
            <Card title={say("時間帯別の売上", "Sales by hour")} note={say("線：過去28日の平均", "Line: mean of 28 days before")}>
              <Chart
                label={say("時間帯別の売上", "Sales by hour")}
                labels={data.hours.map((one) => say(`${one.hour}時`, `${one.hour}:00`))}
                series={[
                  { title: say("その日", "The day"), values: data.hours.map((one) => one.sales), kind: "bars", color: "accent" },
                  { title: say("平均", "Mean"), values: data.hours.map((one) => one.usual), kind: "line", color: "second" },
                ]}
                format={yen}
                axis={short}
                height={200}
              />
            </Card>
            <Card title={say("日別の売上", "Sales by day")} note={say("線：前週の同じ曜日", "Line: a week before")}>
              <Chart
                label={say("日別の売上", "Sales by day")}
                labels={data.days.map((one) => shortDay(one.day))}
                series={[
                  { title: say("売上", "Sales"), values: data.days.map((one) => one.sales), kind: "bars", color: "accent" },
                  { title: say("前週同曜日", "A week before"), values: data.days.map((one) => one.before), kind: "line", color: "second" },
                ]}
                format={yen}
                axis={short}
                height={200}
              />
            </Card>
          </div>
          <Slots data={data} id={id} day={day} />
          <div class="columns">
            <Visits data={data} id={id} />
            <Happened data={data} id={id} />
          </div>
        </>
      )}
    </>
  );
}

const coverTone = (slot: Slot): Tone =>
  slot.closing_units !== null && slot.closing_units <= 0 ? "bad" : slot.days_of_cover !== null && slot.days_of_cover < 2 ? "fair" : "good";

function Slots({ data, id, day }: { data: MachineData; id: string; day: string }) {
  return (
    <Card title={say("スロットと在庫", "Slots and stock")} note={say("残りの日数は最近の売れ行きから", "Cover: at the pace of the last weeks")}>
      <Table
        label={say("スロット", "Slots")}
        rows={data.slots}
        keyOf={(slot) => slot.slot_no}
        start={{ column: "slot", isDown: false }}
        whenEmpty={say("この日の在庫は分かりません（まだ数えられていません）。", "The stock of this day is not known: nothing was counted yet.")}
        columns={[
          { id: "slot", title: say("スロット", "Slot"), by: (slot) => slot.slot_no, cell: (slot) => slot.slot_no },
          { id: "product", title: say("商品", "Product"), by: (slot) => slot.product, cell: (slot) => slot.product },
          {
            id: "stock",
            title: say("在庫", "Stock"),
            isNumber: true,
            by: (slot) => slot.closing_units,
            cell: (slot) => (
              <span class="with-bar">
                {slot.capacity ? <Bar share={(slot.closing_units ?? 0) / slot.capacity} tone={coverTone(slot)} /> : null}
                <Traced of={{ mart: "fct_slot_inventory_daily", rows: { machine_id: id, slot_no: slot.slot_no, day } }}>
                  {count(slot.closing_units)} / {count(slot.capacity)}
                </Traced>
                {slot.is_negative && <Badge tone="fair">{say("要確認", "check")}</Badge>}
              </span>
            ),
          },
          { id: "cover", title: say("残り日数", "Cover"), isNumber: true, by: (slot) => slot.days_of_cover, cell: (slot) => (slot.days_of_cover === null ? "–" : say(`${decimal(slot.days_of_cover)}日`, `${decimal(slot.days_of_cover)} d`)) },
          { id: "sold", title: say("その日の販売", "Sold"), isNumber: true, isMinor: true, by: (slot) => slot.units_sold, cell: (slot) => count(slot.units_sold) },
          { id: "load", title: say("次に積む", "To load"), isNumber: true, by: (slot) => slot.load, cell: (slot) => count(slot.load) },
          { id: "counted", title: say("最終確認", "Counted"), isMinor: true, by: (slot) => slot.last_counted_on, cell: (slot) => shortDay(slot.last_counted_on) },
        ]}
      />
    </Card>
  );
}

function Visits({ data, id }: { data: MachineData; id: string }) {
  return (
    <Card title={say("訪問と現金", "Visits and cash")} note={say("訪問は28日、現金は62日", "Visits of 28 days, cash of 62")}>
      <Table
        label={say("訪問", "Visits")}
        rows={data.visits}
        keyOf={(visit) => visit.id}
        whenEmpty={say("この28日間に訪問はありません。", "No one came in these 28 days.")}
        columns={[
          { id: "at", title: say("訪問", "Visit"), by: (visit) => visit.at, cell: (visit) => moment(visit.at) },
          { id: "slots", title: say("スロット", "Slots"), isNumber: true, isMinor: true, by: (visit) => visit.slots, cell: (visit) => count(visit.slots) },
          { id: "added", title: say("補充", "Added"), isNumber: true, by: (visit) => visit.added, cell: (visit) => <Traced of={{ mart: "fct_replenishments", rows: { machine_id: id, visit_id: visit.id } }}>{count(visit.added)}</Traced> },
          { id: "removed", title: say("撤去", "Removed"), isNumber: true, by: (visit) => visit.removed, cell: (visit) => count(visit.removed) },
          { id: "cash", title: say("回収額", "Cash"), isNumber: true, by: (visit) => visit.cash, cell: (visit) => yen(visit.cash) },
        ]}
      />
      <h3>{say("現金の照合", "Cash against sales")}</h3>
      <Table
        label={say("現金の照合", "Cash against sales")}
        rows={data.cash}
        keyOf={(one) => one.visit_id}
        whenEmpty={say("回収の記録がありません。", "Nothing was collected.")}
        columns={[
          { id: "at", title: say("回収", "Collected"), by: (one) => one.collected_at, cell: (one) => moment(one.collected_at) },
          { id: "expected", title: say("あるべき額", "Expected"), isNumber: true, by: (one) => one.cash_expected, cell: (one) => yen(one.cash_expected) },
          {
            id: "variance",
            title: say("差異", "Variance"),
            isNumber: true,
            by: (one) => one.variance,
            cell: (one) => (
              <Traced of={{ mart: "mart_cash_reconciliation", rows: { machine_id: id, visit_id: one.visit_id } }}>
                {one.is_breached ? <b class="bad">{signedYen(one.variance)}</b> : signedYen(one.variance)}
              </Traced>
            ),
          },
          { id: "basis", title: say("根拠", "Basis"), isMinor: true, cell: (one) => <span class="soft">{basisOf(one.basis)}</span> },
        ]}
      />
    </Card>
  );
}

function Happened({ data, id }: { data: MachineData; id: string }) {
  return (
    <Card title={say("異常と品切れ", "Faults and empty slots")} note={say("異常は28日、品切れは35日", "Faults of 28 days, empty slots of 35")}>
      {data.faults.length === 0 ? (
        <Empty>{say("停止の疑いも、届かなかったファイルもありません。", "No suspected stop, and every file came.")}</Empty>
      ) : (
        <ul class="news">
          {data.faults.map((one) => (
            <li key={one.business_date}>
              <Badge tone="bad">{one.is_suspected_down ? say("停止の疑い", "Suspected down") : say("ファイル未着", "No file")}</Badge>
              <span>
                {shortDay(one.business_date)}
                {one.is_suspected_down && (
                  <>
                    {" · "}
                    <Traced of={{ mart: "mart_machine_health", rows: { machine_id: id, day: one.business_date } }}>
                      {say(`無販売 ${hours(one.silent_hours)}、来なかった客 約${count(one.missed_attempts)}人`, `silent for ${hours(one.silent_hours)}, about ${count(one.missed_attempts)} customers missed`)}
                    </Traced>
                  </>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
      <h3>{say("品切れ", "Empty slots")}</h3>
      <Table
        label={say("品切れ", "Empty slots")}
        rows={data.spells}
        keyOf={(one) => `${one.slot_no} ${one.started_at}`}
        whenEmpty={say("品切れはありませんでした。", "No slot ran empty.")}
        columns={[
          { id: "slot", title: say("スロット", "Slot"), by: (one) => one.slot_no, cell: (one) => one.slot_no },
          { id: "product", title: say("商品", "Product"), by: (one) => one.product, cell: (one) => one.product },
          { id: "from", title: say("いつから", "From"), by: (one) => one.started_at, cell: (one) => moment(one.started_at), isMinor: true },
          { id: "to", title: say("いつまで", "Until"), by: (one) => one.ended_at, cell: (one) => (one.ended_at === null ? <Badge tone="fair">{say("継続中", "still empty")}</Badge> : moment(one.ended_at)) },
          { id: "lost", title: say("逸失", "Lost"), isNumber: true, by: (one) => one.sales_lost, cell: (one) => <Traced of={{ mart: "fct_stockouts", rows: { machine_id: id, slot_no: one.slot_no, started_at: one.started_at } }}>{yen(one.sales_lost)}</Traced> },
        ]}
      />
    </Card>
  );
}
