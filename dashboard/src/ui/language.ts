/** Japanese or English: every text is written in both, side by side, where it is shown. */
import { useEffect, useState } from "preact/hooks";

export type Language = "ja" | "en";
export type Text = Record<Language, string>;

const KEY = "language";
const listeners = new Set<() => void>();

const chosen = (): Language => {
  const kept = storage()?.getItem(KEY);
  if (kept === "ja" || kept === "en") return kept;
  return navigator.language.startsWith("en") ? "en" : "ja";
};

let current: Language = chosen();

export function storage(): Storage | undefined {
  try {
    return localStorage;
  } catch {
    return undefined; // a browser can forbid it; then nothing is remembered
  }
}

export const language = (): Language => current;

export function chooseLanguage(next: Language): void {
  current = next;
  storage()?.setItem(KEY, next);
  for (const listener of listeners) listener();
}

/** Draws a component again when the language changes. */
export function useLanguage(): Language {
  const [, redraw] = useState(0);
  useEffect(() => {
    const listener = () => redraw((count) => count + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return current;
}

/** A text in the language of the moment. */
export const say = (ja: string, en: string): string => (current === "ja" ? ja : en);
export const pick = (text: Text): string => text[current];
