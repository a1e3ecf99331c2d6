/** Lineage: a column's way from the delivered file to the export, by what it is made of and what is made of it. */
import { latestJson } from "../../data/fetching.ts";
import { addressOf, change } from "../../ui/address.ts";
import { say } from "../../ui/language.ts";
import { Badge, Card, Empty, Select } from "../../ui/parts.tsx";
import { Table } from "../../ui/table.tsx";
import { definePage, type Context } from "../page.ts";

/** As `vending lineage export` writes it. */
interface Graph {
  tables: { name: string; columns: string[] }[];
  edges: { from: string; to: string; how: string[] }[];
}

interface Step {
  point: string;
  /** Below zero: the column is made of it; above: it is made of the column. */
  distance: number;
  before: string;
  how: string[];
}

const START = "marts.mart_machine_daily.sales_with_tax";
const LAYERS = ["files", "raw", "staging", "intermediate", "marts", "exports"];
const DIRECT = new Set(["IDENTITY", "TRANSFORMATION", "AGGREGATION"]);
const [WIDE, HIGH, GAP] = [180, 34, 30];

export const page = definePage<Graph | null>({
  question: { ja: "この列は何から作られ、何に使われるか。", en: "What is this column made of, and what is made of it?" },
  asks: [],
  load: async () => (await latestJson<Graph | null>("data/lineage.json")).value,
  View,
});

function View({ data, context }: { data: Graph | null; context: Context }) {
  if (data === null || data.edges.length === 0) {
    return <Empty>{say("列の来歴がまだありません。ビルドのあとに現れます。", "There is no lineage here yet; it appears after a build.")}</Empty>;
  }
  const asked = context.given["of"] ?? START;
  const tables = data.tables.filter((one) => one.columns.length > 0);
  const table = tables.find((one) => asked.startsWith(`${one.name}.`) && one.columns.includes(asked.slice(one.name.length + 1))) ?? tables[0];
  if (table === undefined) return null;
  const column = asked.startsWith(`${table.name}.`) ? asked.slice(table.name.length + 1) : (table.columns[0] ?? "");
  const of = `${table.name}.${column}`;
  const isAll = context.given["all"] === "yes";
  const steps = way(data, of, isAll);
  return (
    <>
      <div class="filters" role="search" aria-label={say("絞り込み", "Filters")}>
        <Select label={say("テーブル", "Table")} value={table.name} options={tables.map((one) => ({ value: one.name, text: one.name }))} onChange={(name) => change({ of: `${name}.${tables.find((one) => one.name === name)?.columns[0] ?? ""}` }, { keep: true })} />
        <Select label={say("列", "Column")} value={column} options={table.columns.map((name) => ({ value: name, text: name }))} onChange={(name) => change({ of: `${table.name}.${name}` }, { keep: true })} />
        <Select label={say("つながり", "Influence")} value={isAll ? "yes" : ""} options={[{ value: "", text: say("値だけ", "Values only") }, { value: "yes", text: say("行を決める条件も", "Also what decides on rows") }]} onChange={(value) => change({ all: value === "" ? null : value }, { keep: true })} />
      </div>
      <Card title={of} note={say("名前を選ぶと、その列に移ります。", "Choose a name to go to that column.")}>
        <Way of={of} steps={steps} isAll={isAll} />
      </Card>
      <Card title={say("一覧", "As a list")}>
        <Table
          label={say("来歴", "Lineage")}
          rows={steps}
          keyOf={(step) => step.point}
          start={{ column: "distance", isDown: false }}
          whenEmpty={say("この列だけです。", "Nothing but this column.")}
          columns={[
            { id: "distance", title: say("段", "Steps"), cell: (step) => step.distance, by: (step) => step.distance, isNumber: true },
            { id: "column", title: say("列", "Column"), cell: (step) => <a href={link(step.point, isAll)}>{step.point}</a>, by: (step) => step.point },
            { id: "how", title: say("つながり", "Influence"), cell: (step) => step.how.map((one) => <Badge key={one} tone={DIRECT.has(one) ? "info" : "calm"}>{one.toLowerCase()}</Badge>), by: (step) => step.how.join() },
          ]}
        />
      </Card>
    </>
  );
}

const link = (point: string, isAll: boolean) => addressOf("lineage", { of: point, all: isAll ? "yes" : null });

/** Each column once, nearest first, in both directions. */
function way(graph: Graph, of: string, isAll: boolean): Step[] {
  const names = new Set(graph.tables.map((one) => one.name));
  const edges = graph.edges.filter((one) => !names.has(one.to) && (isAll || one.how.some((how) => DIRECT.has(how))));
  return [...walk(edges, of, "to", "from", -1), ...walk(edges, of, "from", "to", 1)].sort((one, other) => one.distance - other.distance);
}

function walk(edges: Graph["edges"], of: string, here: "from" | "to", there: "from" | "to", sign: number): Step[] {
  const next = new Map<string, Graph["edges"]>();
  for (const edge of edges) next.set(edge[here], [...(next.get(edge[here]) ?? []), edge]);
  const found = new Map<string, Step>();
  let nearest = [of];
  for (let distance = 1; nearest.length > 0; distance += 1) {
    const reached: string[] = [];
    for (const before of nearest) {
      for (const edge of next.get(before) ?? []) {
        const point = edge[there];
        if (point === of || found.has(point)) continue;
        found.set(point, { point, distance: sign * distance, before, how: edge.how });
        reached.push(point);
      }
    }
    nearest = reached;
  }
  return [...found.values()];
}

const layerOf = (point: string): number => {
  const place = LAYERS.indexOf(point.split(".")[0] ?? "");
  return place < 0 ? LAYERS.indexOf("intermediate") : place;
};

function Way({ of, steps, isAll }: { of: string; steps: Step[]; isAll: boolean }) {
  const points = [of, ...steps.map((step) => step.point)];
  const used = LAYERS.map((_, layer) => points.filter((point) => layerOf(point) === layer).sort());
  const shown = used.map((names, layer) => ({ layer, names })).filter((one) => one.names.length > 0);
  const places = new Map(shown.flatMap(({ names }, x) => names.map((name, y) => [name, { x: x * (WIDE + GAP), y: 28 + y * (HIGH + 8) }] as const)));
  const height = 28 + Math.max(...shown.map(({ names }) => names.length)) * (HIGH + 8);
  const width = shown.length * (WIDE + GAP) - GAP;
  return (
    <div class="way" tabIndex={0} role="region" aria-label={say("列の道のり", "The column's way")}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
        {shown.map(({ layer }, x) => (
          <text key={layer} class="layer" x={x * (WIDE + GAP)} y="14">{LAYERS[layer]}</text>
        ))}
        {steps.map((step) => {
          const [from, to] = step.distance < 0 ? [step.point, step.before] : [step.before, step.point];
          return <path key={step.point} class={step.how.some((how) => DIRECT.has(how)) ? "edge" : "edge faint"} d={curve(places.get(from), places.get(to))} />;
        })}
        {points.map((point) => {
          const place = places.get(point) ?? { x: 0, y: 0 };
          const [, table = "", ...column] = point.split(".");
          return (
            <a key={point} href={link(point, isAll)} aria-current={point === of ? "true" : undefined} data-point={point}>
              <title>{point}</title>
              <rect x={place.x + 0.5} y={place.y + 0.5} width={WIDE - 1} height={HIGH} rx="6" />
              <text x={place.x + 8} y={place.y + 15}>{cut(column.join("."))}</text>
              <text class="of-table" x={place.x + 8} y={place.y + 28}>{cut(table)}</text>
            </a>
          );
        })}
      </svg>
    </div>
  );
}

const cut = (text: string) => (text.length > 26 ? `${text.slice(0, 25)}…` : text);

function curve(from: { x: number; y: number } | undefined, to: { x: number; y: number } | undefined): string {
  if (from === undefined || to === undefined) return "";
  const [x1, y1, x2, y2] = [from.x + WIDE, from.y + HIGH / 2, to.x, to.y + HIGH / 2];
  const bend = from.x === to.x ? GAP : GAP / 2;
  return from.x === to.x ? `M${x1} ${y1}C${x1 + bend} ${y1} ${x1 + bend} ${y2} ${x1} ${y2}` : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}
