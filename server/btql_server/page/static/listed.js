// A row of the list of traces, of which a summary is known.

import { h } from "./dom.js";
import { ago, duration, inLine, isNumber, moment, money, score, short } from "./format.js";

/** Return the row of a trace: the `index`-th from the top, a link to `href`. */
export function traceRow(row, { index, active, href }) {
  const metrics = row.metrics ?? {};
  const failed = row.span_type_info?.has_error === true || metrics.errors > 0 || row.error !== null;
  const cell = (name, text, title) => h("div", { role: "gridcell", class: name, title }, text);
  const scores = Object.entries(row.scores ?? {}).filter(([, value]) => isNumber(value));
  return h(
    "a",
    {
      class: `trace-row ${active ? "active" : ""} ${failed ? "failed" : ""}`,
      role: "row",
      id: `trace-${index}`,
      href,
      tabindex: "-1",
      "aria-rowindex": String(index + 2),
    },
    cell("when", ago(row.created), `${moment(row.created)} (${row.created})`),
    h(
      "div",
      { role: "gridcell", class: "what" },
      h("span", { class: failed ? "state bad" : "state", title: failed ? "has errors" : "no errors" }),
      h("span", { class: "span-name" }, inLine(row.span_attributes?.name ?? row.root_span_id)),
      (row.tags ?? []).slice(0, 2).map((tag) => h("span", { class: "chip" }, tag)),
    ),
    cell("text", preview(row.input)),
    cell(row.error && !row.output ? "text bad" : "text", preview(row.output ?? row.error)),
    cell("number", duration(metrics.duration)),
    cell(
      "number",
      metrics.llm_calls
        ? `${short(metrics.llm_calls)}${metrics.tool_calls ? ` + ${short(metrics.tool_calls)}` : ""}`
        : "",
      `${metrics.llm_calls ?? 0} model calls, ${metrics.tool_calls ?? 0} tool calls`,
    ),
    cell("number", metrics.total_tokens ? short(metrics.total_tokens) : "", `${metrics.total_tokens ?? 0} tokens`),
    cell("number", metrics.estimated_cost ? money(metrics.estimated_cost) : ""),
    cell(
      "score-cell",
      scores
        .slice(0, 3)
        .map(([name, value]) => h("span", { class: value < 0.5 ? "chip low" : "chip", title: name }, score(value))),
    ),
  );
}

/** Return a preview as a person would begin to read it. */
function preview(value) {
  const text = inLine(value, 200);
  const content = /"content":\s*"((?:[^"\\]|\\.)*)/.exec(text) ?? /^"((?:[^"\\]|\\.)*)"?$/.exec(text);
  return content === null ? text : content[1].replaceAll('\\"', '"').replaceAll("\\n", " ");
}
