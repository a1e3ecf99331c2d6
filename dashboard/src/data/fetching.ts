/** Files of the page, fetched once and kept: a visit without a network shows what was there last. */

const KEPT = "data";

/** What the network has to say now, or what it said last. */
export interface Latest<T> {
  value: T;
  isKept: boolean;
}

export class Unreachable extends Error {}

/** The server wants to know who is asking. */
export class NeedsLogin extends Error {}

const cache = async (): Promise<Cache | undefined> => {
  try {
    return await caches.open(KEPT);
  } catch {
    return undefined; // without a secure origin a browser keeps nothing; the page works all the same
  }
};

/** A file that changes under its name. */
export async function latestJson<T>(path: string): Promise<Latest<T>> {
  const url = new URL(path, document.baseURI).href;
  const kept = await cache();
  let answer: Response;
  try {
    answer = await fetch(url, { cache: "no-cache" });
  } catch {
    const last = await kept?.match(url);
    if (last === undefined) throw new Unreachable(path);
    return { value: (await last.json()) as T, isKept: true };
  }
  if (answer.status === 401) throw new NeedsLogin(await reasonOf(answer, path));
  if (!answer.ok) throw new Unreachable(await reasonOf(answer, path));
  await kept?.put(url, answer.clone());
  return { value: (await answer.json()) as T, isKept: false };
}

/** What a server says is wrong; a static host says its number only. */
async function reasonOf(answer: Response, path: string): Promise<string> {
  const problem = (await answer.json().catch(() => ({}))) as { detail?: unknown };
  return typeof problem.detail === "string" ? problem.detail : `${path}: ${answer.status}`;
}

/** Bytes of a file whose name changes with its content. A server without ranges sends all of it, which is right too. */
export async function bytes(path: string, start: number, end: number, size: number): Promise<ArrayBuffer> {
  const url = new URL(path, document.baseURI).href;
  const isWhole = start === 0 && end === size;
  const key = isWhole ? url : `${url}?bytes=${start}-${end}`;
  const kept = await cache();
  const last = await kept?.match(key);
  if (last !== undefined) return last.arrayBuffer();
  let answer: Response;
  try {
    answer = await fetch(url, isWhole ? {} : { headers: { Range: `bytes=${start}-${end - 1}` } });
  } catch {
    throw new Unreachable(path);
  }
  if (!answer.ok) throw new Unreachable(`${path}: ${answer.status}`);
  const content = await answer.arrayBuffer();
  const wanted = answer.status === 206 || isWhole ? content : content.slice(start, end);
  if (wanted.byteLength !== end - start) throw new Unreachable(`${path}: ${wanted.byteLength} bytes instead of ${end - start}`);
  void kept?.put(key, new Response(wanted.slice(0)));
  return wanted;
}

/** Forget the files that no version of the page's list names any more. */
export async function forgetAllBut(paths: ReadonlySet<string>): Promise<void> {
  const kept = await cache();
  if (kept === undefined) return;
  const urls = new Set([...paths].map((path) => new URL(path, document.baseURI).href));
  for (const request of await kept.keys()) {
    const url = request.url.split("?")[0] ?? "";
    if (url.endsWith(".parquet") && !urls.has(url)) await kept.delete(request);
  }
}
