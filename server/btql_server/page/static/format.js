// How numbers, times and values are written.

import { stringify } from "./exact.js";

const COUNT = new Intl.NumberFormat("en-US");
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export const count = (value) => COUNT.format(value);

export const plural = (value, noun, many = `${noun}s`) => `${count(value)} ${value === 1 ? noun : many}`;

/** 12,345 tokens as `12.3K`. */
export const short = (value) => (isNumber(value) ? SHORT.format(value) : "");

/** Seconds, in the unit that suits them. */
export function duration(seconds) {
  if (!isNumber(seconds)) return "";
  if (seconds < 0) return `-${duration(-seconds)}`;
  if (seconds === 0) return "0 ms";
  if (seconds < 0.001) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(seconds < 9.995 ? 2 : 1)} s`;
  if (seconds < 3599.5) return twoUnits(Math.round(seconds), "m", "s");
  return twoUnits(Math.round(seconds / 60), "h", "m");
}

/** 61 of the smaller unit are `1 m 01 s`. */
const twoUnits = (whole, large, small) =>
  `${Math.floor(whole / 60)} ${large} ${String(whole % 60).padStart(2, "0")} ${small}`;

/** Return the round number that is next to a distance between marks: 1, 2 or 5, times a power of ten. */
export function roundStep(raw) {
  if (!(raw > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw * 0.999) ?? 10 * power;
}

const CLOCK = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/** The same for seconds, of which clocks have 60. */
export const roundSeconds = (raw) =>
  raw < 1 ? roundStep(raw) : (CLOCK.find((each) => each >= raw * 0.999) ?? roundStep(raw / 86400) * 86400);

/** Dollars, with as many digits as small amounts need. */
export function money(dollars) {
  if (!isNumber(dollars)) return "";
  if (dollars === 0) return "$0";
  if (Math.abs(dollars) < 0.0001) return "<$0.0001";
  return `$${dollars.toFixed(Math.abs(dollars) < 1 ? 4 : 2)}`;
}

export const score = (value) =>
  isNumber(value) ? `${(value * 100).toFixed(value === 1 || value === 0 ? 0 : 1)}%` : "";

const CLOCK_AND_DAY = {
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
};
const TIME = new Intl.DateTimeFormat(undefined, CLOCK_AND_DAY);
const TIME_OF_ANOTHER_YEAR = new Intl.DateTimeFormat(undefined, { year: "numeric", ...CLOCK_AND_DAY });

/** A moment in local time. */
export function moment(iso, now = new Date()) {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return "";
  return (time.getFullYear() === now.getFullYear() ? TIME : TIME_OF_ANOTHER_YEAR).format(time);
}

/** How long ago a moment was. */
export function ago(iso, now = Date.now()) {
  const seconds = (now - new Date(iso).getTime()) / 1000;
  if (Number.isNaN(seconds)) return "";
  if (seconds < 45) return "just now";
  const steps = [
    [60, "min"],
    [3600, "h"],
    [86400, "d"],
  ];
  const [size, unit] = steps.findLast(([least]) => seconds >= least * 0.9) ?? steps[0];
  return `${Math.max(1, Math.round(seconds / size))} ${unit} ago`;
}

/** A value in one line, for a cell. */
export function inLine(value, most = 400) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" ? value : stringify(value);
  const cut = text.length > most ? `${text.slice(0, most)}…` : text;
  return cut.replace(/\s+/g, " ");
}

/** A value as text to copy or to read. */
export const asText = (value) => (typeof value === "string" ? value : (stringify(value, 2) ?? ""));

/** A text as it stands between quotes in a query; only double ones have a way to write a NUL. */
export const quoted = (text) =>
  String(text).includes("\0")
    ? JSON.stringify(text)
    : `'${String(text).replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;

/** `project_logs:demo` as it stands in `from`; without a kind it is a name that only one object has. */
export function sourceText(object) {
  const colon = object.indexOf(":");
  if (colon < 0) return JSON.stringify(object);
  return `${object.slice(0, colon)}(${quoted(object.slice(colon + 1))})`;
}
