/** Small parts that every page is made of. */
import type { ComponentChildren } from "preact";
import { say } from "./language.ts";
import { Traced, type Origin } from "./trace.tsx";
import { signedPercent } from "./format.ts";

export type Tone = "good" | "fair" | "bad" | "calm" | "info";

export function Card({ title, note, actions, children, class: kind = "" }: {
  title: string;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}) {
  return (
    <section class={`card ${kind}`}>
      <header>
        <h2>{title}</h2>
        {note !== undefined && <p class="note">{note}</p>}
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

export function Tile({ label, value, of, tone = "calm", under, href, name }: {
  label: string;
  value: string;
  of: Origin;
  tone?: Tone;
  under?: ComponentChildren;
  href?: string;
  /** Under which tests find it. */
  name: string;
}) {
  return (
    <div class={`tile tone-${tone}`} data-figure={name}>
      <h2>{href === undefined ? label : <a href={href}>{label}</a>}</h2>
      <p class="figure">
        <Traced of={of} label={`${label}: ${value}`}>{value}</Traced>
      </p>
      <p class="under">{under}</p>
    </div>
  );
}

/** By how much, in words and color: more is better unless the caller says otherwise. */
export function Change({ share, against }: { share: number | null; against: string }) {
  if (share === null) return <span class="soft">{say(`${against}の記録なし`, `no ${against} to compare`)}</span>;
  const tone = Math.abs(share) < 0.0005 ? "" : share > 0 ? "good" : "bad";
  const mark = tone === "" ? "±" : share > 0 ? "▲" : "▼";
  return (
    <>
      <b class={tone}>
        {mark} {signedPercent(share)}
      </b>{" "}
      <span class="soft">{against}</span>
    </>
  );
}

export const Badge = ({ tone = "calm", children }: { tone?: Tone; children: ComponentChildren }) => <span class={`badge ${tone}`}>{children}</span>;

export const Empty = ({ children }: { children: ComponentChildren }) => <p class="empty">{children}</p>;

/** A share as a bar behind its figure. */
export const Bar = ({ share, tone = "info" }: { share: number; tone?: Tone }) => (
  <svg class={`bar ${tone}`} viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    <rect class="ground" width="100" height="8" rx="2" />
    <rect class="filled" width={Math.max(0, Math.min(100, share * 100))} height="8" rx="2" />
  </svg>
);

/** A line of figures, the oldest at the left; days without one are gaps. */
export function Spark({ values, label, from = 0, width = 96, height = 22 }: { values: (number | null)[]; label: string; from?: number; width?: number; height?: number }) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length === 0) return <span class="soft">–</span>;
  const least = Math.min(from, ...known);
  const most = Math.max(...known, least + 1);
  const y = (value: number) => 2 + (height - 4) * (1 - (value - least) / (most - least));
  const step = (width - 4) / Math.max(values.length - 1, 1);
  let path = "";
  let isDown = false;
  values.forEach((value, place) => {
    if (value === null) isDown = false;
    else {
      path += `${isDown ? "L" : "M"}${(2 + place * step).toFixed(1)} ${y(value).toFixed(1)}`;
      isDown = true;
    }
  });
  const last = values.at(-1);
  return (
    <svg class="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path d={path} />
      {last != null && <circle cx={2 + (values.length - 1) * step} cy={y(last)} r="1.8" />}
    </svg>
  );
}

export function Select({ label, value, options, onChange }: {
  label: string;
  value: string;
  options: { value: string; text: string }[];
  onChange: (value: string) => void;
}) {
  return (
    <label class="field">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </label>
  );
}
