"""In SQLite's SQL: JSON as text, B-trees over the paths that are asked for, FTS5 over input and output."""

from __future__ import annotations

from benchmarks.beside.recipe import Pages, Recipe
from benchmarks.beside.spans.questions import FIELDS, WHOLE

# `->` keeps JSON as it is written, `->>` makes a text of it.
_READ = [f"doc {'->>' if kind in ('text', 'time') else '->'} '$.{name}'" for name, kind in WHOLE.items()]

_WORDS = "content='spans', content_rowid='rowid', tokenize='unicode61 remove_diacritics 0'"
_WHOLE = f"SELECT {FIELDS} FROM spans"
_NEWEST_50 = "ORDER BY created DESC LIMIT 50"
_NAME, _MODEL, _USER = "span_attributes ->> '$.name'", "metadata ->> '$.model'", "metadata ->> '$.user_id'"


def _words(query: str) -> str:
    return f"rowid IN (SELECT rowid FROM words WHERE words MATCH '{query}')"


_PHRASE = _words('input: "over the rainbow"')
_DURATION = "(metrics ->> '$.end') - (metrics ->> '$.start')"

_BY_MODEL = f"""
WITH durations AS (SELECT {_MODEL} AS model, metrics ->> '$.tokens' AS tokens, {_DURATION} AS duration FROM spans),
ranked AS (SELECT model, duration, row_number() OVER (PARTITION BY model ORDER BY duration) - 1 AS place,
                  0.95 * (count(*) OVER (PARTITION BY model) - 1) AS wanted
           FROM durations WHERE duration IS NOT NULL),
high AS (SELECT model, sum(duration * (1 - abs(wanted - place))) AS p95
         FROM ranked WHERE abs(wanted - place) < 1 GROUP BY model),
counted AS (SELECT model, count(*) AS n, avg(tokens) AS tokens FROM durations GROUP BY model)
SELECT counted.model, n, tokens, p95 FROM counted LEFT JOIN high ON counted.model IS high.model
"""

_SUMMARY = f"""
WITH roots AS MATERIALIZED (SELECT root_span_id, created, {_NAME} AS name FROM spans
                            WHERE is_root ORDER BY created DESC LIMIT 100)
SELECT r.root_span_id, r.created, r.name, sum(s.metrics ->> '$.tokens'),
       count(s.error) FILTER (WHERE s.span_attributes ->> '$.type' IN ('llm', 'tool')),
       count(*) FILTER (WHERE s.span_attributes ->> '$.type' = 'llm'),
       max(s.metrics ->> '$.end') - min(s.metrics ->> '$.start')
FROM roots AS r CROSS JOIN spans AS s ON s.root_span_id = r.root_span_id
GROUP BY 1, 2, 3 ORDER BY 2 DESC"""

RECIPE = Recipe(
    load=(
        f"CREATE TABLE spans ({', '.join(f'{name} TEXT' for name in WHOLE)}, is_root INTEGER)",
        f"INSERT INTO spans SELECT {', '.join(_READ)}, doc -> '$.span_parents' IS NULL FROM raw",
        "CREATE UNIQUE INDEX by_id ON spans (id)",
        "CREATE INDEX by_created ON spans (created)",
        "CREATE INDEX by_trace ON spans (root_span_id)",
        "CREATE INDEX roots_by_key ON spans (_pagination_key) WHERE is_root",
        "CREATE INDEX roots_by_created ON spans (created) WHERE is_root",
        f"CREATE INDEX by_user ON spans ({_USER}, created)",
        f"CREATE INDEX by_model ON spans ({_MODEL})",
        "CREATE INDEX by_session ON spans (metadata ->> '$.session_id')",
        "CREATE INDEX by_version ON spans (metadata ->> '$.release.version', created)",
        "CREATE INDEX with_error ON spans (root_span_id) WHERE error IS NOT NULL",
        f"CREATE VIRTUAL TABLE words USING fts5(input, output, {_WORDS})",
        "INSERT INTO words(words) VALUES ('rebuild')",
    ),
    texts={
        "newest 100": f"SELECT id, created, {_NAME}, {_MODEL}, metrics ->> '$.tokens'"
        " FROM spans ORDER BY created DESC LIMIT 100",
        "newest 100 whole": f"{_WHOLE} ORDER BY created DESC LIMIT 100",
        "one span": f"{_WHOLE} WHERE id = '{{span}}'",
        "trace of 10": f"{_WHOLE} WHERE root_span_id = '{{trace_10}}'",
        "trace of 1,000": f"{_WHOLE} WHERE root_span_id = '{{trace_1000}}'",
        "trace of 10,000": f"{_WHOLE} WHERE root_span_id = '{{trace_10000}}'",
        "nested path newest 50": f"SELECT id, created, {_USER} FROM spans"
        f" WHERE metadata ->> '$.release.version' = '2.6.2' {_NEWEST_50}",
        "user newest 50": f"SELECT id, created, {_NAME} FROM spans WHERE {_USER} = '{{user}}' {_NEWEST_50}",
        "user count": f"SELECT count(*) FROM spans WHERE {_USER} = '{{user}}'",
        "one session": f"{_WHOLE} WHERE metadata ->> '$.session_id' = '{{session}}'",
        "by model": _BY_MODEL,
        "error rate by hour": "SELECT substr(created, 1, 13) || ':00:00Z', 1.0 * count(error) / count(*)"
        " FROM spans GROUP BY 1",
        "distinct users": f"SELECT count(DISTINCT {_USER}) FROM spans",
        "rare word": f"SELECT id, created, input FROM spans WHERE {_words('input: zyxomma')} {_NEWEST_50}",
        "common word": f"SELECT id, created, input FROM spans WHERE {_words('input: they')} {_NEWEST_50}",
        "common word count": "SELECT count(*) FROM words WHERE words MATCH 'input: they'",
        "phrase": f"SELECT id, created, input FROM spans WHERE {_PHRASE} {_NEWEST_50}",
        "two fields": "SELECT id, created, input, output FROM spans"
        f" WHERE {_words('input: zyxomma OR output: cromulent')} {_NEWEST_50}",
        "fragment": f"SELECT id, created FROM spans WHERE input LIKE '%uokkalop%' {_NEWEST_50}",
        "fragment of words": f"SELECT id, created FROM spans WHERE input LIKE '%bow over the hi%' {_NEWEST_50}",
        "summary of traces": _SUMMARY,
        "any span": "SELECT count(*) FROM spans WHERE is_root"
        " AND root_span_id IN (SELECT root_span_id FROM spans WHERE error IS NOT NULL)"
        f" AND root_span_id IN (SELECT root_span_id FROM spans WHERE {_MODEL} = 'claude-opus-4-1')",
        "scores": "SELECT s.key, avg(s.value), count(*) FROM spans, json_each(scores) AS s"
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
