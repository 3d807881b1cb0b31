// Where one begins: the objects that the key may read, and the newest traces of the one that is chosen.

import { ask, fields, objects } from "./api.js";
import { button, h } from "./dom.js";
import { Editor } from "./editor.js";
import { count, sourceText } from "./format.js";
import { objectLink, showAddress, traceLink } from "./links.js";
import { traceRow } from "./listed.js";
import { idOf, ObjectList } from "./objects.js";
import { mistakesOf } from "./problems.js";
import { Table } from "./table.js";
import { VirtualRows } from "./virtual.js";
import { welcome } from "./welcome.js";

const ROW = 32;
const PAGE = 100;
const SINCE = [
  ["any time", ""],
  ["last hour", "1 hour"],
  ["last day", "1 day"],
  ["last 7 days", "7 day"],
  ["last 30 days", "30 day"],
];
const WITH_TRACES = new Set(["project_logs", "experiment", "playground_logs"]);
const SUMMARY =
  "id, root_span_id, created, span_attributes, span_type_info, input, output, error, scores, metrics, tags";
const COLUMNS = {
  dataset: "created, id, root_span_id, input, expected, metadata, tags",
};

export class TracesView {
  constructor(language) {
    this.object = null;
    this.rows = [];
    this.at = 0;
    this.objects = new ObjectList();
    this.filter = new Editor({
      label: "Filter, an expression",
      language,
      single: true,
      placeholder: "filter, such as  metadata.user_id = 'dana2' and metrics.tokens > 1000",
      complete: (text, cursor) => this.complete(language, text, cursor),
      onrun: () => this.reload(),
    });
    this.failedOnly = h("input", { type: "checkbox", onchange: () => this.reload() });
    this.since = h(
      "select",
      { "aria-label": "Since when", onchange: () => this.reload() },
      SINCE.map(([text, value]) => h("option", { value }, text)),
    );
    this.state = h("span", { class: "status", role: "status" });
    this.problem = h("div", { class: "problems", role: "alert", hidden: true });
    const heads = ["When", "Trace", "Input", "Output", "Took", "Calls", "Tokens", "Cost", "Scores"];
    const numbers = new Set(["Took", "Calls", "Tokens", "Cost"]);
    this.list = h(
      "div",
      {
        class: "traces",
        role: "grid",
        tabindex: "0",
        "aria-label": "Traces, newest first",
        onkeydown: (event) => this.key(event),
      },
      h(
        "div",
        { class: "traces-head", role: "row" },
        heads.map((name) => h("div", { role: "columnheader", class: numbers.has(name) ? "number" : "" }, name)),
      ),
    );
    this.lines = new VirtualRows(this.list, ROW, (index) => this.line(index));
    this.lines.ondraw = (first, last) => this.near(last);
    this.table = new Table({ traceOf: (row) => this.link(row), label: "Rows" });
    this.table.element.hidden = true;
    this.empty = h("div", { class: "welcome", hidden: true });
    this.name = h("h1", null, "");
    const bar = h(
      "div",
      { class: "bar" },
      this.name,
      this.filter.element,
      this.since,
      h("label", { class: "choice" }, this.failedOnly, "with errors"),
      this.state,
      button("Refresh", () => this.reload(), { class: "quiet" }),
    );
    this.bar = bar;
    this.element = h(
      "div",
      { class: "start" },
      this.objects.element,
      h(
        "section",
        { class: "start-main", "aria-label": "Traces" },
        bar,
        this.problem,
        this.list,
        this.table.element,
        this.empty,
      ),
    );
  }

  get title() {
    return this.name.textContent || "Traces";
  }

  async open(parameters) {
    const found = await this.listObjects();
    if (found === null) return;
    const first = found.find((each) => WITH_TRACES.has(each.kind)) ?? found.find((each) => each.kind !== "audit_log");
    const wanted = parameters.get("object") ?? this.object ?? (first && idOf(first));
    this.bar.hidden = wanted === undefined;
    if (wanted === undefined) {
      this.problem.hidden = true;
      this.list.hidden = true;
      this.welcome();
      return;
    }
    const filter = parameters.get("filter");
    const same = wanted === this.object && (filter === null || filter === this.filter.value);
    this.object = wanted;
    this.mark();
    if (!same) {
      this.filter.value = filter ?? "";
      this.failedOnly.checked = false;
      this.since.value = "";
    }
    // What went wrong before may go well by now.
    if (!same || !this.problem.hidden) await this.reload();
    if (!this.list.hidden) this.list.focus({ preventScroll: true });
  }

  /** Draw the list of objects, and return them; null where they cannot be asked for. */
  async listObjects() {
    try {
      const { objects: found } = await objects({ again: true });
      this.objects.show(found);
      return found;
    } catch (error) {
      this.refuse(error);
      return null;
    }
  }

  mark() {
    this.name.textContent = this.objects.labelOf(this.object);
    this.objects.choose(this.object);
    document.title = `${this.title} · btql`;
  }

  get kind() {
    return this.object.slice(0, this.object.indexOf(":"));
  }

  complete(language, text, cursor) {
    // The filter is part of a query that is not shown.
    const before = `select: * | from: ${sourceText(this.object)} | filter: `;
    return language.complete(before + text, before.length + cursor, { objects, fields }).then(({ from, items }) => ({
      from: from - before.length,
      items: items.filter((each) => each.kind !== "clause"),
    }));
  }

  /** Return the query for the list, and where in it the filter begins. */
  query() {
    const traces = WITH_TRACES.has(this.kind);
    const select = traces ? SUMMARY : (COLUMNS[this.kind] ?? "*");
    const head = `select: ${select} | from: ${sourceText(this.object)}${traces ? " summary" : ""}`;
    const conditions = [];
    if (this.failedOnly.checked) conditions.push("error is not null");
    if (this.since.value !== "") conditions.push(`created > now() - interval ${this.since.value}`);
    const own = this.filter.value.trim();
    const before = `${head} | filter: ${conditions.map((each) => `${each} and `).join("")}(`;
    // A comment ends with its line.
    if (own !== "") conditions.push(own.includes("--") ? `(${own}\n)` : `(${own})`);
    const filter = conditions.length === 0 ? "" : ` | filter: ${conditions.join(" and ")}`;
    const indent = this.filter.value.length - this.filter.value.trimStart().length;
    return { text: `${head}${filter} | limit: ${PAGE}`, begin: before.length - indent };
  }

  async reload() {
    // Where the objects could not be asked for, that comes first.
    if (this.object === null) return this.open(new URLSearchParams(location.hash.slice(1)));
    this.rows = [];
    this.cursor = null;
    this.at = 0;
    this.problem.hidden = true;
    this.filter.setMistakes([]);
    this.asking?.abort();
    this.asking = null;
    showAddress(this, objectLink(this.object, this.filter.value.trim()));
    const traces = WITH_TRACES.has(this.kind);
    this.list.hidden = !traces;
    this.table.element.hidden = traces;
    this.empty.hidden = true;
    this.lines.setCount(0);
    this.list.scrollTop = 0;
    await this.page();
  }

  /** Fetch the next page. */
  async page() {
    if (this.asking) return;
    const asking = new AbortController();
    this.asking = asking;
    this.state.textContent = "…";
    const query = this.query();
    try {
      const answer = await ask(query.text, {
        signal: asking.signal,
        lint_mode: "off",
        ...(this.cursor === null ? {} : { cursor: this.cursor }),
      });
      this.rows.push(...answer.data);
      this.cursor = answer.data.length < PAGE ? null : (answer.cursor ?? null);
      this.show(answer);
    } catch (error) {
      if (!asking.signal.aborted) this.refuse(error, query);
    } finally {
      if (this.asking === asking) this.asking = null;
    }
  }

  show(answer) {
    const more = this.cursor === null ? "" : "+";
    const noun = WITH_TRACES.has(this.kind) ? "trace" : "row";
    this.state.textContent = `${count(this.rows.length)}${more} ${noun}${this.rows.length === 1 ? "" : "s"}`;
    if (WITH_TRACES.has(this.kind)) this.lines.setCount(this.rows.length);
    else this.table.show(shownColumns(answer, this.rows), this.rows);
    if (this.rows.length > 0) return;
    if (this.filter.value.trim() !== "" || this.failedOnly.checked || this.since.value !== "") {
      this.empty.replaceChildren(h("p", { class: "empty" }, "Nothing matches the filter."));
      this.empty.hidden = false;
    } else this.welcome();
  }

  refuse(error, query) {
    const found = query ? mistakesOf(error, query.text).filter(({ mistake }) => mistake.line === 1) : [];
    const places = found.map(({ from, to }) => ({ from: from - query.begin, to: to - query.begin }));
    this.filter.setMistakes(places.filter((each) => each.to > 0));
    const mistakes = found.map(({ mistake }) => mistake);
    const help = mistakes.map((each) => each.help).find(Boolean);
    this.problem.replaceChildren(
      h("p", null, mistakes.map((each) => each.message).join("; ") || error.message),
      help ? h("p", { class: "help" }, `help: ${help}`) : "",
    );
    this.problem.hidden = false;
    this.state.textContent = "";
  }

  near(last) {
    if (this.cursor && last >= this.rows.length - 20) this.page();
  }

  link(row) {
    return row.root_span_id ? traceLink(this.object, row.root_span_id) : null;
  }

  line(index) {
    const row = this.rows[index];
    return traceRow(row, { index, active: index === this.at, href: this.link(row) });
  }

  key(event) {
    const steps = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: this.lines.page,
      PageUp: -this.lines.page,
      Home: -Infinity,
      End: Infinity,
    };
    if (event.key in steps && this.rows.length > 0) {
      const before = this.at;
      this.at = Math.max(0, Math.min(this.rows.length - 1, this.at + steps[event.key]));
      this.lines.redrawRow(before);
      this.lines.redrawRow(this.at);
      this.lines.reveal(this.at);
      this.list.setAttribute("aria-activedescendant", `trace-${this.at}`);
    } else if (event.key === "Enter" && this.rows[this.at]) location.hash = this.link(this.rows[this.at]);
    else if (event.key === "/") this.filter.focus();
    else if (event.key === "r") this.reload();
    else return;
    event.preventDefault();
  }

  /** Say how traces get here, where there are none. */
  welcome() {
    this.empty.replaceChildren(...welcome(this.object, () => this.reload()));
    this.empty.hidden = false;
  }
}

/** Return the columns in which some row has something. */
function shownColumns(answer, rows) {
  return answer.columns.filter(
    (name) => name !== "root_span_id" && rows.some((row) => row[name] !== null && row[name] !== undefined),
  );
}
