// Queries to begin with.

import { h } from "./dom.js";
import { plural, sourceText } from "./format.js";

const lines = (...clauses) => clauses.join("\n");

/** Return the list of them, about one of the objects that are `known`; `onpick` is called with the text of one. */
export function exampleList(known, onpick) {
  const first = known.find((each) => each.kind === "project_logs") ?? known[0];
  const source = first ? sourceText(`${first.kind}:${first.name}`) : "project_logs('my-project')";
  return [
    h("h2", null, "Begin with one of these"),
    ...examples(source).map(([what, text]) =>
      h(
        "button",
        { type: "button", class: "example", onclick: () => onpick(text) },
        h("span", null, what),
        h("code", null, text),
      ),
    ),
    h(
      "p",
      { class: "dim" },
      `Ctrl Space completes clauses, functions, ${plural(known.length, "object")} and their fields.`,
    ),
  ];
}

/** Return what each query is for, and its text, about one source. */
function examples(source) {
  return [
    [
      "The newest spans",
      lines(
        "select: created, span_attributes.name, span_attributes.type, metrics.tokens, input, output, root_span_id",
        `| from: ${source}`,
        "| limit: 100",
      ),
    ],
    [
      "Calls, latency and cost by model",
      lines(
        `from: ${source}`,
        "| dimensions: metadata.model as model",
        "| measures: count(1) as calls,",
        "    percentile(metrics.end - metrics.start, 0.95) as p95,",
        "    sum(estimated_cost()) as cost",
        "| filter: span_attributes.type = 'llm'",
        "| sort: calls desc",
      ),
    ],
    [
      "The slowest traces",
      lines(
        "select: root_span_id, span_attributes.name, metrics.duration, metrics.total_tokens, metrics.errors, scores",
        `| from: ${source} summary`,
        "| sort: metrics.duration desc",
        "| limit: 50",
      ),
    ],
    [
      "Errors, hour by hour",
      lines(
        "SELECT hour(created) AS hour, count(error) AS errors, count(1) AS spans",
        `FROM ${source}`,
        "GROUP BY 1",
        "ORDER BY 1",
      ),
    ],
    [
      "Everything that mentions a phrase",
      lines(
        "select: created, root_span_id, span_attributes.name, input",
        `| from: ${source}`,
        "| filter: search('over the rainbow')",
        "| limit: 50",
      ),
    ],
  ];
}
