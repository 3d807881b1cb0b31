// A JSON value as a tree that is made as far as it is opened, and long texts that are folded.

import { attachment, isAttachment } from "./attachments.js";
import { copyButton, h } from "./dom.js";
import { asText, count } from "./format.js";

const TEXT_FOLDED = 1200;
/** A search unfolds no longer text, as browsers lay it out for minutes: it shows what stands around the place. */
const UNFOLDED_MOST = 200_000;
const AROUND = 600;
const CHUNK = 100;

let wanted = "";

/** Say what is searched for: texts and branches that have it come unfolded. */
export function unfoldWhere(text) {
  wanted = text.toLowerCase();
}

/** Whether a value has what is searched for. */
export function hasWanted(value) {
  if (wanted === "") return false;
  if (typeof value === "string") return value.toLowerCase().includes(wanted);
  return value !== null && typeof value === "object" && Object.values(value).some(hasWanted);
}

/** Return a text, the end of which is folded away where it is long. */
export function foldedText(text, { most = TEXT_FOLDED, name = "text" } = {}) {
  if (text.length <= most * 1.3) return h("span", { class: name }, text);
  const shown = document.createTextNode("");
  const found = hasWanted(text);
  const at = found && text.length > UNFOLDED_MOST ? text.toLowerCase().indexOf(wanted) : 0;
  const around = at > most - wanted.length ? ` … ${text.slice(Math.max(most, at - AROUND), at + AROUND)}` : "";
  const beginning = text.slice(0, most) + around;
  const more = h("button", { type: "button", class: "more" });
  const unfold = (open) => {
    more.setAttribute("aria-expanded", String(open));
    shown.data = open ? text : beginning;
    more.textContent = open ? "show less" : `… show all ${count(text.length)} characters`;
  };
  more.addEventListener("click", (event) => {
    event.stopPropagation();
    unfold(more.getAttribute("aria-expanded") === "false");
  });
  unfold(found && text.length <= UNFOLDED_MOST);
  return h("span", { class: name }, shown, more);
}

/** Return a JSON value as a tree; the first `open` levels are opened. */
export function jsonTree(value, { open = 2 } = {}) {
  return h("div", { class: "json" }, node(value, open));
}

function node(value, open) {
  if (value === null || value === undefined) return h("span", { class: "is-constant" }, "null");
  if (typeof value === "string") return h("span", { class: "is-string" }, '"', foldedText(value, { name: "" }), '"');
  if (typeof value === "number" || typeof value === "bigint") return h("span", { class: "is-number" }, String(value));
  if (typeof value === "boolean") return h("span", { class: "is-constant" }, String(value));
  return isAttachment(value) ? attachment(value) : branch(value, open);
}

function branch(value, open) {
  const isList = Array.isArray(value);
  const entries = isList ? value : Object.keys(value);
  const [before, after] = isList ? ["[", "]"] : ["{", "}"];
  if (entries.length === 0) return h("span", { class: "is-other" }, before + after);
  const body = h("div", { class: "json-body" });
  const summary = h("button", { type: "button", class: "json-head", "aria-expanded": "false" });
  const size = isList ? `${count(entries.length)} ${entries.length === 1 ? "item" : "items"}` : inside(value);
  summary.append(
    h("span", { class: "twist", "aria-hidden": "true" }),
    before,
    h("span", { class: "json-size" }, size),
    after,
  );
  const toggle = (opened) => {
    summary.setAttribute("aria-expanded", String(opened));
    body.hidden = !opened;
    if (opened && body.childElementCount === 0) addEntries(body, value, entries, 0, open - 1);
  };
  summary.addEventListener("click", (event) => {
    event.stopPropagation();
    toggle(summary.getAttribute("aria-expanded") === "false");
  });
  toggle(open > 0 || hasWanted(value));
  return h(
    "span",
    { class: "json-branch" },
    summary,
    copyButton(() => asText(value), "Copy this value"),
    body,
  );
}

function inside(value) {
  const keys = Object.keys(value);
  const names = keys.slice(0, 4).join(", ");
  return keys.length > 4 ? `${names}, … ${count(keys.length)} keys` : names;
}

function addEntries(body, value, entries, from, open) {
  const to = Math.min(entries.length, from + CHUNK);
  for (let index = from; index < to; index += 1) {
    const key = Array.isArray(value) ? index : entries[index];
    const name = h("span", { class: Array.isArray(value) ? "json-index" : "json-key" }, String(key));
    body.append(h("div", { class: "json-line" }, name, h("span", { class: "is-other" }, ": "), node(value[key], open)));
  }
  if (to < entries.length) {
    const more = h(
      "button",
      { type: "button", class: "more" },
      `show ${count(Math.min(CHUNK, entries.length - to))} of ${count(entries.length - to)} more`,
    );
    more.addEventListener("click", (event) => {
      event.stopPropagation();
      more.remove();
      addEntries(body, value, entries, to, open);
    });
    body.append(more);
  }
}
