"""In DuckDB's SQL, twice: what has paths is JSON in one, and VARIANT in the other.

Rows are sorted by time, so that the newest are found by the statistics of row groups; ids have ART indexes. Full-text
search is an extension that has to be downloaded and does not follow updates, so words are found by regular expressions.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.beside.recipe import Pages, Recipe

_TEXTS = ("input", "output", "expected", "error", "context", "origin", "comments", "queue")
_NESTED = ("scores", "metadata", "metrics", "span_attributes")
_COLUMNS = {
    "id": "VARCHAR",
    "_xact_id": "VARCHAR",
    "_pagination_key": "VARCHAR",
    "created": "TIMESTAMP",
    "span_id": "VARCHAR",
    "root_span_id": "VARCHAR",
    "span_parents": "VARCHAR[]",
    "tags": "VARCHAR[]",
    **dict.fromkeys((*_TEXTS, *_NESTED), "JSON"),
}
_INDEXES = tuple(f"CREATE INDEX by_{column} ON spans ({column})" for column in ("id", "span_id", "root_span_id"))
_DOCUMENT_MAX = 64 << 20
_NEWEST_50 = "ORDER BY created DESC LIMIT 50"


def _word(column: str, word: str) -> str:
    """Return the condition that a text has a word; looking for its letters first is much faster."""
    edge = r"[^\pL\pN]"
    return f"({column} ILIKE '%{word}%' AND regexp_matches({column}, '(^|{edge}){word}($|{edge})', 'i'))"


def _recipe(nested: str, path: Callable[[str], str], number: Callable[[str], str]) -> Recipe:
    """Return the recipe for one type of what is nested, with how a path in it is written as text and as number."""
    types = ", ".join(f"{name}: '{kind}'" for name, kind in _COLUMNS.items())
    file = f"read_ndjson('{{file}}', columns = {{{types}}}, maximum_object_size = {_DOCUMENT_MAX})"
    columns = ", ".join(f"{name}::{nested} AS {name}" if name in _NESTED else name for name in _COLUMNS)
    whole = "SELECT " + ", ".join(f"{name}::JSON AS {name}" if name in _NESTED else name for name in _COLUMNS)
    whole += " FROM spans"
    name, model, user = path("span_attributes.name"), path("metadata.model"), path("metadata.user_id")
    tokens, start, end = number("metrics.tokens"), number("metrics.start"), number("metrics.end")
    return Recipe(
        load=(
            f"CREATE TABLE spans AS SELECT {columns}, span_parents IS NULL AS is_root FROM {file} ORDER BY created",
            *_INDEXES,
        ),
        texts={
            "newest 100": f"SELECT id, created, {name} AS name, {model} AS model, {tokens} AS tokens"
            " FROM spans ORDER BY created DESC LIMIT 100",
            "newest 100 whole": f"{whole} ORDER BY created DESC LIMIT 100",
            "one span": f"{whole} WHERE id = '{{span}}'",
            "trace of 10": f"{whole} WHERE root_span_id = '{{trace_10}}'",
            "trace of 1,000": f"{whole} WHERE root_span_id = '{{trace_1000}}'",
            "trace of 10,000": f"{whole} WHERE root_span_id = '{{trace_10000}}'",
            "nested path newest 50": f"SELECT id, created, {user} AS user FROM spans"
            f" WHERE {path('metadata.release.version')} = '2.6.2' {_NEWEST_50}",
            "user newest 50": f"SELECT id, created, {name} AS name FROM spans WHERE {user} = '{{user}}' {_NEWEST_50}",
            "user count": f"SELECT count(*) AS n FROM spans WHERE {user} = '{{user}}'",
            "one session": f"{whole} WHERE {path('metadata.session_id')} = '{{session}}'",
            "by model": f"SELECT {model} AS model, count(*) AS n, avg({tokens}) AS tokens,"
            f" quantile_cont({end} - {start}, 0.95) AS p95 FROM spans GROUP BY model",
            "error rate by hour": "SELECT date_trunc('hour', created) AS h, count(error) / count(*) AS rate"
            " FROM spans GROUP BY h",
            "distinct users": f"SELECT count(DISTINCT {user}) AS n FROM spans",
            "rare word": f"SELECT id, created, input FROM spans WHERE {_word('input', 'zyxomma')} {_NEWEST_50}",
            "common word": f"SELECT id, created, input FROM spans WHERE {_word('input', 'they')} {_NEWEST_50}",
            "common word count": f"SELECT count(*) AS n FROM spans WHERE {_word('input', 'they')}",
            "phrase": f"SELECT id, created, input FROM spans WHERE {_word('input', 'over the rainbow')} {_NEWEST_50}",
            "two fields": "SELECT id, created, input, output FROM spans"
            f" WHERE {_word('input', 'zyxomma')} OR {_word('output', 'cromulent')} {_NEWEST_50}",
            "fragment": f"SELECT id, created FROM spans WHERE input ILIKE '%uokkalop%' {_NEWEST_50}",
            "fragment of words": f"SELECT id, created FROM spans WHERE input ILIKE '%bow over the hi%' {_NEWEST_50}",
            "summary of traces": f"""
WITH roots AS MATERIALIZED (SELECT root_span_id, created, {name} AS name FROM spans
                            WHERE is_root ORDER BY created DESC LIMIT 100)
SELECT r.root_span_id, any_value(r.created) AS created, any_value(r.name) AS name, sum({tokens}) AS tokens,
       count(s.error) FILTER ({path("span_attributes.type")} IN ('llm', 'tool')) AS errors,
       count(*) FILTER ({path("span_attributes.type")} = 'llm') AS llm_calls,
       max({end}) - min({start}) AS duration
FROM spans AS s JOIN roots AS r ON s.root_span_id = r.root_span_id
WHERE s.created >= (SELECT min(created) FROM roots)
GROUP BY r.root_span_id ORDER BY created DESC""",
            "any span": "SELECT count(*) AS n FROM spans WHERE is_root"
            " AND root_span_id IN (SELECT root_span_id FROM spans WHERE error IS NOT NULL)"
            f" AND root_span_id IN (SELECT root_span_id FROM spans WHERE {model} = 'claude-opus-4-1')",
            "scores": "SELECT score, avg(value) AS mean, count(*) AS n FROM"
            " (SELECT unnest(json_keys(scores::JSON)) AS score,"
            " unnest(json_extract(scores::JSON, '$.*')::DOUBLE[]) AS value FROM spans WHERE scores IS NOT NULL)"
            " WHERE value IS NOT NULL GROUP BY score",
            "export": f"{whole} WHERE created >= TIMESTAMP '{{from}}' AND created < TIMESTAMP '{{to}}'",
            "trace list": Pages(
                f"SELECT id, created, {name} AS name, _pagination_key FROM spans WHERE is_root {{after}}"
                " ORDER BY _pagination_key DESC LIMIT 1000",
                "",
                "AND _pagination_key < '{3}'",
            ),
        },
    )


def _json_path(path: str) -> str:
    column, _, rest = path.partition(".")
    return f"({column}->>'$.{rest}')"


JSON = _recipe("JSON", _json_path, lambda path: f"{_json_path(path)}::DOUBLE")
VARIANT = _recipe("VARIANT", lambda path: f"{path}::VARCHAR", lambda path: f"{path}::DOUBLE")
