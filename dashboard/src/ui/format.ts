/** Numbers, yen and days as people in Japan read them, and in English. */
import { language, say } from "./language.ts";

const DAY = 86_400_000;
const WEEKDAYS = { ja: ["日", "月", "火", "水", "木", "金", "土"], en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] };
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const NOTHING = "–";

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = {
  ja: new Intl.NumberFormat("ja", { notation: "compact", maximumFractionDigits: 1 }),
  en: new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }),
};

type Maybe = number | null | undefined;

/** Halves away from zero, as the warehouse rounds; sums of fractions carry errors far below the sixth digit. */
export function whole(value: number): number {
  const size = Math.round(Math.abs(Math.round(value * 1e6) / 1e6));
  return size === 0 ? 0 : Math.sign(value) * size;
}

export const count = (value: Maybe): string => (value == null ? NOTHING : minus(plain.format(whole(value))));

export const yen = (value: Maybe): string => {
  if (value == null) return NOTHING;
  const digits = count(value);
  return language() === "ja" ? `${digits}円` : digits.startsWith("−") ? `−¥${digits.slice(1)}` : `¥${digits}`;
};

/** With its sign: a difference. */
export const signedYen = (value: Maybe): string => (value != null && whole(value) > 0 ? `+${yen(value)}` : yen(value));

export const short = (value: number): string => minus(compact[language()].format(value));

export const percent = (share: Maybe, digits = 1): string =>
  share == null ? NOTHING : `${minus((Math.sign(share) * (Math.round(Math.abs(share) * 100 * 10 ** digits) / 10 ** digits)).toFixed(digits))}%`;

export const signedPercent = (share: Maybe): string => (share != null && share > 0 ? `+${percent(share)}` : percent(share));

export const decimal = (value: Maybe, digits = 1): string => (value == null ? NOTHING : minus(value.toFixed(digits)));

const minus = (text: string): string => text.replace("-", "−");

export const weekday = (day: string): number => new Date(`${day}T00:00:00Z`).getUTCDay();

export const addDays = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY).toISOString().slice(0, 10);

export const daysBetween = (from: string, to: string): number => Math.round((Date.parse(to) - Date.parse(from)) / DAY);

export function longDay(day: string): string {
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const name = WEEKDAYS[language()][weekday(day)];
  return say(`${year}年${month}月${date}日(${name})`, `${name}, ${MONTHS[month - 1]} ${date}, ${year}`);
}

export function shortDay(day: string | null): string {
  if (day === null) return NOTHING;
  const [, month, date] = day.split("-").map(Number) as [number, number, number];
  const name = WEEKDAYS[language()][weekday(day)];
  return say(`${month}/${date}(${name})`, `${name} ${MONTHS[month - 1]} ${date}`);
}

export function monthName(month: string): string {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return say(`${year}年${number}月`, `${MONTHS[number - 1]} ${year}`);
}

/** 3/14 08:05, of a moment in Japan as the warehouse writes it. */
export const moment = (text: string | null): string => (text === null ? NOTHING : `${shortDay(text.slice(0, 10))} ${text.slice(11, 16)}`);

export const timeOfDay = (text: string | null): string => (text === null ? NOTHING : text.slice(11, 16));

/** A moment of the world, as a clock in Japan shows it. */
export const clockInJapan = (iso: string): string => {
  const shown = new Date(Date.parse(iso) + 9 * 3_600_000).toISOString();
  return `${shortDay(shown.slice(0, 10))} ${shown.slice(11, 16)}`;
};

export const hours = (value: Maybe): string => {
  if (value == null) return NOTHING;
  if (value < 48) return say(`${decimal(value)}時間`, `${decimal(value)} h`);
  return say(`${decimal(value / 24)}日`, `${decimal(value / 24)} days`);
};

export const size = (value: number): string => (value < 1e6 ? `${Math.max(1, Math.round(value / 1e3))} kB` : `${(value / 1e6).toFixed(1)} MB`);
