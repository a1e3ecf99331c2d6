/** Pipeline: what runs now, start a run, what ran before, and the newest files; live where a server is behind the page. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { cancel, fileLink, follow, history, isOver, latest, start, status, type Phase, type Run, type RunEvent, type Status, type Version } from "../data/pipeline.ts";
import { hasServer } from "../data/server.ts";
import { addressOf } from "../ui/address.ts";
import { clockInJapan, count, shortDay, size } from "../ui/format.ts";
import { say } from "../ui/language.ts";
import { Badge, Card, Empty, type Tone } from "../ui/parts.tsx";
import { Table } from "../ui/table.tsx";
import { definePage, type Context } from "./page.ts";

export const page = definePage<null>({
  question: { ja: "データは最新か。いま実行し、結果を受け取れるか。", en: "Is the data up to date? Run it now, and get the files." },
  asks: [],
  load: () => Promise.resolve(null),
  View,
});

const TABS = ["now", "history", "downloads"] as const;
type Tab = (typeof TABS)[number];
const EVERY = 4000;

function View({ context }: { context: Context }) {
  if (!hasServer()) return <Unserved context={context} />;
  const tab: Tab = TABS.find((one) => one === context.given["tab"]) ?? "now";
  const names: Record<Tab, string> = { now: say("いま", "Now"), history: say("履歴", "History"), downloads: say("ダウンロード", "Downloads") };
  return (
    <>
      <nav class="tabs" aria-label={say("表示", "Views")}>
        {TABS.map((one) => <a key={one} href={addressOf("pipeline", { tab: one === "now" ? null : one })} aria-current={one === tab ? "page" : undefined}>{names[one]}</a>)}
      </nav>
      {tab === "now" ? <Now /> : tab === "history" ? <History /> : <Downloads />}
    </>
  );
}

function Unserved({ context }: { context: Context }) {
  return (
    <>
      <Card title={say("この画面から実行するには", "To run it from here")}>
        <p>
          {say("このダッシュボードは静的なファイルとして置かれています。実行・進捗・ダウンロードには、サーバーが要ります：", "This dashboard is served as plain files. To run, follow and download, start the service: ")}
          <code>vending serve</code>
        </p>
      </Card>
      <Card title={say("エクスポートの版", "Versions of the exports")} note={say("この画面のデータと同時点", "As of this page's data")}>
        <Table
          label={say("エクスポートの版", "Versions of the exports")}
          rows={context.manifest.exports}
          keyOf={(one) => one.name}
          start={{ column: "name", isDown: false }}
          isTall
          whenEmpty={say("エクスポートの一覧はこの版に含まれていません。", "This copy lists no exports.")}
          columns={[
            { id: "name", title: say("エクスポート", "Export"), by: (one) => one.name, cell: (one) => <><code>{one.name}</code><br /><span class="soft">{one.description}</span></> },
            { id: "format", title: say("形式", "Format"), by: (one) => one.format, cell: (one) => one.format, isMinor: true },
            { id: "days", title: say("期間", "Days"), by: (one) => one.last_day, cell: (one) => (one.first_day === null ? say("全体", "whole") : one.first_day === one.last_day ? one.first_day : <span class="days">{one.first_day} – {one.last_day}</span>), isMinor: true },
            { id: "files", title: say("ファイル", "Files"), isNumber: true, by: (one) => one.files, cell: (one) => count(one.files) },
            { id: "rows", title: say("行", "Rows"), isNumber: true, by: (one) => one.rows, cell: (one) => count(one.rows) },
            { id: "size", title: say("大きさ", "Size"), isNumber: true, by: (one) => one.bytes, cell: (one) => size(one.bytes), isMinor: true },
          ]}
        />
      </Card>
    </>
  );
}

/** What the API says, asked again while the page is looked at. */
function useStatus(): { now: Status | null; problem: string | null; ask: () => void } {
  const [now, show] = useState<Status | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const ask = useCallback(() => {
    status().then(
      (value) => (show(value), setProblem(null)),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  }, []);
  useEffect(() => {
    ask();
    const timer = setInterval(() => document.visibilityState === "visible" && ask(), EVERY);
    return () => clearInterval(timer);
  }, [ask]);
  return { now, problem, ask };
}

function Now() {
  const { now, problem, ask } = useStatus();
  const [asked, follows] = useState<Run["links"] | null>(null);
  const [refused, setRefused] = useState<string | null>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const key = useRef("");
  const current = now?.running[0] ?? now?.queued[0] ?? null;
  const links = current?.links ?? asked;
  const run = () => {
    dialog.current?.close();
    setRefused(null);
    start(key.current).then(
      (accepted) => (follows(accepted.links), ask()),
      (error: unknown) => setRefused(error instanceof Error ? error.message : String(error)),
    );
  };
  if (now === null) return problem === null ? <p class="empty" role="status">{say("状態を確かめています…", "Asking for the state…")}</p> : <Warning text={problem} />;
  const data = now.data;
  return (
    <>
      {(problem ?? refused) !== null && <Warning text={problem ?? refused ?? ""} />}
      {!now.dagster_is_up && <Warning text={say("Dagster が応答していないため、いまは実行できません。", "Dagster does not answer: no run can be started now.")} />}
      <Card
        title={say("実行", "Run")}
        note={`${now.domain} · ${now.environment}`}
        actions={
          <button type="button" class="main" disabled={!now.dagster_is_up} onClick={() => ((key.current = crypto.randomUUID()), dialog.current?.showModal())}>
            {say("いま実行", "Run now")}
          </button>
        }
      >
        {links === null ? (
          <p class="empty">{now.last === null ? say("まだ一度も実行されていません。", "Nothing ran yet.") : <LastRun run={now.last} />}</p>
        ) : (
          <Progress key={links.run} links={links} run={current} onEnd={ask} />
        )}
      </Card>
      <Card title={say("データの状態", "State of the data")}>
        <dl class="facts">
          <dt>{say("作り直しを待つ営業日", "Days to build again")}</dt>
          <dd data-fact="stale">{data.stale_days.length === 0 ? say("なし（最新です）", "none: it is up to date") : `${count(data.stale_days.length)}: ${data.stale_days.slice(0, 7).map(shortDay).join(", ")}${data.stale_days.length > 7 ? " …" : ""}`}</dd>
          <dt>{say("届いていないファイル", "Missing deliveries")}</dt>
          <dd data-fact="missing">{data.missing_count === 0 ? say("なし", "none") : `${count(data.missing_count)}: ${data.missing.slice(0, 5).map((one) => `${one.sender} ${shortDay(one.day)}`).join(", ")}`}</dd>
        </dl>
        {data.open_points.length > 0 && (
          <>
            <h3>{say("人の対応が要るもの", "What needs a person")}</h3>
            <ul class="failures">
              {data.open_points.map((point) => (
                <li key={point.what}>
                  <details>
                    <summary><Badge tone="fair">{count(point.count)}</Badge> <span>{point.what}</span></summary>
                    <ul class="plain">{point.items.map((item) => <li key={item}>{item}</li>)}</ul>
                    {point.todo !== null && <p class="soft">→ {point.todo}</p>}
                  </details>
                </li>
              ))}
            </ul>
          </>
        )}
      </Card>
      <dialog ref={dialog} aria-labelledby="run-title">
        <h2 id="run-title">{say("いま実行しますか", "Run now?")}</h2>
        <p>{say("新しいファイルを取り込み、変わった日だけを作り直し、エクスポートを更新します。すでに実行中なら、その後に続きます。", "New files are loaded, the days that changed are built again, and the exports are brought up to date. If a run is under way, this one waits for it.")}</p>
        <div class="actions">
          <button type="button" class="main" onClick={run}>{say("実行する", "Run")}</button>
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>{say("やめる", "Not now")}</button>
        </div>
      </dialog>
    </>
  );
}

const Warning = ({ text }: { text: string }) => <p class="warning" role="alert">{text}</p>;

const PHASES: Record<Phase, Tone> = { not_started: "calm", queued: "calm", starting: "info", running: "info", canceling: "fair", succeeded: "good", failed: "bad", canceled: "calm" };

const phaseName = (phase: Phase): string =>
  ({
    not_started: say("未開始", "Not started"),
    queued: say("待機中", "Waiting"),
    starting: say("開始中", "Starting"),
    running: say("実行中", "Running"),
    canceling: say("中止中", "Stopping"),
    succeeded: say("成功", "Succeeded"),
    failed: say("失敗", "Failed"),
    canceled: say("中止", "Canceled"),
  })[phase];

const PhaseBadge = ({ phase }: { phase: Phase }) => <Badge tone={PHASES[phase]}>{phaseName(phase)}</Badge>;

const LastRun = ({ run }: { run: Run }) => (
  <>
    {say("前回：", "Last: ")}<PhaseBadge phase={run.phase} /> {clockInJapan(run.ended_at ?? run.requested_at)} {run.requested_by !== null && `· ${run.requested_by}`}
  </>
);

const MOST_LINES = 200;

function Progress({ links, run, onEnd }: { links: Run["links"]; run: Run | null; onEnd: () => void }) {
  const [events, show] = useState<RunEvent[]>([]);
  const log = useRef<HTMLOListElement>(null);
  useEffect(() => follow(links, (event) => (show((before) => [...before, event].slice(-MOST_LINES)), event.kind === "end" && onEnd())), [links.events]);
  useEffect(() => {
    if (log.current !== null) log.current.scrollTop = log.current.scrollHeight;
  }, [events]);
  const phase = events.findLast((event) => event.phase != null && event.step == null)?.phase ?? run?.phase ?? "queued";
  const progress = events.findLast((event) => event.kind === "progress")?.progress ?? null;
  const done = isOver(phase);
  return (
    <div class="progress" data-phase={phase}>
      <p aria-live="polite">
        <PhaseBadge phase={phase} /> <code>{links.run.split("/").at(-1)}</code>
        {run?.requested_by != null && <span class="soft"> {run.requested_by}</span>}
        {links.dagster !== null && <> · <a href={links.dagster} target="_blank" rel="noreferrer">Dagster</a></>}
        {done && phase === "succeeded" && <> · <a href={addressOf("pipeline", { tab: "downloads" })}>{say("新しいファイルを見る", "See the new files")}</a></>}
      </p>
      <progress aria-label={say("進み具合", "Progress")} max={progress?.total ?? 1} {...(done ? { value: progress?.total ?? 1 } : progress === null ? {} : { value: progress.done })} />
      <ol ref={log} class="log" tabIndex={0} aria-label={say("経過", "What happens")}>
        {events.filter((event) => event.kind !== "end" && (event.text !== "" || event.asset !== null)).map((event, place) => (
          <li key={place} class={event.level === "error" || event.level === "critical" ? "bad" : event.level === "warning" ? "fair" : ""}>
            <time>{clockInJapan(event.at).slice(-5)}</time> {event.kind === "asset" ? <>{say("作成", "made")} <code>{event.asset}</code> {event.partition ?? ""}</> : event.text}
          </li>
        ))}
      </ol>
      {run !== null && !done && (
        <button type="button" onClick={() => void cancel(run).then(onEnd, onEnd)}>{say("中止する", "Cancel")}</button>
      )}
    </div>
  );
}

function History() {
  const [runs, show] = useState<Run[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [isLoading, setLoading] = useState(true);
  const load = (after: string | null) => {
    setLoading(true);
    history(after).then(
      (found) => (show((before) => (after === null ? found.runs : [...before, ...found.runs])), setNext(found.next), setLoading(false)),
      (error: unknown) => (setProblem(error instanceof Error ? error.message : String(error)), setLoading(false)),
    );
  };
  useEffect(() => load(null), []);
  if (problem !== null) return <Warning text={problem} />;
  return (
    <Card title={say("実行の履歴", "Runs")}>
      <Table
        label={say("実行の履歴", "Runs")}
        rows={runs}
        keyOf={(run) => run.id}
        whenEmpty={isLoading ? say("読み込み中…", "Loading…") : say("まだ実行がありません。", "Nothing ran yet.")}
        columns={[
          { id: "at", title: say("依頼", "Requested"), by: (run) => run.requested_at, cell: (run) => clockInJapan(run.requested_at) },
          { id: "phase", title: say("結果", "Result"), by: (run) => run.phase, cell: (run) => <PhaseBadge phase={run.phase} /> },
          { id: "job", title: say("ジョブ", "Job"), by: (run) => run.job, cell: (run) => run.job, isMinor: true },
          { id: "by", title: say("依頼者", "By"), by: (run) => run.requested_by, cell: (run) => run.requested_by ?? say("自動", "schedule or sensor"), isMinor: true },
          { id: "took", title: say("時間", "Took"), isNumber: true, cell: (run) => took(run) },
          { id: "id", title: "ID", cell: (run) => (run.links.dagster === null ? <code>{run.id.slice(0, 8)}</code> : <a href={run.links.dagster} target="_blank" rel="noreferrer"><code>{run.id.slice(0, 8)}</code></a>) },
        ]}
      />
      {next !== null && <p class="more"><button type="button" disabled={isLoading} onClick={() => load(next)}>{say("さらに前を見る", "Show older runs")}</button></p>}
    </Card>
  );
}

function took(run: Run): string {
  if (run.started_at === null || run.ended_at === null) return "–";
  const seconds = Math.round((Date.parse(run.ended_at) - Date.parse(run.started_at)) / 1000);
  return seconds < 120 ? say(`${seconds}秒`, `${seconds} s`) : say(`${Math.round(seconds / 60)}分`, `${Math.round(seconds / 60)} min`);
}

function Downloads() {
  const [exports, show] = useState<Version[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    latest().then(
      (found) => show(found.exports),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    );
  }, []);
  if (problem !== null) return <Warning text={problem} />;
  if (exports === null) return <p class="empty" role="status">{say("一覧を読み込み中…", "Loading the list…")}</p>;
  if (exports.length === 0) return <Empty>{say("まだファイルがありません。「いま実行」で作られます。", "There are no files yet: run it now.")}</Empty>;
  return (
    <Card title={say("最新のファイル", "Newest files")} note={say("どのエクスポートも、そろった版だけが並びます", "Only whole versions are listed")}>
      <ul class="failures">
        {exports.map((one) => (
          <li key={one.name} data-export={one.name} data-version={one.version}>
            <details>
              <summary>
                <code>{one.name}</code> <span class="soft">{one.description}</span>
                <span class="push soft">{one.format} · {say(`${count(one.files.length)}件`, `${count(one.files.length)} files`)} · {say(`${count(one.rows)}行`, `${count(one.rows)} rows`)} · {clockInJapan(one.published_at)}</span>
              </summary>
              <Table
                label={one.name}
                rows={[...one.files].reverse()}
                keyOf={(file) => file.name}
                whenEmpty={say("ファイルはありません。", "No files.")}
                columns={[
                  { id: "file", title: say("ファイル", "File"), by: (file) => file.name, cell: (file) => <a href={fileLink(file.url)} download={file.name}>{file.name}</a> },
                  { id: "day", title: say("日", "Day"), by: (file) => file.day, cell: (file) => file.day ?? say("全体", "whole"), isMinor: true },
                  { id: "rows", title: say("行", "Rows"), isNumber: true, by: (file) => file.rows, cell: (file) => count(file.rows) },
                  { id: "size", title: say("大きさ", "Size"), isNumber: true, by: (file) => file.bytes, cell: (file) => size(file.bytes) },
                  { id: "sha", title: "sha256", cell: (file) => <code title={file.sha256}>{file.sha256.slice(0, 12)}</code>, isMinor: true },
                  { id: "checks", title: say("検査", "Checks"), cell: (file) => <Badge tone={file.checks_passed ? "good" : "bad"}>{file.checks_passed ? say("通過", "passed") : say("不通過", "failed")}</Badge> },
                ]}
              />
            </details>
          </li>
        ))}
      </ul>
    </Card>
  );
}
