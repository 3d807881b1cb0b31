// A chart of chosen columns, drawn by hand: bars or lines, over texts, numbers or times.

import { h, svg } from "./dom.js";
import { count, inLine, isNumber, moment, roundStep, short } from "./format.js";

const TIME = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const MARGIN = { left: 58, right: 16, top: 14, bottom: 44 };
const PADDING = 12;
const LEGEND = 22;
const BARS_MOST = 400;
const POINTS_MOST = 5_000;

const isTime = (value) => typeof value === "string" && TIME.test(value);
const present = (rows, name) => rows.map((row) => row[name]).filter((value) => value !== null && value !== undefined);

/** Return numbers at round distances that cover the range. */
export function ticks(low, high, wanted) {
  const span = high - low || Math.abs(high) || 1;
  const step = roundStep(span / wanted);
  const first = Math.ceil(low / step) * step;
  // Counted, as numbers may be so large that adding a step changes nothing.
  const steps = Math.floor((high - first) / step + 1e-9);
  return Array.from({ length: steps + 1 }, (_, at) => Number((first + at * step).toPrecision(12)));
}

/** Say which columns a chart of these rows would have: one across, those with numbers upwards. */
function suggested(columns, rows) {
  const every = (name, test) => {
    const values = present(rows, name);
    return values.length > 0 && values.every(test);
  };
  const numeric = columns.filter((name) => every(name, isNumber));
  const x =
    columns.find((name) => every(name, isTime)) ?? columns.find((name) => !numeric.includes(name)) ?? columns[0];
  const ys = numeric.filter((name) => name !== x);
  return { x, ys: ys.slice(0, 3), numeric, kind: x !== undefined && every(x, isTime) ? "line" : "bar" };
}

export class Chart {
  constructor() {
    this.columns = [];
    this.rows = [];
    this.choice = { x: null, ys: [], kind: "bar" };
    this.controls = h("div", { class: "chart-controls" });
    this.canvas = h("div", { class: "chart-canvas" });
    this.element = h("div", { class: "chart" }, this.controls, this.canvas);
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }

  /** Show rows; what was chosen before stays where the columns are the same. */
  show(columns, rows) {
    const found = suggested(columns, rows);
    const known =
      columns.join("\n") === this.columns.join("\n") && this.choice.ys.some((name) => found.numeric.includes(name));
    this.columns = columns;
    this.rows = rows;
    this.numeric = found.numeric;
    if (!known) this.choice = { x: found.x, ys: found.ys.slice(0, 1), kind: found.kind };
    this.drawControls();
    this.draw();
  }

  drawControls() {
    const set = (change) => {
      Object.assign(this.choice, change);
      this.draw();
    };
    const options = (names, chosen) =>
      names.map((name) => h("option", { value: name, selected: name === chosen }, name));
    const kinds = ["bar", "line"].map((kind) =>
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: "radio",
          name: "chart-kind",
          value: kind,
          checked: kind === this.choice.kind,
          onchange: () => set({ kind }),
        }),
        kind === "bar" ? "Bars" : "Line",
      ),
    );
    const ys = this.numeric.map((name) => {
      const box = h("input", { type: "checkbox", value: name, checked: this.choice.ys.includes(name) });
      box.addEventListener("change", () => {
        const others = this.choice.ys.filter((each) => each !== name);
        set({ ys: box.checked ? [...others, name] : others });
      });
      return h("label", { class: "choice" }, box, name);
    });
    this.controls.replaceChildren(
      h("fieldset", null, h("legend", null, "Kind"), kinds),
      h(
        "label",
        { class: "stacked" },
        h("span", null, "Across"),
        h("select", { onchange: (event) => set({ x: event.target.value }) }, options(this.columns, this.choice.x)),
      ),
      h(
        "fieldset",
        null,
        h("legend", null, "Upwards"),
        ys.length > 0 ? ys : h("span", { class: "dim" }, "no column has numbers"),
      ),
    );
  }

  draw() {
    const { x, ys, kind } = this.choice;
    const width = this.canvas.clientWidth - 2 * PADDING;
    const height = this.canvas.clientHeight - 2 * PADDING - LEGEND;
    if (width <= 0) return;
    const say = (text) => this.canvas.replaceChildren(h("p", { class: "empty" }, text));
    if (this.rows.length === 0) return say("There are no rows to draw.");
    if (ys.length === 0)
      return say(this.numeric.length === 0 ? "A chart needs a column of numbers." : "Choose a column to draw upwards.");
    const rows = this.points(x, kind);
    const scale = this.scale(rows, x, ys, kind, width, Math.max(180, height));
    const label = `${kind === "bar" ? "Bars" : "Lines"} of ${ys.join(", ")} over ${x}, ${count(rows.length)} points`;
    const drawing = svg("svg", { class: "drawing", role: "img", "aria-label": label, width, height: scale.height });
    drawing.append(...this.axes(scale, rows, x));
    ys.forEach((name, series) =>
      drawing.append(
        ...(kind === "bar" ? this.bars(scale, rows, name, series, ys.length) : this.line(scale, rows, name, series)),
      ),
    );
    const cut =
      rows.length < this.rows.length
        ? h("p", { class: "dim note" }, `The first ${count(rows.length)} of ${count(this.rows.length)} rows.`)
        : null;
    this.canvas.replaceChildren(this.legend(ys), drawing, ...(cut === null ? [] : [cut]));
    this.hover(drawing, scale, rows, x, ys);
  }

  /** Return the rows to draw; lines over times and numbers go from left to right. */
  points(x, kind) {
    const values = present(this.rows, x);
    const ordered = values.length > 0 && (values.every(isTime) || values.every(isNumber));
    const known = ordered ? this.rows.filter((row) => row[x] !== null && row[x] !== undefined) : this.rows;
    const rows = known.slice(0, kind === "bar" ? BARS_MOST : POINTS_MOST);
    const at = (row) => (isNumber(row[x]) ? row[x] : Date.parse(row[x]));
    return ordered ? [...rows].sort((a, b) => at(a) - at(b)) : rows;
  }

  scale(rows, x, ys, kind, width, height) {
    const numbers = rows.flatMap((row) => ys.map((name) => row[name])).filter(isNumber);
    const low = Math.min(0, ...numbers);
    const high = Math.max(0, ...numbers) || (low === 0 ? 1 : 0);
    const steps = ticks(low, high, 5);
    const top = Math.max(high, ...steps.slice(-1));
    const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
    const values = rows.map((row) => row[x]);
    const at = values.every(isTime) ? values.map((value) => Date.parse(value)) : values.every(isNumber) ? values : null;
    const even = kind === "bar" || at === null || rows.length < 2 || at.at(-1) === at[0];
    const slot = inner.width / rows.length;
    const across = (index) =>
      MARGIN.left + (even ? (index + 0.5) * slot : ((at[index] - at[0]) / (at.at(-1) - at[0])) * inner.width);
    const up = (value) => MARGIN.top + inner.height * (1 - (value - low) / (top - low));
    return { across, up, steps, slot, width, height, bottom: MARGIN.top + inner.height, low };
  }

  axes(scale, rows, x) {
    const right = scale.width - MARGIN.right;
    const lines = scale.steps.flatMap((step) => [
      svg("line", {
        class: step === 0 ? "axis" : "rule",
        x1: MARGIN.left,
        x2: right,
        y1: scale.up(step),
        y2: scale.up(step),
      }),
      svg(
        "text",
        { class: "tick", x: MARGIN.left - 8, y: scale.up(step) + 4, "text-anchor": "end" },
        Math.abs(step) >= 10_000 ? short(step) : String(step),
      ),
    ]);
    const every = Math.max(1, Math.ceil(rows.length / Math.max(1, Math.floor((right - MARGIN.left) / 96))));
    const names = rows.flatMap((row, index) => {
      if (index % every !== 0) return [];
      const text = isTime(row[x])
        ? row[x].slice(0, 16).replace("T", " ").replace(" 00:00", "")
        : inLine(row[x] ?? "null", 40);
      const room = Math.max(8, Math.floor((scale.slot * every) / 7));
      return [
        svg(
          "text",
          { class: "tick", x: scale.across(index), y: scale.bottom + 18, "text-anchor": "middle" },
          text.length > room ? `${text.slice(0, room - 1)}…` : text,
        ),
      ];
    });
    return [
      ...lines,
      ...names,
      svg(
        "text",
        { class: "tick title", x: (MARGIN.left + right) / 2, y: scale.bottom + 38, "text-anchor": "middle" },
        x,
      ),
    ];
  }

  bars(scale, rows, name, series, among) {
    const whole = Math.min(64, scale.slot * 0.76);
    const width = Math.max(1, whole / among);
    return rows.flatMap((row, index) => {
      if (!isNumber(row[name])) return [];
      const [from, to] = [scale.up(Math.max(0, scale.low)), scale.up(row[name])];
      return [
        svg("rect", {
          class: `series-${series % 6}`,
          x: scale.across(index) - whole / 2 + series * width,
          width,
          y: Math.min(from, to),
          height: Math.max(0.5, Math.abs(from - to)),
          rx: Math.min(2, width / 3),
        }),
      ];
    });
  }

  line(scale, rows, name, series) {
    const points = rows
      .map((row, index) => [scale.across(index), row[name]])
      .filter(([, value]) => isNumber(value))
      .map(([at, value]) => [at, scale.up(value)]);
    const path = points
      .map(([at, up], index) => `${index === 0 ? "M" : "L"}${at.toFixed(1)} ${up.toFixed(1)}`)
      .join("");
    const dots =
      points.length > 80
        ? []
        : points.map(([at, up]) => svg("circle", { class: `series-${series % 6}`, cx: at, cy: up, r: 3 }));
    return [svg("path", { class: `stroke-${series % 6}`, d: path }), ...dots];
  }

  legend(ys) {
    return h(
      "div",
      { class: "legend" },
      ys.map((name, series) => h("span", null, h("i", { class: `swatch series-${series % 6}` }), name)),
    );
  }

  /** Show the values of the point that is nearest to the pointer. */
  hover(drawing, scale, rows, x, ys) {
    const tip = h("div", { class: "tip", hidden: true });
    const rule = svg("line", { class: "cursor-line", y1: MARGIN.top, y2: scale.bottom, visibility: "hidden" });
    drawing.append(rule);
    this.canvas.append(tip);
    const places = rows.map((_, index) => scale.across(index));
    drawing.addEventListener("pointermove", (event) => {
      const at = event.clientX - drawing.getBoundingClientRect().left;
      const nearest = places.reduce(
        (best, place, index) => (Math.abs(place - at) < Math.abs(places[best] - at) ? index : best),
        0,
      );
      const row = rows[nearest];
      rule.setAttribute("x1", places[nearest]);
      rule.setAttribute("x2", places[nearest]);
      rule.setAttribute("visibility", "visible");
      const head = isTime(row[x]) ? `${row[x]} · ${moment(row[x])}` : inLine(row[x] ?? "null", 60);
      tip.replaceChildren(h("b", null, head), ...ys.map((name) => h("div", null, `${name}: ${row[name] ?? "null"}`)));
      tip.hidden = false;
      tip.style.setProperty("left", `${Math.min(places[nearest] + 12, scale.width - tip.offsetWidth - 4)}px`);
    });
    drawing.addEventListener("pointerleave", () => {
      tip.hidden = true;
      rule.setAttribute("visibility", "hidden");
    });
  }
}
