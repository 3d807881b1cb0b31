// The head of the trace view: the way back, what the trace is called, and what its spans add up to.

import { button, copyText, h } from "./dom.js";
import { count, duration, moment, money, plural } from "./format.js";
import { objectLink, queryLink, traceLink, traceQuery, wholeAddress } from "./links.js";
import { scoreLine } from "./span.js";

/** Return the link to the traces of an object. */
export function wayBack(object) {
  return h(
    "a",
    { class: "back", href: objectLink(object), title: "To the traces of this object" },
    "←",
    h("span", { class: "unseen" }, "To the traces of this object"),
  );
}

/** Return what stands in the head, from left to right. */
export function traceHead(trace, sums, object, id) {
  const { root } = trace;
  const facts = [
    ["Took", duration(sums.seconds), `${moment(trace.start * 1000)} to ${moment(trace.end * 1000)}`],
    [
      "Spans",
      count(sums.spans),
      `${plural(sums.llm, "model call")}, ${plural(sums.tools, "tool call")}, ${count(sums.open)} not ended`,
    ],
    [
      "Tokens",
      count(sums.tokens),
      `${count(sums.prompt)} prompt (${count(sums.cached)} cached), ${count(sums.completion)} completion`,
    ],
    ["Cost", money(sums.cost), `$${sums.cost}`],
    ["Errors", count(sums.errors), "spans with an error"],
  ];
  const scores = trace.scores().map(([name, value]) => scoreLine(name, value));
  return [
    wayBack(object),
    h(
      "div",
      { class: "trace-name" },
      h("h1", null, root.name),
      h("span", { class: "dim" }, moment(root.row.created), " · ", h("code", null, id)),
    ),
    h(
      "dl",
      { class: "sums" },
      facts.map(([name, value, title]) =>
        h(
          "div",
          { title, class: name === "Errors" && sums.errors > 0 ? "bad" : "" },
          h("dt", null, name),
          h("dd", null, value),
        ),
      ),
    ),
    h("div", { class: "trace-scores" }, scores),
    button("Copy link", () => copyText(wholeAddress(traceLink(object, id))), { class: "quiet" }),
    h("a", { class: "button quiet", href: queryLink(traceQuery(object, id)) }, "Query"),
  ];
}
