/** The frame around every page: navigation, what the data is worth today, and the states of loading and failing. */
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { forgetAllBut, NeedsLogin, Unreachable } from "../data/fetching.ts";
import { loadManifest, type Manifest } from "../data/manifest.ts";
import { daysOf } from "../data/parquet.ts";
import { logIn, useServer } from "../data/server.ts";
import { HOME, PAGES } from "../pages/index.ts";
import type { Context, Page, PageEntry } from "../pages/page.ts";
import { addressOf, useAddress } from "./address.ts";
import { clockInJapan, daysBetween, longDay } from "./format.ts";
import { chooseLanguage, pick, say, useLanguage } from "./language.ts";
import { chooseTheme, theme, type Theme } from "./theme.ts";
import { TraceDialog } from "./trace.tsx";

/** The table by whose days the page goes. */
const CALENDAR = "mart_machine_daily";

interface Site {
  manifest: Manifest;
  first: string;
  last: string;
  isKept: boolean;
}

type Loaded<T> = { value: T } | { problem: unknown } | null;

async function loadSite(): Promise<Site> {
  const { value: manifest, isKept } = await loadManifest();
  useServer(manifest.api);
  const table = manifest.tables[CALENDAR];
  const days = table === undefined ? null : await daysOf(table);
  if (!isKept) void forgetAllBut(new Set(Object.values(manifest.tables).flatMap((one) => one.files.map((file) => `data/${file.path}`))));
  return { manifest, first: days?.first ?? "", last: days?.last ?? "", isKept };
}

export function App() {
  useLanguage();
  const address = useAddress();
  const asked = address.given["lang"];
  useEffect(() => {
    if (asked === "ja" || asked === "en") chooseLanguage(asked);
  }, [asked]);
  const [site, setSite] = useState<Loaded<Site>>(null);
  const [attempt, again] = useState(0);
  useEffect(() => {
    setSite(null);
    loadSite().then(
      (value) => setSite({ value }),
      (problem: unknown) => setSite({ problem }),
    );
  }, [attempt]);
  const entry = PAGES.find((page) => page.id === address.page) ?? PAGES.find((page) => page.id === HOME);
  useEffect(() => {
    document.documentElement.lang = say("ja", "en");
    document.title = entry === undefined ? "" : `${pick(entry.title)} · ${say("自販機ダッシュボード", "Vending dashboard")}`;
  });
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>
        {say("本文へ", "Skip to content")}
      </a>
      <Navigation current={entry?.id ?? HOME} day={address.given["day"]} route={address.given["route"]} tables={site !== null && "value" in site ? site.value.manifest.tables : null} />
      <main id="main" tabIndex={-1}>
        {site === null ? (
          <Loading />
        ) : "problem" in site ? (
          <Problem problem={site.problem} again={() => again(attempt + 1)} />
        ) : entry === undefined ? null : (
          <Shown key={entry.id} entry={entry} site={site.value} given={address.given} />
        )}
      </main>
      <TraceDialog />
    </>
  );
}

function Navigation({ current, day, route, tables }: { current: string; day: string | undefined; route: string | undefined; tables: Manifest["tables"] | null }) {
  const [chosen, setTheme] = useState<Theme>(theme());
  const themes: Record<Theme, string> = { system: say("自動", "Auto"), light: say("明", "Light"), dark: say("暗", "Dark") };
  const order: Theme[] = ["system", "light", "dark"];
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return (
    <nav class="side" aria-label={say("ページ", "Pages")}>
      <p class="name">
        <svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true"><rect width="32" height="32" rx="7" class="mark-ground" /><rect x="9" y="5" width="14" height="22" rx="2" fill="#fff" /><path d="M11 8h2.6v5H11zM14.7 8h2.6v5h-2.6zM18.4 8H21v5h-2.6z" class="mark-ink" /><rect x="11.5" y="20.5" width="9" height="3.6" rx="1" fill="#d9623b" /></svg>
        <span>{say("自販機ダッシュボード", "Vending dashboard")}</span>
      </p>
      <ul ref={list}>
        {PAGES.filter((page) => page.icon !== "" && (tables === null || page.tables.every((name) => name in tables))).map((page) => (
          <li key={page.id}>
            <a href={addressOf(page.id, { day, route })} aria-current={page.id === current ? "page" : undefined}>
              <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true"><path d={page.icon} /></svg>
              {pick(page.title)}
            </a>
          </li>
        ))}
      </ul>
      <div class="settings">
        <button type="button" onClick={() => chooseLanguage(say("ja", "en") === "ja" ? "en" : "ja")} lang={say("en", "ja")}>
          {say("English", "日本語")}
        </button>
        <button
          type="button"
          aria-label={say(`配色：${themes[chosen]}`, `Theme: ${themes[chosen]}`)}
          onClick={() => {
            const next = order[(order.indexOf(chosen) + 1) % order.length] ?? "system";
            chooseTheme(next);
            setTheme(next);
          }}
        >
          {say("配色", "Theme")}: {themes[chosen]}
        </button>
      </div>
    </nav>
  );
}

/** Without a network only pages can be opened whose script was fetched before. */
const opened = (entry: PageEntry) =>
  entry.open().catch((problem: unknown) => {
    throw new Unreachable(String(problem));
  });

function Shown({ entry, site, given }: { entry: PageEntry; site: Site; given: Record<string, string> }) {
  const asked = given["day"];
  const day = asked !== undefined && /^\d{4}-\d\d-\d\d$/.test(asked) && asked >= site.first && asked <= site.last ? asked : site.last;
  const context: Context = { manifest: site.manifest, given, first: site.first, last: site.last, day };
  const [page, setPage] = useState<Page<never> | null>(null);
  const [loaded, setLoaded] = useState<Loaded<never>>(null);
  const [isBusy, setBusy] = useState(true);
  const [attempt, again] = useState(0);
  const asks = page === null ? "" : JSON.stringify(page.asks.map((name) => (name === "day" ? day : (given[name] ?? ""))));
  useEffect(() => {
    let isOver = false;
    setBusy(true);
    const load = async () => {
      const module = page ?? (await opened(entry)).page;
      const value = await module.load(context);
      if (isOver) return;
      setPage(module);
      setLoaded({ value });
    };
    load()
      .catch((problem: unknown) => !isOver && setLoaded({ problem }))
      .finally(() => !isOver && setBusy(false));
    return () => {
      isOver = true;
    };
  }, [asks, attempt, entry]);
  const View = page?.View as ComponentType<{ data: unknown; context: Context }> | undefined;
  return (
    <div class="page" data-page={entry.id} data-busy={isBusy} aria-busy={isBusy}>
      <header class="page-head">
        <h1>{pick(entry.title)}</h1>
        {page !== null && <p class="question">{pick(page.question)}</p>}
        <Freshness site={site} />
      </header>
      {loaded === null ? <Loading /> : "problem" in loaded ? <Problem problem={loaded.problem} again={() => again(attempt + 1)} /> : View !== undefined && <View data={loaded.value} context={context} />}
    </div>
  );
}

/** How old what is shown is, and whether it could not be fetched again. */
function Freshness({ site }: { site: Site }) {
  if (site.last === "") return null;
  const today = new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 10);
  const behind = daysBetween(site.last, today) - 1;
  const written = clockInJapan(site.manifest.written_at);
  return (
    <p class={`freshness ${behind > 0 || site.isKept ? "stale" : ""}`} role="status">
      {site.isKept && <b>{say("オフライン：前回の内容を表示しています。", "Offline: this is what was here last. ")}</b>}
      {behind > 0 && <b>{say(`データは${longDay(site.last)}までです（その後${behind}日分がまだありません）。`, `The data ends on ${longDay(site.last)}; ${behind} days are missing since. `)}</b>}
      {behind > 0 && say("次の取り込みで現れます。", "They appear with the next run. ")}
      <span>{say(`更新 ${written}`, `Updated ${written}`)}</span>
    </p>
  );
}

const Loading = () => (
  <div class="loading" role="status">
    <span class="for-readers">{say("読み込み中", "Loading")}</span>
    <i /><i /><i />
  </div>
);

/** Where the service lets no one in without a key; people who come from an identity provider never see this. */
function LogIn({ why, again }: { why: string; again: () => void }) {
  const [key, type] = useState("");
  const [refused, setRefused] = useState<string | null>(null);
  const enter = (event: Event) => {
    event.preventDefault();
    logIn(key.trim()).then(
      (problem) => (problem === null ? again() : setRefused(problem)),
      (error: unknown) => setRefused(String(error)),
    );
  };
  return (
    <form class="problem login" onSubmit={enter}>
      <h2>{say("ログイン", "Log in")}</h2>
      <p>{say("APIキーを入力してください。キーはデータ担当者が発行します。", "Enter your API key; the data team issues them.")}</p>
      <p class="soft" role={refused === null ? undefined : "alert"}>{refused ?? why}</p>
      <label class="field">
        <span>{say("APIキー", "API key")}</span>
        <input type="password" autocomplete="current-password" required value={key} onInput={(event) => type(event.currentTarget.value)} />
      </label>{" "}
      <button type="submit" class="main">{say("ログイン", "Log in")}</button>
    </form>
  );
}

function Problem({ problem, again }: { problem: unknown; again: () => void }) {
  if (problem instanceof NeedsLogin) return <LogIn why={problem.message} again={again} />;
  const isAway = problem instanceof Unreachable;
  return (
    <div class="problem" role="alert">
      <h2>{isAway ? say("データを読み込めませんでした", "The data could not be loaded") : say("表示できませんでした", "This page could not be shown")}</h2>
      <p>
        {isAway
          ? say(
              "通信を確かめて、もう一度お試しください。まだ一度も実行していないときは、vending run のあとに表示されます。",
              "Check the connection and try again. If nothing was ever run here, this page appears after `vending run`.",
            )
          : say("もう一度お試しください。続くときは、次の文とともに担当者へ知らせてください。", "Try again. If it stays, tell the data team, with this sentence.")}
      </p>
      <pre>{String(problem instanceof Error ? problem.message : problem)}</pre>
      <button type="button" onClick={again}>
        {say("もう一度", "Try again")}
      </button>
    </div>
  );
}
