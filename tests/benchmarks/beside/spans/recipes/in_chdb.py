"""In ClickHouse's SQL, laid out as Langfuse v4 does it.

The sort key is the minute, then a hash of the trace, so that the spans of a trace lie together. Texts are strings with
a text index each; what has paths is JSON, with types for the paths that are asked for, as the manual advises; Bloom
filters find ids. At the end all parts are merged into one.
"""

from __future__ import annotations

from benchmarks.beside.recipe import Pages, Recipe
from benchmarks.beside.spans.questions import FIELDS

_TEXT = "TYPE text(tokenizer = 'splitByNonAlpha', preprocessor = lower({0}))"

_TABLE = f"""
CREATE TABLE spans (
  id String CODEC(ZSTD(1)),
  _xact_id String CODEC(ZSTD(1)),
  _pagination_key String CODEC(ZSTD(1)),
  created DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
  span_id String CODEC(ZSTD(1)),
  root_span_id String CODEC(ZSTD(1)),
  span_parents Array(String) CODEC(ZSTD(1)),
  tags Array(String) CODEC(ZSTD(1)),
  input String CODEC(ZSTD(3)),
  output String CODEC(ZSTD(3)),
  expected String CODEC(ZSTD(3)),
  error String CODEC(ZSTD(3)),
  scores Map(String, Nullable(Float64)),
  metadata JSON(user_id Nullable(String), session_id Nullable(String), model LowCardinality(Nullable(String))),
  metrics JSON(start Nullable(Float64), `end` Nullable(Float64), tokens Nullable(Float64)),
  context String CODEC(ZSTD(1)),
  span_attributes JSON(name LowCardinality(Nullable(String)), type LowCardinality(Nullable(String))),
  origin String CODEC(ZSTD(1)),
  comments String CODEC(ZSTD(1)),
  queue String CODEC(ZSTD(1)),
  is_root Bool MATERIALIZED empty(span_parents),
  INDEX by_id id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX by_span span_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX by_trace root_span_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX by_user metadata.user_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX by_session metadata.session_id TYPE bloom_filter(0.01) GRANULARITY 1,
  INDEX in_input input {_TEXT.format("input")},
  INDEX in_output output {_TEXT.format("output")}
) ENGINE = MergeTree ORDER BY (toStartOfMinute(created), xxHash32(root_span_id), span_id, created)
"""

_INSERT = f"""
INSERT INTO spans ({FIELDS}) SELECT {FIELDS} FROM file('{{file}}', 'JSONEachRow',
  'id String, _xact_id String, _pagination_key String, created DateTime64(3, ''UTC''), span_id String,
   root_span_id String, span_parents Array(String), tags Array(String), input String, output String,
   expected String, error String, scores Map(String, Nullable(Float64)), metadata JSON,
   metrics JSON, context String, span_attributes JSON, origin String, comments String, queue String')
SETTINGS input_format_json_read_objects_as_strings = 1, input_format_json_read_arrays_as_strings = 1,
  input_format_json_read_numbers_as_strings = 1, date_time_input_format = 'best_effort',
  type_json_skip_duplicated_paths = 1
"""

_NEWEST_50 = "ORDER BY created DESC LIMIT 50"
_WHOLE = f"SELECT {FIELDS} FROM spans"

_SUMMARY = """
WITH roots AS (SELECT root_span_id, created, span_attributes.name AS name FROM spans
               WHERE is_root ORDER BY created DESC LIMIT 100)
SELECT r.root_span_id, any(r.created) AS created, any(r.name) AS name, sum(s.metrics.tokens) AS tokens,
       countIf(s.error != '' AND s.span_attributes.type IN ('llm', 'tool')) AS errors,
       countIf(s.span_attributes.type = 'llm') AS llm_calls,
       max(s.metrics.end) - min(s.metrics.start) AS duration
FROM spans AS s INNER JOIN roots AS r ON s.root_span_id = r.root_span_id
WHERE s.created >= (SELECT min(created) FROM roots)
GROUP BY r.root_span_id ORDER BY created DESC
"""

_LIST = (
    "SELECT id, created, span_attributes.name AS name, _pagination_key FROM spans WHERE is_root {after}"
    " ORDER BY _pagination_key DESC LIMIT 1000"
)

RECIPE = Recipe(
    load=(_TABLE, _INSERT, "OPTIMIZE TABLE spans FINAL"),
    texts={
        "newest 100": "SELECT id, created, span_attributes.name AS name, metadata.model AS model,"
        " metrics.tokens AS tokens FROM spans ORDER BY created DESC LIMIT 100",
        "newest 100 whole": f"{_WHOLE} ORDER BY created DESC LIMIT 100",
        "one span": f"{_WHOLE} WHERE id = '{{span}}'",
        "trace of 10": f"{_WHOLE} WHERE root_span_id = '{{trace_10}}'",
        "trace of 1,000": f"{_WHOLE} WHERE root_span_id = '{{trace_1000}}'",
        "trace of 10,000": f"{_WHOLE} WHERE root_span_id = '{{trace_10000}}'",
        "nested path newest 50": "SELECT id, created, metadata.user_id AS user FROM spans"
        f" WHERE metadata.release.version = '2.6.2' {_NEWEST_50}",
        "user newest 50": "SELECT id, created, span_attributes.name AS name FROM spans"
        f" WHERE metadata.user_id = '{{user}}' {_NEWEST_50}",
        "user count": "SELECT count() AS n FROM spans WHERE metadata.user_id = '{user}'",
        "one session": f"{_WHOLE} WHERE metadata.session_id = '{{session}}'",
        "by model": "SELECT metadata.model AS model, count() AS n, avg(metrics.tokens) AS tokens,"
        " quantileExactInclusive(0.95)(metrics.end - metrics.start) AS p95 FROM spans GROUP BY model",
        "error rate by hour": "SELECT toDateTime64(toStartOfHour(created), 3) AS h, "
        " countIf(error != '') / count() AS rate FROM spans GROUP BY h",
        "distinct users": "SELECT uniqExact(metadata.user_id) AS n FROM spans",
        "rare word": f"SELECT id, created, input FROM spans WHERE hasAllTokens(input, 'zyxomma') {_NEWEST_50}",
        "common word": f"SELECT id, created, input FROM spans WHERE hasAllTokens(input, 'they') {_NEWEST_50}",
        "common word count": "SELECT count() AS n FROM spans WHERE hasAllTokens(input, 'they')",
        "phrase": "SELECT id, created, input FROM spans WHERE hasAllTokens(input, 'over the rainbow')"
        f" AND hasPhrase(input, 'over the rainbow') {_NEWEST_50}",
        "two fields": "SELECT id, created, input, output FROM spans"
        f" WHERE hasAllTokens(input, 'zyxomma') OR hasAllTokens(output, 'cromulent') {_NEWEST_50}",
        "fragment": f"SELECT id, created FROM spans WHERE input ILIKE '%uokkalop%' {_NEWEST_50}",
        "fragment of words": f"SELECT id, created FROM spans WHERE input ILIKE '%bow over the hi%' {_NEWEST_50}",
        "summary of traces": _SUMMARY,
        "any span": "SELECT count() AS n FROM spans WHERE is_root"
        " AND root_span_id IN (SELECT root_span_id FROM spans WHERE error != '')"
        " AND root_span_id IN (SELECT root_span_id FROM spans WHERE metadata.model = 'claude-opus-4-1')",
        "scores": "SELECT score, avg(value) AS mean, count() AS n FROM spans"
        " ARRAY JOIN mapKeys(scores) AS score, mapValues(scores) AS value WHERE value IS NOT NULL GROUP BY score",
        "export": f"{_WHOLE} WHERE created >= parseDateTime64BestEffort('{{from}}', 3)"
        f" AND created < parseDateTime64BestEffort('{{to}}', 3)",
        "trace list": Pages(_LIST, "", "AND _pagination_key < '{3}'"),
    },
)
