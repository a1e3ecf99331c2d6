/** Dark or light: as the system has it, unless a person chooses. */
import { storage } from "./language.ts";

export type Theme = "system" | "light" | "dark";
const KEY = "theme";
export const THEME_CHANGED = "theme-changed";

export function theme(): Theme {
  const kept = storage()?.getItem(KEY);
  return kept === "light" || kept === "dark" ? kept : "system";
}

export function chooseTheme(next: Theme): void {
  storage()?.setItem(KEY, next);
  applyTheme();
}

export function applyTheme(): void {
  const chosen = theme();
  if (chosen === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = chosen;
  dispatchEvent(new Event(THEME_CHANGED));
}

export const color = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
