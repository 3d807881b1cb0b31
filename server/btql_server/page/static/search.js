// Searching inside a trace: names here, documents by the server's text index.

import { askRows } from "./api.js";
import { button, h } from "./dom.js";
import { count, quoted, sourceText } from "./format.js";
import { unfoldWhere } from "./json.js";
import { Latest } from "./latest.js";

const WAIT_MS = 220;
const MARKED_MOST = 2_000;

export class TraceSearch {
  /** `onmatch(node)` is called to go to a span, `onchange()` when other spans match, `onleave()` to leave the field. */
  constructor({ onmatch, onchange, onleave }) {
    Object.assign(this, { onmatch, onchange, onleave });
    this.questions = new Latest();
    this.input = h("input", {
      type: "search",
      placeholder: "Search in this trace  ( / )",
      "aria-label": "Search in this trace",
      title: "Words and phrases of documents, and parts of names",
      oninput: () => this.later(),
      onkeydown: (event) => this.key(event),
    });
    this.state = h("span", { class: "dim search-state", role: "status" });
    this.steps = [
      button("↑", () => this.step(-1), {
        class: "quiet",
        title: "Previous match (N)",
        "aria-label": "Previous match",
        disabled: true,
      }),
      button("↓", () => this.step(1), {
        class: "quiet",
        title: "Next match (n)",
        "aria-label": "Next match",
        disabled: true,
      }),
    ];
    this.element = h("div", { class: "trace-search", role: "search" }, this.input, this.steps, this.state);
    this.reset(null, null);
  }

  /** Forget everything: another trace is shown. */
  reset(object, id) {
    Object.assign(this, { object, id, trace: null, ids: new Set(), matches: [], at: -1, text: "" });
    this.input.value = "";
    unfoldWhere("");
    this.tell();
  }

  setTrace(trace) {
    this.trace = trace;
    this.order();
  }

  focus() {
    this.input.focus();
    this.input.select();
  }

  has(node) {
    return this.ids.has(node.id);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), WAIT_MS);
  }

  /** Look for the text in the field. */
  look() {
    const text = this.input.value.trim();
    if (text === this.text) return;
    this.text = text;
    unfoldWhere(text);
    this.ids = new Set(text === "" ? [] : this.byName(text));
    this.at = -1;
    this.order();
    this.onchange();
    if (text === "") return;
    this.state.textContent = "searching …";
    this.questions.run(() => this.inDocuments(text));
  }

  byName(text) {
    const wanted = text.toLowerCase();
    const has = (value) => typeof value === "string" && value.toLowerCase().includes(wanted);
    return this.trace.nodes
      .filter((node) => [node.name, node.type, node.model, node.id, node.row.span_id].some(has))
      .map((node) => node.id);
  }

  /** Add the spans whose documents have the text, and go to the first of all. */
  async inDocuments(text) {
    const { object, id } = this;
    const current = () => this.text === text && this.object === object && this.id === id;
    if (!current()) return;
    const anywhere = `(search(${quoted(text)}) or error MATCH ${quoted(text)})`;
    const query = `select: id | from: ${sourceText(object)} | filter: root_span_id = ${quoted(id)} and ${anywhere}`;
    const found = [];
    try {
      for await (const rows of askRows(query, { disable_limit: true, lint_mode: "off" })) found.push(...rows);
    } catch (error) {
      if (current()) this.state.textContent = error.message;
      return;
    }
    if (!current()) return;
    for (const row of found) this.ids.add(row.id);
    this.order();
    this.onchange();
    if (this.at < 0) this.step(1);
  }

  order() {
    const before = this.matches[this.at];
    this.matches = this.trace === null ? [] : this.trace.inOrder.filter((node) => this.ids.has(node.id));
    this.at = before === undefined ? -1 : this.matches.findIndex((node) => node.id === before.id);
    this.tell();
  }

  tell() {
    const total = this.matches.length;
    for (const each of this.steps) each.disabled = total === 0;
    if (this.text === "") this.state.textContent = "";
    else if (total === 0) this.state.textContent = "no match";
    else this.state.textContent = this.at < 0 ? `${count(total)} found` : `${count(this.at + 1)} of ${count(total)}`;
  }

  /** Go to the next or the previous match. */
  step(by) {
    const total = this.matches.length;
    if (total === 0) return;
    this.at = this.at < 0 ? (by > 0 ? 0 : total - 1) : (this.at + by + total) % total;
    this.tell();
    this.onmatch(this.matches[this.at]);
  }

  key(event) {
    // What is still being composed, as Chinese and Japanese are, has these keys for itself.
    if (event.isComposing) return;
    if (event.key === "Enter") {
      event.preventDefault();
      clearTimeout(this.timer);
      if (this.input.value.trim() === this.text) this.step(event.shiftKey ? -1 : 1);
      else this.look();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.input.value = "";
      this.look();
      this.onleave();
    } else if (event.key === "ArrowDown" && event.target === this.input) {
      event.preventDefault();
      this.onleave();
    }
  }

  /** Mark the text where the span that is shown has it, and scroll to the first place. */
  highlight(element) {
    if (!("highlights" in CSS)) return;
    CSS.highlights.delete("found");
    if (this.text === "") return;
    // Lower case may be longer than the text itself: that of `İ` is.
    const wanted = new RegExp(this.text.replace(/[$()*+.?[\\\]^{|}]/g, "\\$&"), "giu");
    const ranges = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode() && ranges.length < MARKED_MOST) {
      for (const match of walker.currentNode.data.matchAll(wanted)) {
        const range = new Range();
        range.setStart(walker.currentNode, match.index);
        range.setEnd(walker.currentNode, match.index + match[0].length);
        ranges.push(range);
      }
    }
    if (ranges.length === 0) return;
    CSS.highlights.set("found", new Highlight(...ranges));
    ranges[0].startContainer.parentElement.scrollIntoView({ block: "nearest" });
  }
}
