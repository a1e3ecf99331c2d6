/** The platform's API, where a server is behind the page; a static host has none, and the list of files says which it is. */

let base: string | null = null;

export const hasServer = (): boolean => base !== null;

/** What the list of files says: the API's address, relative to the page. */
export function useServer(address: string | null | undefined): void {
  base = address == null ? null : new URL(address, document.baseURI).href.replace(/\/?$/, "/");
}

const at = (path: string): string => `${base ?? ""}${path}`;

export const api = {
  at,
  trace(mart: string, rows: Record<string, string | number | null>): string | null {
    if (base === null) return null;
    const query = new URLSearchParams(Object.entries(rows).map(([name, value]) => ["where", `${name}=${value ?? ""}`]));
    query.append("lines", "true");
    return `${at(`lineage/trace/${encodeURIComponent(mart)}`)}?${query}`;
  },
};

/** Begin a session with an API key; a sentence where the key is refused. */
export async function logIn(key: string): Promise<string | null> {
  const answer = await fetch(new URL("api/session", document.baseURI), { method: "POST", headers: { Authorization: `Bearer ${key}` } });
  if (answer.ok) return null;
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
  return problem.detail ?? `${answer.status}`;
}
