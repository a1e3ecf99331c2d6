/** The bar below a page's title: which day, which route, and what else a page lets people choose. */
import type { ComponentChildren } from "preact";
import type { Context } from "../pages/page.ts";
import { change } from "./address.ts";
import { addDays, longDay } from "./format.ts";
import { say } from "./language.ts";
import { Select } from "./parts.tsx";

export function Filters({ context, routes, children }: { context: Context; routes?: string[]; children?: ComponentChildren }) {
  return (
    <div class="filters" role="search" aria-label={say("絞り込み", "Filters")}>
      <DayChoice context={context} />
      {routes !== undefined && routes.length > 0 && (
        <Select
          label={say("ルート", "Route")}
          value={context.given["route"] ?? ""}
          options={[{ value: "", text: say("すべて", "All") }, ...routes.map((route) => ({ value: route, text: route }))]}
          onChange={(route) => change({ route: route === "" ? null : route }, { keep: true })}
        />
      )}
      {children}
    </div>
  );
}

function DayChoice({ context }: { context: Context }) {
  const { day, first, last } = context;
  const go = (to: string) => change({ day: to === last ? null : to }, { keep: true });
  return (
    <div class="day-choice">
      <button type="button" aria-label={say("前の日", "The day before")} disabled={day <= first} onClick={() => go(addDays(day, -1))}>
        ‹
      </button>
      <label class="field">
        <span class="for-readers">{say("営業日", "Business day")}</span>
        <input type="date" value={day} min={first} max={last} onChange={(event) => event.currentTarget.value !== "" && go(clamp(event.currentTarget.value, first, last))} />
      </label>
      <button type="button" aria-label={say("次の日", "The day after")} disabled={day >= last} onClick={() => go(addDays(day, 1))}>
        ›
      </button>
      <b class="day-name">{longDay(day)}</b>
    </div>
  );
}

const clamp = (day: string, first: string, last: string) => (day < first ? first : day > last ? last : day);
