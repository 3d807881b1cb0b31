"""How each system keeps and indexes the documents, and the searches in its words."""

from __future__ import annotations

from benchmarks.beside.recipe import Recipe
from benchmarks.beside.search.searches import Form, in_words


def _joined(word: str, phrase: str) -> dict[Form, str]:
    """Return conditions of a language that has AND, OR and NOT; ``word`` has ``{}`` for a word."""
    first, second = word.replace("{}", "{0}"), word.replace("{}", "{1}")
    return {
        "term": first,
        "intersection": f"{first} AND {second}",
        "union": f"{first} OR {second}",
        "phrase": phrase,
        "negated": f"{first} AND NOT {second}",
    }


_COUNT = "SELECT count(*) AS n FROM docs WHERE {where}"
_NEWEST = "SELECT id, created, input FROM docs WHERE {where} ORDER BY created DESC LIMIT {limit}"

BTQL = Recipe(
    load=(),
    texts=in_words(
        _joined("input MATCH '{}'", "input MATCH '{0} {1}'"),
        _COUNT.replace("docs", "project_logs('demo')"),
        _NEWEST.replace("docs", "project_logs('demo')"),
    ),
)

_READ_BY_CHDB = "file('{file}', 'JSONEachRow', 'id String, created String, input String')"
CHDB = Recipe(
    load=(
        (
            "CREATE TABLE docs (id String, created DateTime64(3, 'UTC'), input String CODEC(ZSTD(3)), "
            "INDEX words input TYPE text(tokenizer = 'splitByNonAlpha')) ENGINE = MergeTree ORDER BY created"
        ),
        f"INSERT INTO docs SELECT id, parseDateTime64BestEffort(created, 3, 'UTC'), input FROM {_READ_BY_CHDB}",
        "OPTIMIZE TABLE docs FINAL",
    ),
    texts=in_words(
        {
            "term": "hasToken(input, '{0}')",
            "intersection": "hasAllTokens(input, ['{0}', '{1}'])",
            "union": "hasAnyTokens(input, ['{0}', '{1}'])",
            "phrase": "hasPhrase(input, '{0} {1}')",
            "negated": "hasToken(input, '{0}') AND NOT hasToken(input, '{1}')",
        },
        _COUNT,
        _NEWEST,
    ),
)

DUCKDB = Recipe(
    load=(
        (
            # A blank at each end, so that a word is found by the blanks around it.
            "CREATE TABLE docs AS SELECT id, created::TIMESTAMPTZ AS created, ' ' || input || ' ' AS words FROM "
            "read_ndjson('{file}', columns = {id: 'VARCHAR', created: 'VARCHAR', input: 'VARCHAR'}) ORDER BY created"
        ),
    ),
    texts=in_words(
        _joined("contains(words, ' {} ')", "contains(words, ' {0} {1} ')"),
        _COUNT,
        _NEWEST.replace("input", "trim(words) AS input"),
    ),
)

POSTGRES = Recipe(
    load=(
        (
            "CREATE TABLE docs AS SELECT doc::json ->> 'id' AS id, (doc::json ->> 'created')::timestamptz AS created, "
            "doc::json ->> 'input' AS input, to_tsvector('simple', doc::json ->> 'input') AS words FROM raw"
        ),
        "CREATE INDEX ON docs USING gin (words) WITH (fastupdate = off)",
        "CREATE INDEX ON docs (created)",
    ),
    texts=in_words(
        {
            "term": "{0}",
            "intersection": "{0} & {1}",
            "union": "{0} | {1}",
            "phrase": "{0} <-> {1}",
            "negated": "{0} & !{1}",
        },
        _COUNT,
        _NEWEST,
        lambda text: f"words @@ to_tsquery('simple', '{text}')",
    ),
)

SQLITE = Recipe(
    load=(
        "CREATE TABLE docs (id TEXT, created TEXT, input TEXT)",
        "INSERT INTO docs SELECT doc ->> '$.id', doc ->> '$.created', doc ->> '$.input' FROM raw ORDER BY 2",
        "CREATE VIRTUAL TABLE words USING fts5(input, content = 'docs')",
        "INSERT INTO words (words) VALUES ('rebuild')",
        "INSERT INTO words (words) VALUES ('optimize')",
    ),
    texts=in_words(
        {
            "term": "{0}",
            "intersection": "{0} AND {1}",
            "union": "{0} OR {1}",
            "phrase": '"{0} {1}"',
            "negated": "{0} NOT {1}",
        },
        "SELECT count(*) AS n FROM words WHERE {where}",
        # Documents are in the order of their times, and FTS5 finds them in the order of their places.
        "SELECT id, created, docs.input FROM words JOIN docs ON docs.rowid = words.rowid WHERE {where} "
        "ORDER BY words.rowid DESC LIMIT {limit}",
        lambda text: f"words MATCH '{text}'",
    ),
)
