/** The pages, in the order of the navigation. */
import type { PageEntry } from "./page.ts";

export const PAGES: readonly PageEntry[] = [
  {
    id: "today",
    title: { ja: "今日", en: "Today" },
    icon: "M3 9l7-6 7 6v8h-5v-5H8v5H3z",
    tables: ["mart_machine_daily"],
    open: () => import("./today.tsx"),
  },
];

export const HOME = "today";
