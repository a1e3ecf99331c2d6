/**
 * The pages, in the order of the navigation. One without an icon is reached from others. The script of a page in
 * `on-demand/` is fetched when it is first opened; those of all others are fetched at once, for use without a network.
 */
import type { PageEntry } from "./page.ts";

export const PAGES: readonly PageEntry[] = [
  {
    id: "today",
    title: { ja: "今日", en: "Today" },
    icon: "M3 9l7-6 7 6v8h-5v-5H8v5H3z",
    tables: ["mart_machine_daily"],
    open: () => import("./today.tsx"),
  },
  {
    id: "machines",
    title: { ja: "自販機", en: "Machines" },
    icon: "M5 2h10v16H5zM7 4v4h2V4zm4 0v4h2V4zM7 12v3h6v-3z",
    tables: ["dim_machines", "mart_machine_daily"],
    open: () => import("./machines.tsx"),
  },
  {
    id: "machine",
    title: { ja: "自販機の詳細", en: "A machine" },
    icon: "",
    tables: ["dim_machines", "mart_machine_daily"],
    open: () => import("./machine.tsx"),
  },
  {
    id: "route",
    title: { ja: "明日のルート", en: "Tomorrow's route" },
    icon: "M2 5h9v8H2zM12 8h4l2 3v2h-6zM5 14a2 2 0 1 0 .1 0zM15 14a2 2 0 1 0 .1 0z",
    tables: ["mart_replenishment_recommendation", "mart_pick_list"],
    open: () => import("./route.tsx"),
  },
  {
    id: "products",
    title: { ja: "商品", en: "Products" },
    icon: "M8 2h4v3l1 2v11H7V7l1-2zM8.5 10h3v4h-3z",
    tables: ["mart_product_ranking"],
    open: () => import("./products.tsx"),
  },
  {
    id: "shop",
    title: { ja: "ウェブショップ", en: "Web shop" },
    icon: "M2 3h3l1 2h12l-2 7H7L4.5 5H2zM8 14a1.7 1.7 0 1 0 .1 0zM14 14a1.7 1.7 0 1 0 .1 0z",
    tables: ["mart_shop_sales", "mart_shop_customers"],
    open: () => import("./on-demand/shop.tsx"),
  },
  {
    id: "forecast",
    title: { ja: "予測", en: "Forecast" },
    icon: "M2 15l5-5 3 3 5-7 3 2v9H2zM2 3h1.4v8L2 12.4z",
    tables: ["mart_machine_forecasts"],
    open: () => import("./on-demand/forecast.tsx"),
  },
  {
    id: "weather",
    title: { ja: "天気と売上", en: "Weather and sales" },
    icon: "M6 2h1.4v2H6zM1 7.3h2v1.4H1zM2.4 3.4l1-1 1.5 1.5-1 1zM10 3.9l1.5-1.5 1 1L11 4.9zM6.7 5a3.3 3.3 0 0 1 3 2A5 5 0 0 1 14.6 10 3.5 3.5 0 0 1 14.5 17H7a4 4 0 0 1-1.5-7.7A3.3 3.3 0 0 1 6.7 5z",
    tables: ["mart_weather_daily", "mart_weather_sensitivity"],
    open: () => import("./on-demand/weather.tsx"),
  },
  {
    id: "settlements",
    title: { ja: "決済の入金", en: "Settlements" },
    icon: "M2 4h16v12H2zM2 7h16V9H2zM4 12h5v1.4H4z",
    tables: ["mart_settlement_reconciliation"],
    open: () => import("./on-demand/settlements.tsx"),
  },
  {
    id: "quality",
    title: { ja: "データ品質", en: "Quality" },
    icon: "M10 1l8 3v5c0 5-3.5 8-8 10-4.5-2-8-5-8-10V4zM9 13l5.5-6-1.5-1.3L8.9 10.2 7 8.5 5.6 9.9z",
    tables: ["mart_machine_daily"],
    open: () => import("./quality.tsx"),
  },
  {
    id: "lineage",
    title: { ja: "来歴", en: "Lineage" },
    icon: "M2 3h5v4H2zM2 13h5v4H2zM13 8h5v4h-5zM7 4.5h3.5v5H13v1h-2.5v5H7v-1h2.5v-9H7z",
    tables: [],
    open: () => import("./on-demand/lineage.tsx"),
  },
  {
    id: "pipeline",
    title: { ja: "パイプライン", en: "Pipeline" },
    icon: "M2 8h5v4H2zM13 3h5v4h-5zM13 13h5v4h-5zM7 9.3l6-4.6v1.9l-6 4.6zM7 10.7l6 4.6v-1.9l-6-4.6z",
    tables: [],
    open: () => import("./pipeline.tsx"),
  },
  {
    id: "sql",
    title: { ja: "SQL", en: "SQL" },
    icon: "M2 3h16v14H2zM4 7v8h12V7zM5.5 8.5l3 2.5-3 2.5zM10 13h4v1.3h-4z",
    tables: [],
    open: () => import("./on-demand/sql.tsx"),
  },
];

export const HOME = "today";
