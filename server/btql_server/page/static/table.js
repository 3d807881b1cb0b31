// A table of any number of rows: a grid of which only what is in sight exists. Columns are sorted by a click on
// their heads; a cell opens beside the table.

import { copyButton, copyText, drag, h, icon, ICONS } from "./dom.js";
import { stringify } from "./exact.js";
import { asText, count, inLine, isNumber } from "./format.js";
import { foldedText, jsonTree } from "./json.js";
import { VirtualRows } from "./virtual.js";

const ROW = 26;
const CHARACTER = 7.3;
const NARROWEST = 70;
const WIDEST = 420;

/** Compare two values as a column is sorted: numbers, then texts, then the rest; nulls are always last. */
function compare(a, b) {
  const rank = (value) => (isNumber(value) || typeof value === "bigint" ? 0 : typeof value === "string" ? 1 : 2);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  const [left, right] = rank(a) < 2 ? [a, b] : [stringify(a), stringify(b)];
  return left < right ? -1 : Number(left > right);
}

let tables = 0;

export class Table {
  /** `traceOf(row)` returns the link to the trace of a row, or null. */
  constructor({ traceOf, label = "Rows" }) {
    tables += 1;
    this.activeId = `active-cell-${tables}`;
    this.traceOf = traceOf;
    this.columns = [];
    this.rows = [];
    this.order = [];
    this.sort = null;
    this.cell = { row: 0, column: 0 };
    this.head = h("div", { class: "grid-head", role: "row", "aria-rowindex": "1" });
    this.viewport = h(
      "div",
      { class: "grid", role: "grid", tabindex: "0", "aria-label": label, onkeydown: (event) => this.key(event) },
      this.head,
    );
    this.drawer = h("aside", { class: "drawer", "aria-label": "Value", hidden: true });
    this.element = h("div", { class: "table" }, this.viewport, this.drawer);
    this.list = new VirtualRows(this.viewport, ROW, (index) => this.line(index));
  }

  /** Show rows; `columns` are their names, in order. */
  show(columns, rows) {
    const same = columns.length === this.columns.length && columns.every((name, at) => name === this.columns[at].name);
    if (!same) {
      this.sort = null;
      this.cell = { row: 0, column: 0 };
      this.columns = columns.map((name) => ({ name, ...this.measure(name, rows) }));
      this.viewport.scrollTop = 0;
      this.viewport.scrollLeft = 0;
    }
    this.rows = rows;
    this.closeDrawer();
    this.arrange();
    this.viewport.setAttribute("aria-rowcount", String(rows.length + 1));
    this.viewport.setAttribute("aria-colcount", String(columns.length));
  }

  measure(name, rows) {
    const sample = rows.slice(0, 100).map((row) => row[name]);
    const longest = Math.max(name.length + 2, ...sample.map((value) => inLine(value, 60).length));
    const numeric =
      sample.some(isNumber) && sample.every((value) => value === null || value === undefined || isNumber(value));
    return { width: Math.max(NARROWEST, Math.min(WIDEST, longest * CHARACTER + 22)), numeric };
  }

  arrange() {
    this.order = this.rows.map((_, index) => index);
    if (this.sort !== null) {
      const { name, down } = this.sort;
      const value = (index) => this.rows[index][name] ?? null;
      this.order.sort((a, b) => {
        const [left, right] = [value(a), value(b)];
        if (left === null || right === null) return (left === null) - (right === null) || a - b;
        return (down ? compare(right, left) : compare(left, right)) || a - b;
      });
    }
    this.drawHead();
    this.list.setCount(this.order.length);
  }

  drawHead() {
    this.size();
    const heads = this.columns.map((column, index) => {
      const sorted = this.sort?.name === column.name ? (this.sort.down ? "descending" : "ascending") : "none";
      const grip = h("span", {
        class: "grip",
        "aria-hidden": "true",
        onpointerdown: (event) => this.resize(event, index),
      });
      const press = h(
        "button",
        {
          type: "button",
          class: `head-button ${sorted}`,
          tabindex: "-1",
          title: `Sort by ${column.name}`,
          onclick: () => this.sortBy(column.name),
        },
        column.name,
      );
      return h(
        "div",
        {
          role: "columnheader",
          class: column.numeric ? "head number" : "head",
          "aria-sort": sorted,
          "aria-colindex": String(index + 1),
        },
        press,
        grip,
      );
    });
    this.head.replaceChildren(h("div", { class: "gutter", role: "presentation" }), ...heads);
  }

  /** Give the columns their widths. */
  size() {
    const widths = this.columns.map((column) => `${Math.round(column.width)}px`).join(" ");
    this.viewport.style.setProperty("--columns", `64px ${widths} 1fr`);
    const total = this.columns.reduce((sum, column) => sum + column.width, 64);
    this.viewport.style.setProperty("--total", `${Math.round(total)}px`);
  }

  /** Sort by a column: upwards, then downwards, then as the rows came. */
  sortBy(name) {
    if (this.sort?.name !== name) this.sort = { name, down: false };
    else this.sort = this.sort.down ? null : { name, down: true };
    this.arrange();
  }

  resize(event, index) {
    const column = this.columns[index];
    const { width } = column;
    drag(event, (far) => {
      column.width = Math.max(40, width + far);
      this.size();
    });
  }

  line(place) {
    const row = this.rows[this.order[place]];
    const link = this.traceOf?.(row);
    const gutter = h(
      "div",
      { class: "gutter", role: "presentation" },
      link
        ? h(
            "a",
            { href: link, title: "Open the trace", "aria-label": "Open the trace", tabindex: "-1" },
            icon(ICONS.open),
          )
        : null,
      h("span", null, count(this.order[place] + 1)),
    );
    const cells = this.columns.map((column, index) => this.cellOf(row[column.name], column, place, index));
    return h("div", { class: "grid-row", role: "row", "aria-rowindex": String(place + 2) }, gutter, ...cells);
  }

  cellOf(value, column, place, index) {
    const kind = value === null || value === undefined ? "null" : typeof value;
    const active = this.cell.row === place && this.cell.column === index;
    const names = ["cell", `of-${kind}`, column.numeric ? "number" : "", active ? "active" : ""].join(" ");
    const open = () => {
      this.move(place, index);
      this.openDrawer();
    };
    return h(
      "div",
      {
        class: names,
        role: "gridcell",
        id: active ? this.activeId : null,
        "aria-colindex": String(index + 1),
        onclick: () => this.move(place, index),
        ondblclick: open,
      },
      kind === "null" ? "null" : inLine(value),
      kind === "object"
        ? h(
            "button",
            { type: "button", class: "expand", tabindex: "-1", "aria-label": "Open this value", onclick: open },
            icon(ICONS.right),
          )
        : null,
    );
  }

  /** Make another cell the active one. */
  move(row, column) {
    const old = this.cell.row;
    this.cell = {
      row: Math.max(0, Math.min(this.order.length - 1, row)),
      column: Math.max(0, Math.min(this.columns.length - 1, column)),
    };
    this.list.redrawRow(old);
    this.list.redrawRow(this.cell.row);
    if (!this.drawer.hidden) this.openDrawer();
  }

  key(event) {
    const { row, column } = this.cell;
    const steps = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + this.list.page, column],
      PageUp: [row - this.list.page, column],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? this.order.length - 1 : row, this.columns.length - 1],
    };
    if (event.key in steps && this.order.length > 0) {
      this.move(...steps[event.key]);
      this.list.reveal(this.cell.row);
      this.revealColumn();
      this.viewport.setAttribute("aria-activedescendant", this.activeId);
    } else if (event.key === "Enter" && event.target === this.viewport && !event.ctrlKey && !event.metaKey)
      this.openDrawer();
    else if (event.key === "Escape" && !this.drawer.hidden) this.closeDrawer();
    else if (event.key === "c" && (event.ctrlKey || event.metaKey) && String(getSelection()) === "")
      copyText(asText(this.active));
    else if (event.key === "o" && !event.ctrlKey && !event.metaKey) this.openTrace();
    else return;
    event.preventDefault();
  }

  revealColumn() {
    const cell = this.viewport.querySelector(`#${this.activeId}`);
    if (cell === null) return;
    const left = cell.offsetLeft - 64;
    if (left < this.viewport.scrollLeft) this.viewport.scrollLeft = left;
    else if (cell.offsetLeft + cell.offsetWidth > this.viewport.scrollLeft + this.viewport.clientWidth) {
      this.viewport.scrollLeft = cell.offsetLeft + cell.offsetWidth - this.viewport.clientWidth;
    }
  }

  get active() {
    return this.rows[this.order[this.cell.row]]?.[this.columns[this.cell.column]?.name] ?? null;
  }

  openTrace() {
    const link = this.traceOf?.(this.rows[this.order[this.cell.row]]);
    if (link) location.hash = link;
  }

  /** Show the active cell beside the table. */
  openDrawer() {
    const value = this.active;
    const name = this.columns[this.cell.column]?.name;
    if (name === undefined) return;
    const close = h(
      "button",
      { type: "button", class: "ghost", "aria-label": "Close", onclick: () => this.closeDrawer() },
      icon(ICONS.close),
    );
    const head = h(
      "div",
      { class: "drawer-head" },
      h("b", null, name),
      h("span", { class: "dim" }, `row ${count(this.order[this.cell.row] + 1)}`),
      h("span", { class: "grow" }),
      copyButton(() => asText(value)),
      close,
    );
    const body =
      value !== null && typeof value === "object"
        ? jsonTree(value, { open: 2 })
        : foldedText(value === null ? "null" : String(value), { most: 5000, name: "text plain" });
    this.drawer.replaceChildren(head, h("div", { class: "drawer-body", tabindex: "0" }, body));
    this.drawer.hidden = false;
  }

  closeDrawer() {
    if (this.drawer.hidden) return;
    const inside = this.drawer.contains(document.activeElement);
    this.drawer.hidden = true;
    if (inside) this.viewport.focus();
  }

  /** Return all rows as they are sorted, separated by tabs. */
  asTabs() {
    const names = this.columns.map((column) => column.name);
    const line = (cells) => cells.map((cell) => inLine(cell, Infinity)).join("\t");
    return [line(names), ...this.order.map((index) => line(names.map((name) => this.rows[index][name])))].join("\n");
  }
}
