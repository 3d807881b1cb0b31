// A trace: its tree and its timeline in one list, and the span that is chosen beside it.

import { askRows } from "./api.js";
import { SpanDetail } from "./detail.js";
import { button, drag, h } from "./dom.js";
import { plural, quoted, sourceText } from "./format.js";
import { traceHead, wayBack } from "./head.js";
import { keyAnywhere, keyHints, keyInTree } from "./keys.js";
import { objectLink, showAddress, traceLink } from "./links.js";
import { Trace } from "./model.js";
import { spanRow } from "./row.js";
import { TraceSearch } from "./search.js";
import { ticks } from "./ticks.js";
import { VirtualRows } from "./virtual.js";

const ROW = 26;
const REDRAW_MS = 250;
/** What the tree needs of a span; its documents come when it is chosen. */
const NARROW =
  "id, span_id, root_span_id, span_parents, is_root, created, span_attributes, metrics, scores, " +
  "metadata.model as model, error is not null as failed, estimated_cost() as cost";

export class TraceView {
  constructor() {
    this.object = null;
    this.id = null;
    this.trace = new Trace([]);
    this.lines = [];
    this.chosen = null;
    this.head = h("div", { class: "trace-head" });
    this.search = new TraceSearch({
      onmatch: (node) => this.choose(node, { reveal: true }),
      onchange: () => this.list.redraw(),
      onleave: () => this.tree.focus(),
    });
    this.axis = h("div", { class: "lane axis", "aria-hidden": "true" });
    this.treeHead = h(
      "div",
      { class: "tree-head", role: "presentation" },
      h(
        "div",
        { class: "tree-name" },
        "Span",
        h("span", { class: "grip", "aria-hidden": "true", onpointerdown: (event) => this.resize(event, "--name") }),
      ),
      h("div", { class: "number tokens" }, "Tokens"),
      h("div", { class: "number cost" }, "Cost"),
      this.axis,
    );
    this.tree = h(
      "div",
      {
        class: "tree",
        role: "tree",
        tabindex: "0",
        "aria-label": "Spans",
        onkeydown: (event) => keyInTree(this, event),
      },
      this.treeHead,
    );
    this.list = new VirtualRows(this.tree, ROW, (index) => this.line(this.lines[index]));
    this.detail = new SpanDetail({
      onshown: () => this.search.highlight(this.detail.element),
      onleave: () => this.tree.focus(),
    });
    this.build();
  }

  build() {
    this.errors = button("", () => this.nextError(), { class: "quiet errors", hidden: true });
    this.zoomed = button("Zoom out", () => this.zoom(null), { class: "quiet", hidden: true });
    const tools = h(
      "div",
      { class: "bar trace-tools" },
      this.search.element,
      this.errors,
      this.zoomed,
      h("span", { class: "grow" }),
      button("Refresh", () => this.refresh(), { class: "quiet", title: "Fetch the spans again (r)" }),
      button("Unfold all", () => this.foldAll(false), { class: "quiet" }),
      button("Fold all", () => this.foldAll(true), { class: "quiet" }),
    );
    const handle = h("div", {
      class: "split-handle",
      "aria-hidden": "true",
      onpointerdown: (event) => this.resize(event, "--detail", -1),
    });
    this.split = h("div", { class: "split" }, this.tree, handle, this.detail.element);
    this.notice = h("div", { class: "problems", role: "alert", hidden: true });
    this.element = h(
      "div",
      { class: "trace", onkeydown: (event) => keyAnywhere(this, event) },
      this.head,
      tools,
      this.notice,
      this.split,
      keyHints(),
    );
  }

  get title() {
    return this.trace.root ? `${this.trace.root.name} · trace` : "Trace";
  }

  /** Show the trace that a link names, and the span, if it names one. */
  async open(parameters) {
    const [object, id] = [parameters.get("trace"), parameters.get("id")];
    const span = parameters.get("span");
    if (object === this.object && id === this.id && this.trace.nodes.length > 0) {
      const node = this.find(span);
      if (node) this.choose(node, { reveal: true });
      this.tree.focus();
      return;
    }
    this.loading?.abort();
    this.loading = new AbortController();
    Object.assign(this, { object, id, wanted: span, chosen: null, lines: [], window: null });
    this.trace = new Trace([]);
    this.detail.clear();
    this.search.reset(object, id);
    this.notice.hidden = true;
    this.tree.scrollTop = 0;
    this.tree.setAttribute("aria-busy", "true");
    this.head.replaceChildren(h("span", { class: "dim" }, "loading …"));
    this.list.setCount(0);
    await this.load(this.loading.signal);
  }

  /** Fetch the trace again: it may go on. */
  async refresh() {
    if (this.id === null) return;
    this.loading?.abort();
    this.loading = new AbortController();
    const [{ signal }, before] = [this.loading, this.chosen];
    this.detail.forget();
    this.chosen = null;
    await this.load(signal);
    // Where nothing came, what was there before is still there.
    if (!signal.aborted) this.chosen ??= before;
  }

  /** Fetch the spans in narrow rows, and draw what is there from time to time. */
  async load(signal) {
    const rows = [];
    let drawn = 0;
    try {
      const query = `select: ${NARROW} | from: ${sourceText(this.object)} | filter: root_span_id = ${quoted(this.id)}`;
      for await (const found of askRows(query, { signal, disable_limit: true, lint_mode: "off" })) {
        rows.push(...found);
        if (performance.now() - drawn > REDRAW_MS) {
          this.show(rows, { whole: false });
          drawn = performance.now();
        }
      }
      if (signal.aborted) return;
      if (rows.length === 0) this.fail("There is no such trace, or the key may not read it.");
      else this.show(rows, { whole: true });
    } catch (error) {
      if (!signal.aborted) this.fail(error.message);
    }
    this.tree.setAttribute("aria-busy", "false");
  }

  fail(message) {
    this.head.replaceChildren(wayBack(this.object), h("span", { class: "dim" }, this.id ?? ""));
    this.notice.replaceChildren(h("p", null, message));
    this.notice.hidden = false;
  }

  show(rows, { whole }) {
    const closed = new Set(this.trace.nodes.filter((node) => node.closed).map((node) => node.id));
    this.trace = new Trace(rows);
    this.notice.hidden = true;
    for (const id of closed) if (this.trace.byId.has(id)) this.trace.byId.get(id).closed = true;
    const { root } = this.trace;
    // As long as spans are missing, what looks like the root may be any of them.
    const node = this.find(this.wanted) ?? (whole || root.row.is_root === true ? root : undefined);
    const known = node !== undefined && node.id === this.chosen?.id;
    this.chosen = known ? node : null;
    this.search.setTrace(this.trace);
    this.drawHead();
    this.drawLines();
    if (node !== undefined && !known) {
      this.mark(node, { reveal: true });
      if (!this.search.element.contains(document.activeElement)) this.tree.focus({ preventScroll: true });
    }
    if (!this.element.hidden) document.title = `${this.title} · btql`;
  }

  /** Return the span with a row id or a span id. */
  find(id) {
    if (id === null || id === undefined) return undefined;
    return this.trace.byId.get(id) ?? this.trace.nodes.find((node) => node.row.span_id === id);
  }

  drawHead() {
    const sums = this.trace.sums();
    this.head.replaceChildren(...traceHead(this.trace, sums, this.object, this.id));
    this.errors.hidden = sums.errors === 0;
    this.errors.textContent = `Next of ${plural(sums.errors, "error")}`;
  }

  drawLines() {
    this.lines = this.trace.visible();
    this.lines.forEach((node, index) => {
      node.index = index;
    });
    this.drawAxis();
    this.list.setCount(this.lines.length);
  }

  get range() {
    return this.window ?? { start: this.trace.start, end: this.trace.end };
  }

  drawAxis() {
    const { start, end } = this.range;
    const { marks, step } = ticks(end - start, start - this.trace.start);
    this.axis.replaceChildren(...marks);
    this.tree.style.setProperty("--grid", `${step * 100}%`);
    this.zoomed.hidden = !this.window;
  }

  /** Return the row of a span: its place in the tree, its sums, and its bar. */
  line(node) {
    return spanRow(node, {
      chosen: node === this.chosen,
      found: this.search.has(node),
      range: this.range,
      open: this.trace.end,
      onchoose: () => this.choose(node),
      ontwist: (event) => {
        event.stopPropagation();
        this.fold(node, !node.closed);
      },
    });
  }

  fold(node, closed) {
    if (node.children.length === 0 || node.closed === closed) return;
    node.closed = closed;
    this.drawLines();
  }

  foldAll(closed) {
    for (const node of this.trace.nodes) node.closed = closed && node.children.length > 0 && node.depth > 0;
    this.drawLines();
    if (this.chosen) this.choose(this.nearestShown(this.chosen), { reveal: true });
  }

  nearestShown(node) {
    let at = node;
    for (let above = node.parent; above !== null; above = above.parent) if (above.closed) at = above;
    return at;
  }

  /** Choose a span: mark its row, and show it. */
  choose(node, options) {
    if (node === undefined) return;
    this.wanted = node.id;
    this.mark(node, options);
  }

  mark(node, { reveal = false } = {}) {
    if (reveal && this.nearestShown(node) !== node) {
      this.trace.uncover(node);
      this.drawLines();
    }
    const before = this.chosen;
    this.chosen = node;
    if (before && before.index !== undefined) this.list.redrawRow(before.index);
    if (reveal) this.list.reveal(node.index);
    this.list.redrawRow(node.index);
    this.tree.setAttribute("aria-activedescendant", `span-${node.place}`);
    showAddress(this, this.link(node));
    this.detail.show(node, { object: this.object, trace: this.trace, link: this.link(node) });
  }

  link(node) {
    return traceLink(this.object, this.id, node === null || node === this.trace.root ? "" : node.id);
  }

  nextError() {
    const failed = this.trace.inOrder.filter((node) => node.failed);
    const next = failed.find((node) => node.place > (this.chosen?.place ?? -1)) ?? failed[0];
    this.choose(next, { reveal: true });
  }

  /** Fit the timeline to one span; null shows the whole trace. */
  zoom(node) {
    this.window =
      node === null || node.end === null || node.end === node.start ? null : { start: node.start, end: node.end };
    this.drawAxis();
    this.list.redraw();
  }

  /** Go back to the list of traces. */
  leave() {
    location.hash = objectLink(this.object);
  }

  /** Drag a border; the width is kept in a custom property of the view. */
  resize(event, property, direction = 1) {
    const box = property === "--name" ? this.treeHead.firstChild : this.detail.element;
    const width = box.getBoundingClientRect().width;
    drag(event, (far) => this.split.style.setProperty(property, `${Math.max(140, width + direction * far)}px`));
  }
}
