/** Quality: how far each table can be trusted, what fails, and in which line of which file. */
import { latestJson } from "../data/fetching.ts";
import { change } from "../ui/address.ts";
import { clockInJapan, count, shortDay } from "../ui/format.ts";
import { say } from "../ui/language.ts";
import { Badge, Card, Empty, Select, Spark, Tile, type Tone } from "../ui/parts.tsx";
import { Table } from "../ui/table.tsx";
import { definePage, type Context } from "./page.ts";

interface Score {
  dataset: string;
  day: string;
  score: number;
  trend: number | null;
  dimensions: Record<string, number>;
  checks: number;
  warned: number;
  failed: number;
  new_failures: number;
  days_since_failure: number | null;
}

interface Failure {
  dataset: string;
  day: string;
  check: string;
  column: string;
  dimension: string;
  severity: string;
  status: string;
  failed_rows: number | null;
  total_rows: number | null;
  expected: string | null;
  actual: string | null;
  message: string | null;
  rows: { row: Record<string, string | null>; path: string | null; line: number | null; reason: string | null }[];
  files: { path: string; sha256: string }[];
  files_in_all: number;
}

interface Quality {
  as_of: string;
  scores: Score[];
  failures: Failure[];
  failures_left_out: number;
}

interface Shown {
  quality: Quality | null;
  latest: Score[];
  past: Map<string, Score[]>;
}

export const page = definePage<Shown>({
  question: { ja: "どのデータを信じてよいか。何が、どのファイルの何行目で失敗したか。", en: "Which data can be trusted, and what fails, in which line of which file?" },
  asks: [],
  load,
  View,
});

async function load(): Promise<Shown> {
  const { value: quality } = await latestJson<Quality | null>("data/quality.json");
  const past = new Map<string, Score[]>();
  for (const score of quality?.scores ?? []) past.set(score.dataset, [...(past.get(score.dataset) ?? []), score]);
  for (const scores of past.values()) scores.sort((a, b) => a.day.localeCompare(b.day));
  return { quality, past, latest: [...past.values()].flatMap((scores) => scores.at(-1) ?? []) };
}

const toneOf = (score: number): Tone => (score >= 99.9 ? "good" : score >= 95 ? "fair" : "bad");
/** Never rounded up to what it is not. */
const shownScore = (score: number) => (score >= 100 ? "100" : (Math.floor(score * 10) / 10).toFixed(1));

const dimensionName = (name: string): string =>
  ({
    completeness: say("完全性", "Completeness"),
    validity: say("妥当性", "Validity"),
    uniqueness: say("一意性", "Uniqueness"),
    consistency: say("整合性", "Consistency"),
    timeliness: say("適時性", "Timeliness"),
    accuracy: say("正確性", "Accuracy"),
  })[name] ?? name;

function View({ data, context }: { data: Shown; context: Context }) {
  const { quality, latest, past } = data;
  if (quality === null) return <Empty>{say("まだ検査の記録がありません。vending run のあとに現れます。", "No check was recorded yet: this appears after `vending run`.")}</Empty>;
  const layers = [...new Set(latest.map((score) => score.dataset.split(".")[0] ?? ""))];
  const layer = context.given["layer"];
  const isShown = (dataset: string) => layer === undefined || dataset.startsWith(`${layer}.`);
  const failures = quality.failures.filter((failure) => isShown(failure.dataset));
  const dimensions = Object.entries(meanOf(latest));
  return (
    <>
      <div class="filters">
        <Select label={say("層", "Layer")} value={layer ?? ""} options={[{ value: "", text: say("すべて", "All") }, ...layers.map((one) => ({ value: one, text: one }))]} onChange={(next) => change({ layer: next === "" ? null : next }, { keep: true })} />
        <span class="soft">{say(`${clockInJapan(quality.as_of)} 時点`, `As of ${clockInJapan(quality.as_of)}`)}</span>
      </div>
      <div class="tiles">
        {dimensions.map(([name, score]) => (
          <Tile key={name} name={name} label={dimensionName(name)} value={shownScore(score)} tone={toneOf(score)} of={{ command: "vending quality" }} under={say("全データの平均（100点満点）", "mean of all, of 100")} />
        ))}
      </div>
      <Card title={say(`通らなかった検査 ${count(failures.length)}件`, `${count(failures.length)} checks that do not pass`)} note={quality.failures_left_out > 0 ? say(`ほかに${quality.failures_left_out}件`, `and ${quality.failures_left_out} more`) : undefined}>
        {failures.length === 0 ? <Empty>{say("すべての検査に通っています。", "Every check passes.")}</Empty> : <ul class="failures">{failures.map((failure) => <FailureItem key={`${failure.dataset} ${failure.day} ${failure.check} ${failure.column}`} failure={failure} />)}</ul>}
      </Card>
      <Card title={say("データごとの点数", "Scores by table")}>
        <Table
          label={say("データごとの点数", "Scores by table")}
          rows={latest.filter((score) => isShown(score.dataset))}
          keyOf={(score) => score.dataset}
          start={{ column: "score", isDown: false }}
          whenEmpty={say("この層のデータはありません。", "There is nothing of this layer.")}
          columns={[
            { id: "dataset", title: say("データ", "Table"), by: (score) => score.dataset, cell: (score) => <code>{score.dataset}</code> },
            { id: "score", title: say("点数", "Score"), isNumber: true, by: (score) => score.score, cell: (score) => <b class={toneOf(score.score)}>{shownScore(score.score)}</b> },
            { id: "past", title: say("推移", "Past"), isMinor: true, cell: (score) => <Spark values={(past.get(score.dataset) ?? []).map((one) => one.score)} from={90} label={say(`${score.dataset}の点数の推移`, `Scores of ${score.dataset}`)} /> },
            { id: "day", title: say("最新日", "Newest day"), by: (score) => score.day, cell: (score) => shortDay(score.day), isMinor: true },
            { id: "checks", title: say("検査", "Checks"), isNumber: true, isMinor: true, by: (score) => score.checks, cell: (score) => count(score.checks) },
            { id: "bad", title: say("不通過", "Not passed"), isNumber: true, by: (score) => score.failed * 1000 + score.warned, cell: (score) => <span class="badges">{score.failed > 0 && <Badge tone="bad">{say(`失敗 ${score.failed}`, `${score.failed} failed`)}</Badge>}{score.warned > 0 && <Badge tone="fair">{say(`警告 ${score.warned}`, `${score.warned} warned`)}</Badge>}{score.failed + score.warned === 0 && "–"}</span> },
            { id: "since", title: say("最後の不通過", "Last failure"), isNumber: true, isMinor: true, by: (score) => score.days_since_failure, cell: (score) => (score.days_since_failure === null ? say("なし", "never") : score.days_since_failure === 0 ? say("当日", "that day") : say(`${score.days_since_failure}日前`, `${score.days_since_failure} d before`)) },
          ]}
        />
      </Card>
    </>
  );
}

function meanOf(latest: Score[]): Record<string, number> {
  const sums: Record<string, { sum: number; of: number }> = {};
  for (const score of latest)
    for (const [name, value] of Object.entries(score.dimensions)) {
      const sum = (sums[name] ??= { sum: 0, of: 0 });
      sum.sum += value;
      sum.of += 1;
    }
  return Object.fromEntries(Object.entries(sums).map(([name, { sum, of }]) => [name, sum / of]));
}

function FailureItem({ failure }: { failure: Failure }) {
  const isFailed = failure.status === "failed";
  return (
    <li>
      <details>
        <summary>
          <Badge tone={isFailed ? "bad" : "fair"}>{isFailed ? say("失敗", "failed") : say("警告", "warned")}</Badge>
          <code>{failure.dataset}</code>
          <span>{failure.check}{failure.column !== "" && ` · ${failure.column}`}</span>
          <span class="push soft">
            {shortDay(failure.day)}
            {failure.failed_rows !== null && ` · ${say(`${count(failure.failed_rows)}行`, `${count(failure.failed_rows)} rows`)}`}
          </span>
        </summary>
        <dl>
          {failure.message !== null && <><dt>{say("内容", "What")}</dt><dd>{failure.message}</dd></>}
          {failure.expected !== null && <><dt>{say("期待", "Expected")}</dt><dd>{failure.expected}</dd></>}
          {failure.actual !== null && <><dt>{say("実際", "Actual")}</dt><dd>{failure.actual}</dd></>}
          <dt>{say("種類", "Kind")}</dt>
          <dd>{dimensionName(failure.dimension)}</dd>
        </dl>
        {failure.rows.length > 0 && (
          <div class="table" tabIndex={0} role="region" aria-label={say("失敗した行", "Rows that fail")}>
            <table>
              <thead><tr><th scope="col">{say("ファイル", "File")}</th><th scope="col" class="number">{say("行", "Line")}</th><th scope="col">{say("理由", "Why")}</th><th scope="col">{say("値", "Values")}</th></tr></thead>
              <tbody>
                {failure.rows.map((row, place) => (
                  <tr key={place}>
                    <td><code>{row.path ?? "–"}</code></td>
                    <td class="number">{count(row.line)}</td>
                    <td>{row.reason ?? "–"}</td>
                    <td class="values">{Object.entries(row.row).filter(([, value]) => value !== null).map(([name, value]) => <span key={name}><i>{name}</i> {value}</span>)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        {failure.files.length > 0 && (
          <p class="soft">
            {say("もとのファイル：", "From: ")}
            {failure.files.map((file, place) => <span key={file.path}>{place > 0 && ", "}<code title={file.sha256}>{file.path}</code></span>)}
            {failure.files_in_all > failure.files.length && say(` ほか${failure.files_in_all - failure.files.length}件`, ` and ${failure.files_in_all - failure.files.length} more`)}
          </p>
        )}
      </details>
    </li>
  );
}
