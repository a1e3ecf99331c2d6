/** The pipeline's API, as the service describes it in /api/openapi.json. */
import { api } from "./server.ts";

export type Phase = "not_started" | "queued" | "starting" | "running" | "canceling" | "succeeded" | "failed" | "canceled";

export interface Run {
  id: string;
  job: string;
  phase: Phase;
  requested_by: string | null;
  requested_at: string;
  started_at: string | null;
  ended_at: string | null;
  links: { run: string; events: string; cancel: string; dagster: string | null };
}

export interface Status {
  domain: string;
  environment: string;
  as_of: string;
  dagster_is_up: boolean;
  running: Run[];
  queued: Run[];
  last: Run | null;
  data: {
    is_being_written: boolean;
    stale_days: string[];
    missing: { source: string; sender: string; day: string }[];
    missing_count: number;
    needs_a_person: boolean;
    open_points: { what: string; items: string[]; count: number; todo: string | null }[];
  };
}

/** Of the last one, `end`, there are its kind and the phase of the run. */
export interface RunEvent {
  at: string;
  kind: "phase" | "progress" | "message" | "asset" | "end";
  level: string;
  step: string | null;
  text: string;
  phase: Phase | null;
  progress: { done: number; total: number } | null;
  asset: string | null;
  partition: string | null;
}

export interface Version {
  name: string;
  description: string;
  format: string;
  run_id: string;
  published_at: string;
  version: string;
  rows: number;
  bytes: number;
  files: { name: string; day: string | null; rows: number; bytes: number; sha256: string; checks_passed: boolean; url: string }[];
}

/** What the service says is wrong, and what to do. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const isOver = (phase: Phase): boolean => phase === "succeeded" || phase === "failed" || phase === "canceled";

const here = (link: string): string => new URL(link, document.baseURI).href;

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  const problem = (await response.json().catch(() => ({}))) as { detail?: string; title?: string };
  throw new Refused(response.status, problem.detail ?? problem.title ?? `${response.status} ${response.statusText}`);
}

const get = async <T>(path: string): Promise<T> => answer<T>(await fetch(api.at(path), { cache: "no-store" }));

export const status = () => get<Status>("pipeline/status");
export const latest = () => get<{ exports: Version[]; not_published: string[] }>("pipeline/latest");
export const history = (after: string | null) => get<{ runs: Run[]; next: string | null }>(`pipeline/runs?limit=25${after === null ? "" : `&after=${after}`}`);

/** What a change has to carry where the browser has a session. */
async function changing(): Promise<Record<string, string>> {
  const me = await get<{ csrf_token: string | null }>("me");
  return { "Content-Type": "application/json", ...(me.csrf_token === null ? {} : { "X-CSRF-Token": me.csrf_token }) };
}

/** Pressing twice is one run: the key says so. */
export async function start(key: string): Promise<{ run_id: string; links: Run["links"] }> {
  const headers = { ...(await changing()), "Idempotency-Key": key };
  return answer(await fetch(api.at("pipeline/export"), { method: "POST", headers, body: "{}" }));
}

export const cancel = async (run: Run): Promise<Run> => answer(await fetch(here(run.links.cancel), { method: "POST", headers: await changing() }));

/** What happens in a run, from its beginning; the browser goes on by itself where the connection breaks. */
export function follow(links: Run["links"], onEvent: (event: RunEvent) => void): () => void {
  const source = new EventSource(here(links.events));
  const heard = (message: MessageEvent<string>) => {
    const event = JSON.parse(message.data) as RunEvent;
    onEvent(event);
    if (event.kind === "end") source.close();
  };
  for (const kind of ["phase", "progress", "message", "asset", "end"]) source.addEventListener(kind, heard);
  return () => source.close();
}

export const fileLink = (url: string): string => here(url);
