/** What is shown stands in the address, so that it can be sent, kept and gone back to: #/today?day=2024-03-14&route=R001 */
import { useEffect, useMemo, useState } from "preact/hooks";

export interface Address {
  page: string;
  given: Readonly<Record<string, string>>;
}

export function readAddress(): Address {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { page: decodeURIComponent(path), given: Object.fromEntries(new URLSearchParams(query)) };
}

export function addressOf(page: string, given: Record<string, string | null | undefined> = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given)) if (value != null && value !== "") query.set(name, value);
  const text = query.toString();
  return `#/${page}${text === "" ? "" : `?${text}`}`;
}

/** Change some of what is given and stay on the page; typing does not fill the history. */
export function change(given: Record<string, string | null>, { keep = false } = {}): void {
  const now = readAddress();
  const next = addressOf(now.page, { ...now.given, ...given });
  if (keep) location.hash = next;
  else {
    history.replaceState(null, "", next);
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

export function useAddress(): Address {
  const [hash, show] = useState(location.hash);
  useEffect(() => {
    const listener = () => show(location.hash);
    addEventListener("hashchange", listener);
    listener(); // it may have changed since it was first read
    return () => removeEventListener("hashchange", listener);
  }, []);
  return useMemo(readAddress, [hash]);
}
