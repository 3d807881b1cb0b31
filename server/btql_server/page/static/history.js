// The queries that were run from this browser, newest first. They stay in the browser.

import { button, h } from "./dom.js";
import { ago, count, duration } from "./format.js";

const KEY = "btql.history";
const MOST = 200;

/** Return what was run; nothing where the browser keeps nothing. */
export function entries() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((each) => typeof each?.text === "string") : [];
  } catch {
    return [];
  }
}

/** Note a run: `{text, ms, rows, failed}`. The same text again takes the place of the older run. */
export function note(run) {
  const others = entries().filter((each) => each.text !== run.text);
  keep([{ ...run, at: Date.now() }, ...others].slice(0, MOST));
}

function keep(list) {
  try {
    localStorage.setItem(KEY, JSON.stringify(list));
  } catch {
    // A browser without room, or without storage, has no history.
  }
}

/** The panel beside the editor. */
export class HistoryPanel {
  /** `onpick(text)` is called with a query from the list. */
  constructor(onpick) {
    this.onpick = onpick;
    this.search = h("input", {
      type: "search",
      placeholder: "Search history",
      "aria-label": "Search history",
      oninput: () => this.fill(),
    });
    this.list = h("ul", { class: "history-list" });
    const clear = button("Clear", () => this.clear(), { class: "quiet" });
    this.element = h(
      "aside",
      { class: "side-panel", "aria-label": "History", hidden: true, onkeydown: (event) => this.key(event) },
      h("div", { class: "side-head" }, this.search, clear),
      this.list,
    );
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
    if (this.element.hidden) return;
    this.fill();
    this.search.focus();
  }

  key(event) {
    if (event.key !== "Escape") return;
    this.element.hidden = true;
    this.onpick(null);
  }

  clear() {
    keep([]);
    this.fill();
  }

  fill() {
    const wanted = this.search.value.toLowerCase();
    const found = entries().filter((each) => each.text.toLowerCase().includes(wanted));
    const lines = found.map((each) =>
      h(
        "li",
        null,
        h(
          "button",
          { type: "button", class: "history-entry", onclick: () => this.onpick(each.text) },
          h("code", null, each.text.trim()),
          h("span", { class: "dim" }, described(each)),
        ),
      ),
    );
    this.list.replaceChildren(
      ...(lines.length > 0
        ? lines
        : [h("li", { class: "empty" }, wanted === "" ? "What you run is listed here." : "Nothing like that was run.")]),
    );
  }
}

function described(each) {
  const outcome = each.failed ? "error" : `${count(each.rows)} rows in ${duration(each.ms / 1000)}`;
  return `${ago(each.at)} · ${outcome}`;
}
