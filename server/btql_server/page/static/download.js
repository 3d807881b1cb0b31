// Results as files: asked for anew, so that a file has all rows and not the page that is shown.

import { askFor, askRows } from "./api.js";
import { saveFile } from "./dom.js";
import { stringify } from "./exact.js";
import { count } from "./format.js";

/** Return a value as a field of CSV (RFC 4180): objects as JSON, null as nothing. */
export function csvField(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "object" ? stringify(value) : String(value);
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

const csvLine = (fields) => `${fields.map(csvField).join(",")}\r\n`;

/** Save a query's rows as CSV; `columns` gives their order, and `say` hears how far it is. */
export async function saveCsv(query, columns, { signal, say }) {
  const parts = [];
  let names = columns;
  let rows = 0;
  for await (const found of askRows(query, { signal, disable_limit: true })) {
    names ??= Object.keys(found[0]);
    if (rows === 0) parts.push(csvLine(names));
    parts.push(found.map((row) => csvLine(names.map((name) => row[name]))).join(""));
    rows += found.length;
    say(`${count(rows)} rows`);
  }
  if (rows === 0) parts.push(csvLine(names ?? []));
  saveFile(fileName("csv"), parts, "text/csv;charset=utf-8");
  return rows;
}

/** Save a query's rows as an Arrow stream. */
export async function saveArrow(query, { signal }) {
  const response = await askFor("arrow", query, { signal, disable_limit: true });
  saveFile(fileName("arrows"), [await response.blob()], "application/vnd.apache.arrow.stream");
}

function fileName(ending) {
  const now = new Date().toISOString().slice(0, 19).replaceAll(":", "").replace("T", "-");
  return `btql-${now}.${ending}`;
}
