// What a query gave: as a table, as JSON, as a chart, or how it was run.

import { button, copyText, h } from "./dom.js";
import { Chart } from "./chart.js";
import { stringify } from "./exact.js";
import { jsonTree } from "./json.js";
import { Table } from "./table.js";

const TABS = [
  ["table", "Table"],
  ["json", "JSON"],
  ["chart", "Chart"],
  ["plan", "Explain"],
];

export class Results {
  /** `explain(analyze)` returns the plan of the query in the editor; `traceOf(row)` the link to a row's trace. */
  constructor({ explain, traceOf, ontab }) {
    this.explain = explain;
    this.ontab = ontab;
    this.columns = [];
    this.rows = [];
    this.tab = "table";
    this.table = new Table({ traceOf, label: "Rows of the answer" });
    this.chart = new Chart();
    this.json = h("div", { class: "json-pane", tabindex: "0", role: "region", "aria-label": "Rows as JSON" });
    this.plan = h("pre", { class: "plan", tabindex: "0", "aria-label": "How the query is run" });
    const measure = button("Run it and measure", () => this.fillPlan(true), { class: "quiet" });
    const plan = h("div", { class: "plan-pane" }, this.plan, h("div", { class: "plan-tools" }, measure));
    this.panes = { table: this.table.element, json: this.json, chart: this.chart.element, plan };
    this.tabs = h(
      "div",
      { class: "tabs", role: "tablist", "aria-label": "Views of the answer", onkeydown: (event) => this.key(event) },
      TABS.map(([name, text]) =>
        button(text, () => this.open(name), { role: "tab", id: `tab-${name}`, "aria-controls": `pane-${name}` }),
      ),
    );
    for (const [name] of TABS) {
      const pane = h(
        "div",
        { id: `pane-${name}`, role: "tabpanel", "aria-labelledby": `tab-${name}`, class: "pane" },
        this.panes[name],
      );
      this.panes[name] = pane;
    }
    this.element = h("div", { class: "panes" }, Object.values(this.panes));
    this.open("table");
  }

  show(columns, rows) {
    this.columns = columns;
    this.rows = rows;
    this.fill();
  }

  /** Show a tab. */
  open(tab) {
    this.tab = Object.hasOwn(this.panes, tab) ? tab : "table";
    for (const [name, pane] of Object.entries(this.panes)) pane.hidden = name !== this.tab;
    for (const each of this.tabs.children) {
      const chosen = each.id === `tab-${this.tab}`;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
    }
    this.fill();
    this.ontab?.(this.tab);
  }

  fill() {
    if (this.tab === "table") this.table.show(this.columns, this.rows);
    else if (this.tab === "json") this.json.replaceChildren(jsonTree(this.rows, { open: 2 }));
    else if (this.tab === "chart") this.chart.show(this.columns, this.rows);
    else this.fillPlan();
  }

  async fillPlan(analyze = false) {
    this.plan.textContent = "…";
    const text = await this.explain(analyze);
    this.plan.replaceChildren(
      ...text.split("\n").map((line) => h("span", { class: line.startsWith("-- ") ? "plan-head" : "" }, `${line}\n`)),
    );
  }

  key(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const names = TABS.map(([name]) => name);
    const next = names[(names.indexOf(this.tab) + step + names.length) % names.length];
    this.open(next);
    this.tabs.querySelector(`#tab-${next}`).focus();
    event.preventDefault();
  }

  /** Copy what is shown. */
  copy() {
    if (this.tab === "plan") copyText(this.plan.textContent);
    else if (this.tab === "table") copyText(this.table.asTabs());
    else copyText(stringify(this.rows, 2));
  }
}
