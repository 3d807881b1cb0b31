"""In PostgreSQL's SQL: jsonb for what has fields, GIN over metadata's paths and over the words of texts."""

from __future__ import annotations

from benchmarks.beside.recipe import Pages, Recipe
from benchmarks.beside.spans.questions import FIELDS, JSON_FIELDS, TEXT_FIELDS, WHOLE

_TYPES = {**dict.fromkeys(TEXT_FIELDS, "text"), "created": "timestamptz", **dict.fromkeys(JSON_FIELDS, "jsonb")}
_READ = {
    **{name: f"d->>'{name}'" for name in TEXT_FIELDS},
    "created": "(d->>'created')::timestamptz",
    **{name: f"d->'{name}'" for name in JSON_FIELDS},
}
# OFFSET keeps the planner from parsing a document once for each field.
_PARSED = "(SELECT doc::jsonb AS d FROM raw OFFSET 0) AS rows"

_WHOLE = f"SELECT {FIELDS} FROM spans"
_NEWEST_50 = "ORDER BY created DESC LIMIT 50"
_NAME, _MODEL, _USER = "span_attributes->>'name'", "metadata->>'model'", "metadata->>'user_id'"


def _words(column: str, query: str) -> str:
    return f"to_tsvector('simple', {column}) @@ {query}"


_ZYXOMMA = _words("input", "to_tsquery('simple', 'zyxomma')")
_THEY = _words("input", "to_tsquery('simple', 'they')")
_PHRASE = _words("input", "phraseto_tsquery('simple', 'over the rainbow')")
_CROMULENT = _words("output", "to_tsquery('simple', 'cromulent')")

RECIPE = Recipe(
    load=(
        f"CREATE TABLE spans ({', '.join(f'{name} {_TYPES[name]}' for name in WHOLE)}, is_root boolean)",
        f"INSERT INTO spans SELECT {', '.join(_READ[name] for name in WHOLE)}, NOT d ? 'span_parents' FROM {_PARSED}",
        "ALTER TABLE spans ADD PRIMARY KEY (id)",
        "CREATE INDEX ON spans (created)",
        "CREATE INDEX ON spans (root_span_id)",
        "CREATE INDEX ON spans (_pagination_key) WHERE is_root",
        "CREATE INDEX ON spans (created) WHERE is_root",
        "CREATE INDEX ON spans USING gin (metadata jsonb_path_ops)",
        "CREATE INDEX ON spans USING gin (to_tsvector('simple', input))",
        "CREATE INDEX ON spans USING gin (to_tsvector('simple', output))",
    ),
    texts={
        "newest 100": f"SELECT id, created, {_NAME}, {_MODEL}, (metrics->>'tokens')::float8"
        " FROM spans ORDER BY created DESC LIMIT 100",
        "newest 100 whole": f"{_WHOLE} ORDER BY created DESC LIMIT 100",
        "one span": f"{_WHOLE} WHERE id = '{{span}}'",
        "trace of 10": f"{_WHOLE} WHERE root_span_id = '{{trace_10}}'",
        "trace of 1,000": f"{_WHOLE} WHERE root_span_id = '{{trace_1000}}'",
        "trace of 10,000": f"{_WHOLE} WHERE root_span_id = '{{trace_10000}}'",
        "nested path newest 50": f"SELECT id, created, {_USER} FROM spans"
        f""" WHERE metadata @> '{{"release": {{"version": "2.6.2"}}}}' {_NEWEST_50}""",
        "user newest 50": f"SELECT id, created, {_NAME} FROM spans"
        f""" WHERE metadata @> '{{"user_id": "{{user}}"}}' {_NEWEST_50}""",
        "user count": """SELECT count(*) FROM spans WHERE metadata @> '{"user_id": "{user}"}'""",
        "one session": f"""{_WHOLE} WHERE metadata @> '{{"session_id": "{{session}}"}}'""",
        "by model": f"SELECT {_MODEL} AS model, count(*), avg((metrics->>'tokens')::float8), percentile_cont(0.95)"
        " WITHIN GROUP (ORDER BY (metrics->>'end')::float8 - (metrics->>'start')::float8) FROM spans GROUP BY 1",
        "error rate by hour": "SELECT date_trunc('hour', created), count(error)::float8 / count(*)"
        " FROM spans GROUP BY 1",
        "distinct users": f"SELECT count(DISTINCT {_USER}) FROM spans",
        "rare word": f"SELECT id, created, input FROM spans WHERE {_ZYXOMMA} {_NEWEST_50}",
        "common word": f"SELECT id, created, input FROM spans WHERE {_THEY} {_NEWEST_50}",
        "common word count": f"SELECT count(*) FROM spans WHERE {_THEY}",
        "phrase": f"SELECT id, created, input FROM spans WHERE {_PHRASE} {_NEWEST_50}",
        "two fields": f"SELECT id, created, input, output FROM spans WHERE {_ZYXOMMA} OR {_CROMULENT} {_NEWEST_50}",
        "fragment": f"SELECT id, created FROM spans WHERE input::text ILIKE '%uokkalop%' {_NEWEST_50}",
        "fragment of words": f"SELECT id, created FROM spans WHERE input::text ILIKE '%bow over the hi%' {_NEWEST_50}",
        "summary of traces": f"""
WITH roots AS MATERIALIZED (SELECT root_span_id, created, {_NAME} AS name FROM spans
                            WHERE is_root ORDER BY created DESC LIMIT 100)
SELECT r.root_span_id, r.created, r.name, sum((s.metrics->>'tokens')::float8),
       count(s.error) FILTER (WHERE s.span_attributes->>'type' IN ('llm', 'tool')),
       count(*) FILTER (WHERE s.span_attributes->>'type' = 'llm'),
       max((s.metrics->>'end')::float8) - min((s.metrics->>'start')::float8)
FROM roots AS r JOIN spans AS s ON s.root_span_id = r.root_span_id
GROUP BY 1, 2, 3 ORDER BY 2 DESC""",
        "any span": "SELECT count(*) FROM spans WHERE is_root"
        " AND root_span_id IN (SELECT root_span_id FROM spans WHERE error IS NOT NULL)"
        " AND root_span_id IN (SELECT root_span_id FROM spans"
        """ WHERE metadata @> '{"model": "claude-opus-4-1"}')""",
        "scores": "SELECT s.key, avg(s.value::float8), count(*) FROM spans, jsonb_each_text(scores) AS s"
        " WHERE s.value IS NOT NULL GROUP BY 1",
        "export": f"{_WHOLE} WHERE created >= '{{from}}' AND created < '{{to}}'",
        "trace list": Pages(
            f"SELECT id, created, {_NAME}, _pagination_key FROM spans WHERE is_root {{after}}"
            " ORDER BY _pagination_key DESC LIMIT 1000",
            "",
            "AND _pagination_key < '{3}'",
        ),
    },
)
