// A row of the trace view: where a span is in the tree, what it and all below it add up to, and when it was.

import { h } from "./dom.js";
import { count, duration, money } from "./format.js";

const STEP = 14;
/** Deeper rows are no further to the right. */
const DEEPEST = 24;

/** Return the row of a span. `range` is what the timeline shows, `open` when a span without an end is drawn to end. */
export function spanRow(node, { chosen, found, range, open, onchoose, ontwist }) {
  const flags = [chosen ? "chosen" : "", found ? "hit" : "", node.failed ? "failed" : ""];
  const inside = node.children.length > 0;
  return h(
    "div",
    {
      class: ["tree-row", ...flags].filter(Boolean).join(" "),
      role: "treeitem",
      id: `span-${node.place}`,
      "aria-level": String(node.depth + 1),
      "aria-selected": String(chosen),
      "aria-expanded": inside ? String(!node.closed) : null,
      "aria-label": spoken(node),
      "aria-posinset": String(node.position),
      "aria-setsize": String(node.siblings),
      "data-index": String(node.index),
      onclick: onchoose,
      ondblclick: ontwist,
    },
    name(node, inside, ontwist),
    h("div", { class: "number tokens" }, node.total.tokens > 0 ? count(node.total.tokens) : ""),
    h("div", { class: "number cost" }, node.total.cost > 0 ? money(node.total.cost) : ""),
    lane(node, range, open),
  );
}

function name(node, inside, ontwist) {
  const twist = h("span", {
    class: inside ? `twist ${node.closed ? "" : "open"}` : "twist none",
    "aria-hidden": "true",
    onclick: ontwist,
  });
  return h(
    "div",
    { class: "tree-name", style: { "padding-left": `${8 + Math.min(node.depth, DEEPEST) * STEP}px` } },
    twist,
    h("span", { class: `dot type-${node.type}` }),
    h("span", { class: "span-name" }, node.name),
    node.failed ? h("span", { class: "failed-dot", title: "failed" }) : null,
    inside && node.closed ? folded(node) : null,
  );
}

/** Say what is hidden below a span that is closed. */
function folded(node) {
  const failures = node.total.failed > Number(node.failed) ? h("span", { class: "failed-dot" }) : null;
  return h("span", { class: "folded" }, `+${count(node.total.spans - 1)}`, failures);
}

/** Return the bar of a span on the timeline. */
function lane(node, { start, end }, open) {
  const length = end - start || 1;
  const from = (node.start - start) / length;
  const to = ((node.end ?? open) - start) / length;
  const element = h("div", { class: "lane" });
  if (!(to >= 0 && from <= 1)) return element;
  const left = Math.max(0, from);
  const width = Math.min(1, to) - left;
  const bar = h("span", {
    class: `span-bar type-${node.type} ${node.failed ? "failed" : ""} ${node.end === null ? "running" : ""}`,
    style: { left: `${left * 100}%`, width: `${width * 100}%` },
  });
  const text = h("span", { class: "bar-text" }, node.end === null ? "not ended" : duration(node.seconds));
  // Where the bar ends near the right edge, its text stands before it, or on it.
  if (left + width < 0.82) text.style.setProperty("left", `calc(${(left + width) * 100}% + 6px)`);
  else if (left > 0.18) text.style.setProperty("right", `calc(${(1 - left) * 100}% + 6px)`);
  else {
    text.classList.add("inside");
    text.style.setProperty("left", `calc(${left * 100}% + 6px)`);
  }
  element.append(bar, text);
  return element;
}

/** What a screen reader says of a row. */
function spoken(node) {
  const parts = [node.name, node.type, node.end === null ? "not ended" : duration(node.seconds)];
  if (node.total.tokens > 0) parts.push(`${count(node.total.tokens)} tokens`);
  if (node.failed) parts.push("failed");
  return parts.filter(Boolean).join(", ");
}
