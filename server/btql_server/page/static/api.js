// Asking the server. The key is kept for this tab alone; whoever asks without one is asked for it.

import { parse } from "./exact.js";

const KEY = "btql.key";
let asking = null;
let keyDialog = null;

/** What the server answered instead of what was asked for. */
export class ApiError extends Error {
  constructor(status, message, body) {
    super(message);
    this.status = status;
    this.body = body;
    /** The mistakes of a query, each with its place. */
    this.errors = Array.isArray(body?.errors) ? body.errors : [];
  }
}

/** Say what asks for a key: a function of a reason, and of whether one is needed, that promises a key or null. */
export function askKeysWith(dialog) {
  keyDialog = dialog;
}

export const hasKey = () => sessionStorage.getItem(KEY) !== null;

/** Ask for another key; return whether one was given. */
export async function changeKey(reason, { needed = true } = {}) {
  // Several requests may be refused at once; one dialog answers all of them.
  asking ??= keyDialog(reason, needed).then((key) => {
    if (key !== null) sessionStorage.setItem(KEY, key);
    asking = null;
    return key !== null;
  });
  return asking;
}

/** Return the response to a request; errors are thrown as `ApiError`. */
export async function request(path, { body, signal } = {}) {
  const key = sessionStorage.getItem(KEY);
  const headers = { accept: "*/*" };
  if (key !== null) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetched(path, {
    method: body === undefined ? "GET" : "POST",
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal,
    credentials: "omit",
  });
  if (response.ok) return response;
  const text = await response.text();
  if (response.status === 401) {
    // Another one may have been given while this was on its way.
    if (sessionStorage.getItem(KEY) === key)
      await changeKey(key === null ? "This server asks for a key." : text || "The key is not valid.");
    return request(path, { body, signal });
  }
  throw errorOf(response, text);
}

async function fetched(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    // All that a browser says of a server that does not answer is "Failed to fetch".
    throw options.signal?.aborted ? error : new ApiError(0, "The server cannot be reached: is it running?");
  }
}

function errorOf(response, text) {
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // Some errors are plain text.
  }
  let message = body?.Message ?? body?.error ?? text.trim();
  if (response.status === 429) {
    message = `${message || "too many requests"} (try again in ${response.headers.get("retry-after") ?? "a few"} s)`;
  }
  return new ApiError(response.status, message || `the server answered ${response.status}`, body);
}

export const getJson = async (path, options) => (await request(path, options)).json();

const asked = (query, more) => ({ query, query_source: "btql_page", ...more });

/** Return the answer to a query: `{data, schema, cursor, warnings, …}`, and whether it has `written` something. */
export async function ask(query, { signal, ...more } = {}) {
  const response = await request("btql", { body: asked(query, { fmt: "json", ...more }), signal });
  return { ...parse(await response.text()), written: response.headers.has("x-btql-rows-written") };
}

/** Return the answer to a query in another format, as a response to read from. */
export const askFor = (fmt, query, { signal, ...more } = {}) =>
  request("btql", { body: asked(query, { fmt, ...more }), signal });

/** Yield the rows of a query as they come, in lists. */
export async function* askRows(query, options) {
  const response = await askFor("jsonl", query, options);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let last = null;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = done ? "" : lines.pop();
      const rows = lines.filter((line) => line !== "").map(parse);
      last = rows.at(-1) ?? last;
      if (rows.length > 0) yield rows;
      if (done) return;
    }
  } catch (error) {
    // A stream that breaks says why in its last line.
    const told = last?.error?.Message;
    throw told === undefined || options?.signal?.aborted ? error : new ApiError(response.status, told, last.error);
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

let objectsAsked = null;

/** Return the objects that the key may read, asked once. */
export function objects({ again = false } = {}) {
  if (again || objectsAsked === null) {
    const mine = getJson("page/objects");
    objectsAsked = mine;
    // A failure is not kept: the next one asks anew.
    mine.catch(() => {
      if (objectsAsked === mine) objectsAsked = null;
    });
  }
  return objectsAsked;
}

const fieldsAsked = new Map();

/** Return the fields of `kind:name`, none where they cannot be read. */
export function fields(object) {
  if (!fieldsAsked.has(object)) {
    const found = getJson(`page/fields?object=${encodeURIComponent(object)}`).then((answer) => answer.fields);
    fieldsAsked.set(
      object,
      found.catch(() => []),
    );
    // Rows bring new fields; a minute later they are asked for again.
    setTimeout(() => fieldsAsked.delete(object), 60_000);
  }
  return fieldsAsked.get(object);
}

let languageAsked = null;

/** Return the words and functions of the language. */
export function language() {
  languageAsked ??= getJson("page/functions.json");
  return languageAsked;
}
