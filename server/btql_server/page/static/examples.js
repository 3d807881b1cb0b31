// Queries to begin with.

const lines = (...clauses) => clauses.join("\n");

/** Return what each query is for, and its text, about one source. */
export function examples(source) {
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
