/** Lines and bars over days or hours, drawn by uPlot; the same figures as a table for people who can't see them. */
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useLanguage } from "./language.ts";
import { color, THEME_CHANGED } from "./theme.ts";

export interface Series {
  title: string;
  values: (number | null)[];
  kind: "bars" | "line";
  /** A variable of the style sheet. */
  color: string;
  isDashed?: boolean;
  /** Whether the space between it and the series before is filled: a band. */
  fillsToPrevious?: boolean;
  /** Whether it is drawn against the scale at the right: it is of another unit. */
  isRight?: boolean;
}

/** How values of one scale are written. */
interface Scale {
  /** Of a value, as read out. */
  format: (value: number | null) => string;
  /** Of a value beside the axis. */
  axis: (value: number) => string;
}

/** The width of the axis at the right. */
const RIGHT = 48;

export function Chart({ label, labels, series, format, axis, right, height = 220 }: Scale & {
  label: string;
  labels: string[];
  series: Series[];
  right?: Scale;
  height?: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [pointed, point] = useState<number | null>(null);
  const [theme, redraw] = useState(0);
  const spoken = useLanguage();
  useEffect(() => {
    const listener = () => redraw((count) => count + 1);
    const system = matchMedia("(prefers-color-scheme: dark)");
    addEventListener(THEME_CHANGED, listener);
    system.addEventListener("change", listener);
    return () => {
      removeEventListener(THEME_CHANGED, listener);
      system.removeEventListener("change", listener);
    };
  }, []);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const plot = new uPlot(options(element.clientWidth, height, labels, series, axis, right?.axis, point), data(labels, series), element);
    const size = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    size.observe(element);
    element.dataset["drawn"] = "true";
    return () => {
      size.disconnect();
      plot.destroy();
    };
  }, [labels, series, height, theme, spoken]);
  const at = pointed ?? labels.length - 1;
  const read = (one: Series, place: number) => (one.isRight && right !== undefined ? right.format : format)(one.values[place] ?? null);
  return (
    <figure class="chart">
      <figcaption aria-hidden="true">
        <b>{labels[at]}</b>
        {series.map((one) => (
          <span key={one.title}>
            <i class={`key ${one.kind} c-${one.color}`} />
            {one.title} <b>{read(one, at)}</b>
          </span>
        ))}
      </figcaption>
      <div ref={box} class="plot" style={{ height: `${height}px` }} aria-hidden="true" />
      <div class="for-readers">
        <table>
          <caption>{label}</caption>
          <thead>
            <tr>
              <td />
              {series.map((one) => <th key={one.title} scope="col">{one.title}</th>)}
            </tr>
          </thead>
          <tbody>
            {labels.map((name, place) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {series.map((one) => <td key={one.title}>{read(one, place)}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

const data = (labels: string[], series: Series[]): uPlot.AlignedData => [labels.map((_, place) => place), ...series.map((one) => one.values)];

function options(
  width: number,
  height: number,
  labels: string[],
  series: Series[],
  axis: Scale["axis"],
  right: Scale["axis"] | undefined,
  point: (place: number | null) => void,
): uPlot.Options {
  const [ink, line] = [color("soft"), color("line")];
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const most = Math.max(2, Math.floor((width - (right === undefined ? 0 : RIGHT)) / 72));
  const every = Math.max(1, Math.ceil(labels.length / most));
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    hooks: { setCursor: [(plot) => point(plot.cursor.idx ?? null)] },
    scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range }, right: { range } },
    axes: [
      {
        stroke: ink,
        font,
        grid: { show: false },
        ticks: { show: false },
        gap: 4,
        size: 26,
        splits: () => labels.map((_, place) => place).filter((place) => (labels.length - 1 - place) % every === 0),
        values: (_, places) => places.map((place) => labels[place] ?? ""),
      },
      { stroke: ink, font, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 56, values: (_, values) => values.map(axis) },
      ...(right === undefined ? [] : [{ scale: "right", side: 1, stroke: ink, font, grid: { show: false }, ticks: { show: false }, size: RIGHT, values: (_: uPlot, values: number[]) => values.map(right) }]),
    ],
    series: [{}, ...series.map(drawn)],
    bands: series.flatMap((one, place) => (one.fillsToPrevious ? [{ series: [place + 1, place] as [number, number], fill: `${color(one.color)}2e` }] : [])),
  };
}

/** From nothing, or below, to a little more than the most. */
const range = (_: uPlot, low: number, high: number): [number, number] => [Math.min(0, low), high > 0 ? high * 1.08 : 1];

function drawn(one: Series): uPlot.Series {
  const stroke = color(one.color);
  const scale = one.isRight ? "right" : "y";
  if (one.kind === "bars") {
    const bars = uPlot.paths.bars;
    return { label: one.title, scale, stroke, fill: stroke, width: 0, points: { show: false }, ...(bars ? { paths: bars({ size: [0.62, 28], radius: 0.12 }) } : {}) };
  }
  return { label: one.title, scale, stroke, width: 2, points: { show: false }, spanGaps: false, ...(one.isDashed ? { dash: [5, 4] } : {}) };
}
