/** Today: how the day went, and who has to go where. */
import { addressOf } from "../ui/address.ts";
import { Chart } from "../ui/chart.tsx";
import { addDays, count, hours, longDay, moment, shortDay, short, signedYen, yen } from "../ui/format.ts";
import { say } from "../ui/language.ts";
import { Badge, Card, Change, Empty, Tile } from "../ui/parts.tsx";
import { Filters } from "../ui/filters.tsx";
import { Table } from "../ui/table.tsx";
import { Traced } from "../ui/trace.tsx";
import { definePage, type Context } from "./page.ts";
import { loadToday, MANY_EMPTY, type Concern, type Today } from "./today-data.ts";

export const page = definePage<Today>({
  question: { ja: "今日の売上は順調か。どの自販機に、だれかが行くべきか。", en: "Is today going well, and which machines need someone?" },
  asks: ["day", "route"],
  load: loadToday,
  View,
});

function View({ data, context }: { data: Today; context: Context }) {
  const { day } = context;
  const route = context.given["route"];
  const scope = route === undefined ? {} : { route_id: route };
  const share = data.weekBefore === null || data.weekBefore.sales === 0 ? null : data.total.sales / data.weekBefore.sales - 1;
  const against = say("前週同曜日", `vs ${shortDay(addDays(day, -7))}`);
  const breached = data.collections.filter((one) => one.is_breached);
  const missingNow = data.missing.filter((gap) => gap.business_date === day);
  return (
    <>
      <Filters context={context} routes={data.routes} />
      <div class="tiles">
        <Tile
          name="sales"
          label={say("売上（税込）", "Sales, with tax")}
          value={yen(data.total.sales)}
          of={{ mart: "mart_machine_daily", rows: { ...scope, day } }}
          under={
            <>
              <Change share={share} against={against} />
              {data.alike !== null && data.alike.before > 0 && (
                <span class="soft">
                  {" "}
                  · {say(`両日そろう${data.alike.machines}台では`, `${data.alike.machines} machines of both days:`)} <Change share={data.alike.now / data.alike.before - 1} against="" />
                </span>
              )}
            </>
          }
        />
        <Tile
          name="units"
          label={say("販売本数", "Units sold")}
          value={count(data.total.units)}
          of={{ mart: "mart_machine_daily", rows: { ...scope, day } }}
          under={<Change share={data.weekBefore === null || data.weekBefore.units === 0 ? null : data.total.units / data.weekBefore.units - 1} against={against} />}
        />
        <Tile
          name="concerns"
          label={say("要対応の自販機", "Machines that need someone")}
          value={count(data.concerns.length)}
          tone={data.concerns.length > 0 ? "bad" : "good"}
          of={{ mart: "mart_machine_health", rows: { ...scope, day } }}
          under={say(`売れた自販機 ${data.total.machines}台`, `${data.total.machines} machines sold something`)}
        />
        <Tile
          name="stockouts"
          label={say("品切れ中のスロット", "Empty slots")}
          value={count(data.stockouts.length)}
          tone={data.stockouts.length > 0 ? "fair" : "good"}
          of={{ mart: "fct_stockouts", rows: { day } }}
          under={say(`今日 +${data.began} / −${data.ended}`, `today +${data.began} / −${data.ended}`)}
        />
        <Tile
          name="missing"
          label={say("届いていないファイル", "Missing files")}
          value={count(missingNow.length)}
          tone={missingNow.length > 0 ? "bad" : "good"}
          of={{ mart: "mart_delivery_gaps", rows: { ...scope, day } }}
          under={say(`7日間で ${data.missing.length}件`, `${data.missing.length} in seven days`)}
        />
        <Tile
          name="cash"
          label={say("現金差異（許容超過）", "Cash beyond tolerance")}
          value={count(breached.length)}
          tone={breached.length > 0 ? "fair" : "good"}
          of={{ mart: "mart_cash_reconciliation", rows: { ...scope, day } }}
          under={say(`7日間の回収 ${data.collections.length}回のうち`, `of ${data.collections.length} collections in seven days`)}
        />
      </div>
      <div class="columns wide-left">
        <SalesChart data={data} />
        <News data={data} context={context} />
      </div>
      <Card title={say("要対応の自販機", "Machines that need someone")} note={say(`停止の疑い、ファイル未着、現金差異、または品切れ${MANY_EMPTY}スロット以上`, `Suspected down, no file, cash beyond tolerance, or ${MANY_EMPTY} and more empty slots`)}>
        <Concerns concerns={data.concerns} day={day} />
      </Card>
      <div class="columns">
        <Stockouts data={data} day={day} />
        <Cash data={data} day={day} />
      </div>
    </>
  );
}

function SalesChart({ data }: { data: Today }) {
  const days = data.days;
  return (
    <Card title={say("日別の売上", "Sales by day")} note={say("棒：その日　線：前週の同じ曜日", "Bars: the day. Line: the same weekday a week before")}>
      {days.length === 0 ? (
        <Empty>{say("この期間の売上はありません。日付を変えてください。", "No sales in these weeks: choose another day.")}</Empty>
      ) : (
        <Chart
          label={say("日別の売上（税込）", "Sales by day, with tax")}
          labels={days.map((one) => shortDay(one.day))}
          series={[
            { title: say("売上", "Sales"), values: days.map((one) => one.sales), kind: "bars", color: "accent" },
            { title: say("前週同曜日", "A week before"), values: days.map((one) => one.before), kind: "line", color: "second" },
          ]}
          format={yen}
          axis={short}
        />
      )}
    </Card>
  );
}

function News({ data, context }: { data: Today; context: Context }) {
  const { fell, recovered, wentMissing, cash, prices, visited } = data.news;
  const machine = (id: string) => <a href={addressOf("machine", { id, day: context.given["day"] })}>{id}</a>;
  const items = [
    ...fell.map((one) => ({ tone: "bad" as const, what: say("停止の疑い", "Suspected down"), text: <>{machine(one.machine_id)} {one.machine_name} · {say(`無販売 ${hours(one.silent_hours)}`, `silent for ${hours(one.silent_hours)}`)}</> })),
    ...recovered.map((one) => ({ tone: "good" as const, what: say("回復", "Recovered"), text: <>{machine(one.machine_id)} {one.machine_name}</> })),
    ...wentMissing.map((one) => ({
      tone: "bad" as const,
      what: say("ファイル未着", "No file"),
      text: <>{machine(one.machine_id)} {one.machine_name} · {stateOf(one.state)}</>,
    })),
    ...cash.map((one) => ({ tone: "fair" as const, what: say("現金差異", "Cash"), text: <>{machine(one.machine_id)} {one.machine_name} · {signedYen(one.variance)}</> })),
    ...prices.map((one) => ({ tone: "info" as const, what: say("価格改定", "Price"), text: <>{one.product_name} · {yen(one.price_before)} → {yen(one.price_after)}</> })),
  ];
  return (
    <Card title={say("昨日から変わったこと", "What changed since yesterday")} note={longDay(context.day)}>
      <ul class="news">
        {items.map((item, place) => (
          <li key={place}>
            <Badge tone={item.tone}>{item.what}</Badge> <span>{item.text}</span>
          </li>
        ))}
        <li>
          <Badge>{say("品切れ", "Slots")}</Badge> <span>{say(`新たに${data.began}スロットが空に、${data.ended}スロットが解消`, `${data.began} ran empty, ${data.ended} were filled`)}</span>
        </li>
        <li>
          <Badge>{say("訪問", "Visits")}</Badge> <span>{say(`${visited}台を訪問`, `${visited} machines were visited`)}</span>
        </li>
      </ul>
    </Card>
  );
}

/** What became of a day's file, as the mart calls it. */
export function stateOf(state: string): string {
  const words: Record<string, string> = {
    "never came": say("未着", "never came"),
    "in quarantine": say("隔離中（使えないファイル）", "in quarantine"),
    "in use": say("使用中", "in use"),
    withdrawn: say("取り下げ", "withdrawn"),
  };
  return words[state] ?? state;
}

function Concerns({ concerns, day }: { concerns: Concern[]; day: string }) {
  return (
    <Table
      label={say("要対応の自販機", "Machines that need someone")}
      rows={concerns}
      keyOf={(one) => one.machine}
      whenEmpty={say("すべて順調です。対応が必要な自販機はありません。", "All is well: no machine needs anyone.")}
      onOpen={(one) => (location.hash = addressOf("machine", { id: one.machine, day }))}
      columns={[
        { id: "machine", title: say("自販機", "Machine"), by: (one) => one.machine, cell: (one) => <><a href={addressOf("machine", { id: one.machine, day })}>{one.machine}</a> <span class="soft">{one.name}</span></> },
        { id: "route", title: say("ルート", "Route"), by: (one) => one.route, cell: (one) => one.route ?? "–", isMinor: true },
        {
          id: "why",
          title: say("理由", "Why"),
          cell: (one) => (
            <span class="badges">
              {one.isDown && <Badge tone="bad">{say("停止の疑い", "Suspected down")}</Badge>}
              {one.isFileMissing && <Badge tone="bad">{say("ファイル未着", "No file")}</Badge>}
              {one.variance !== null && <Badge tone="fair">{say("現金差異", "Cash")} {signedYen(one.variance)}</Badge>}
              {one.empty > 0 && <Badge tone={one.empty >= MANY_EMPTY ? "fair" : "calm"}>{say(`品切れ ${one.empty}`, `${one.empty} empty`)}</Badge>}
            </span>
          ),
        },
        { id: "silent", title: say("無販売", "Silent"), isNumber: true, isMinor: true, by: (one) => one.silentHours, cell: (one) => (one.isDown ? <Traced of={{ mart: "mart_machine_health", rows: { machine_id: one.machine, day } }}>{hours(one.silentHours)}</Traced> : "–") },
        { id: "lost", title: say("品切れによる逸失", "Lost to empty slots"), isNumber: true, by: (one) => one.lost, cell: (one) => <Traced of={{ mart: "fct_stockouts", rows: { machine_id: one.machine } }}>{yen(one.lost)}</Traced> },
      ]}
    />
  );
}

function Stockouts({ data, day }: { data: Today; day: string }) {
  return (
    <Card title={say("品切れ中", "Empty slots")} note={say("推定の逸失売上が大きい順", "By what was probably not sold")}>
      <Table
        label={say("品切れ中のスロット", "Empty slots")}
        rows={data.stockouts}
        keyOf={(one) => `${one.machine_id} ${one.slot_no} ${one.started_at}`}
        start={{ column: "lost", isDown: true }}
        whenEmpty={say("空のスロットはありません。", "No slot is empty.")}
        columns={[
          { id: "slot", title: say("自販機・スロット", "Machine, slot"), by: (one) => `${one.machine_id} ${one.slot_no}`, cell: (one) => <a href={addressOf("machine", { id: one.machine_id, day })}>{one.machine_id}-{one.slot_no}</a> },
          { id: "product", title: say("商品", "Product"), by: (one) => one.product, cell: (one) => one.product },
          { id: "since", title: say("いつから", "Since"), by: (one) => one.started_at, cell: (one) => moment(one.started_at), isMinor: true },
          { id: "lost", title: say("逸失", "Lost"), isNumber: true, by: (one) => one.sales_lost, cell: (one) => <Traced of={{ mart: "fct_stockouts", rows: { machine_id: one.machine_id, slot_no: one.slot_no, started_at: one.started_at } }}>{yen(one.sales_lost)}</Traced> },
        ]}
      />
    </Card>
  );
}

function Cash({ data, day }: { data: Today; day: string }) {
  return (
    <Card title={say("現金回収（7日間）", "Cash collected, seven days")} note={say("差異の大きい順", "The largest variances first")}>
      <Table
        label={say("現金回収", "Cash collected")}
        rows={data.collections}
        keyOf={(one) => one.visit_id}
        start={{ column: "variance", isDown: true }}
        whenEmpty={say("この7日間の回収はありません。", "Nothing was collected in these seven days.")}
        columns={[
          { id: "machine", title: say("自販機", "Machine"), by: (one) => one.machine_id, cell: (one) => <a href={addressOf("machine", { id: one.machine_id, day })}>{one.machine_id}</a> },
          { id: "at", title: say("回収", "Collected"), by: (one) => one.collected_at, cell: (one) => moment(one.collected_at), isMinor: true },
          { id: "collected", title: say("回収額", "Amount"), isNumber: true, by: (one) => one.cash_collected, cell: (one) => yen(one.cash_collected) },
          {
            id: "variance",
            title: say("差異", "Variance"),
            isNumber: true,
            by: (one) => (one.variance === null ? null : Math.abs(one.variance)),
            cell: (one) => (
              <Traced of={{ mart: "mart_cash_reconciliation", rows: { machine_id: one.machine_id, visit_id: one.visit_id } }}>
                {one.is_breached ? <b class="bad">{signedYen(one.variance)}</b> : signedYen(one.variance)}
              </Traced>
            ),
          },
        ]}
      />
    </Card>
  );
}
