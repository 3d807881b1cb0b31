"""Questions about what a row shows: paths, whole fields, functions, order."""

from __future__ import annotations

from collections.abc import Sequence

from oracle.expressions import (
    add,
    and_,
    coalesce,
    concat,
    date_trunc,
    div,
    eq,
    ge,
    get,
    greatest,
    gt,
    if_,
    is_in,
    least,
    len_,
    lower,
    lt,
    mod,
    mul,
    ne,
    nullif,
    or_,
    round_,
    sub,
    to_integer,
    to_number,
    upper,
)
from oracle.model import Document
from oracle.pair import Corpus, Pair
from oracle.rows import Difference, Row, difference, ids, ordered, select, where


def kind(document: Document) -> object:
    """``span_attributes.type``."""
    return get(document, "span_attributes", "type")


def _without_system(rows: Sequence[Row]) -> list[Row]:
    """Leave out what the database adds, and nulls: which fields a table has is its own business."""
    added = ("_xact_id", "_pagination_key", "org_id", "project_id", "experiment_id", "dataset_id", "log_id")
    return [{key: row[key] for key in sorted(row) if key not in added and row[key] is not None} for row in rows]


def _check_star(corpus: Corpus, found: Sequence[Row]) -> Difference | None:
    expected = where(corpus.documents, lambda d: and_(d["is_root"], d.get("tags") is not None))
    missing = {"id", "created", "_xact_id", "_pagination_key", "input", "facets", "org_id"} - set(found[0])
    if missing - {"org_id"}:
        return Difference(f"columns {missing} are missing")
    return difference(_without_system(found), _without_system(expected), in_order=False)


ODD = '''metadata."user name" as spaced, metadata."a.b" as dotted, metadata.a.b as nested,
    metadata."say ""hi""" as said,
    metadata."" as empty, metadata."ключ" as cyrillic, metadata."鍵"."値" as han, metadata."it's" as apostrophe,
    metadata."per cent%" as cent, metadata."0" as digit, metadata."select" as keyword, metadata."emoji 🚀" as emoji'''

WHOLE = (
    *("id", "input", "output", "expected", "error", "scores", "metadata", "metrics", "tags"),
    *("context", "span_attributes", "span_parents", "root_span_id", "origin", "comments"),
)

PAIRS = [
    Pair(
        "quoted and odd names",
        f"select: id, {ODD} | from: project_logs('demo') | filter: metadata IS NOT NULL",
        f"SELECT id, {ODD} FROM project_logs('demo') WHERE metadata IS NOT NULL",
        lambda corpus: select(
            where(corpus.documents, lambda d: d.get("metadata") is not None),
            {
                "id": lambda d: get(d, "id"),
                "spaced": lambda d: get(d, "metadata", "user name"),
                "dotted": lambda d: get(d, "metadata", "a.b"),
                "nested": lambda d: get(d, "metadata", "a", "b"),
                "said": lambda d: get(d, "metadata", 'say "hi"'),
                "empty": lambda d: get(d, "metadata", ""),
                "cyrillic": lambda d: get(d, "metadata", "ключ"),
                "han": lambda d: get(d, "metadata", "鍵", "値"),
                "apostrophe": lambda d: get(d, "metadata", "it's"),
                "cent": lambda d: get(d, "metadata", "per cent%"),
                "digit": lambda d: get(d, "metadata", "0"),
                "keyword": lambda d: get(d, "metadata", "select"),
                "emoji": lambda d: get(d, "metadata", "emoji 🚀"),
            },
        ),
    ),
    Pair(
        "subscripts",
        """
        from: project_logs('demo')
        select: id, scores['Answer non-empty'] as score, metadata['user name'] as who, scores["json.valid"] as valid
        filter: scores['Answer non-empty'] IS NOT NULL or metadata['user name'] IS NOT NULL
        """,
        """
        SELECT id, scores['Answer non-empty'] AS score, metadata['user name'] AS who, scores['json.valid'] AS valid
        FROM project_logs('demo')
        WHERE scores['Answer non-empty'] IS NOT NULL OR metadata['user name'] IS NOT NULL
        """,
        lambda corpus: select(
            where(
                corpus.documents,
                lambda d: or_(
                    get(d, "scores", "Answer non-empty") is not None, get(d, "metadata", "user name") is not None
                ),
            ),
            {
                "id": lambda d: get(d, "id"),
                "score": lambda d: get(d, "scores", "Answer non-empty"),
                "who": lambda d: get(d, "metadata", "user name"),
                "valid": lambda d: get(d, "scores", "json.valid"),
            },
        ),
    ),
    Pair(
        "array indexes",
        """
        select: id, tags[0] as first, tags[-1] as last, tags[9] as beyond, input[0].role as role,
                input[-1].content as said, output.choices[0].message.role as speaker, output.steps[1] as step
        from: project_logs('demo')
        filter: span_attributes.type IN ['task', 'llm', 'function']
        """,
        """
        SELECT id, tags[0] AS first, tags[-1] AS last, tags[9] AS beyond, input[0].role AS role,
               input[-1].content AS said, output.choices[0].message.role AS speaker, output.steps[1] AS step
        FROM project_logs('demo') WHERE span_attributes.type IN ('task', 'llm', 'function')
        """,
        lambda corpus: select(
            where(corpus.documents, lambda d: is_in(kind(d), ["task", "llm", "function"])),
            {
                "id": lambda d: get(d, "id"),
                "first": lambda d: get(d, "tags", 0),
                "last": lambda d: get(d, "tags", -1),
                "beyond": lambda d: get(d, "tags", 9),
                "role": lambda d: get(d, "input", 0, "role"),
                "said": lambda d: get(d, "input", -1, "content"),
                "speaker": lambda d: get(d, "output", "choices", 0, "message", "role"),
                "step": lambda d: get(d, "output", "steps", 1),
            },
        ),
    ),
    Pair(
        "whole fields",
        """select: id, input, output, expected, error, scores, metadata, metrics, tags, context, span_attributes,
                   span_parents, root_span_id, origin, comments
           | from: project_logs('demo') | filter: error IS NOT NULL OR expected IS NOT NULL""",
        """SELECT id, input, output, expected, error, scores, metadata, metrics, tags, context, span_attributes,
                  span_parents, root_span_id, origin, comments
           FROM project_logs('demo') WHERE error IS NOT NULL OR expected IS NOT NULL""",
        lambda corpus: [
            {name: document.get(name) for name in WHOLE}
            for document in corpus.documents
            if document.get("error") is not None or document.get("expected") is not None
        ],
    ),
    Pair(
        "everything",
        "select: * | from: project_logs('demo') | filter: is_root and tags IS NOT NULL",
        "SELECT * FROM project_logs('demo') WHERE is_root AND tags IS NOT NULL",
        lambda _: [],
        check=_check_star,
    ),
    Pair(
        "objects and arrays inside of fields",
        """select: id, metadata.release as release, metadata.flags as flags, metadata.value as value,
                   input[0] as message, output.rows as listed, metadata.stop_sequences as stops
           | from: project_logs('demo') | filter: metadata.release IS NOT NULL or span_attributes.type = 'tool'""",
        """SELECT id, metadata.release AS release, metadata.flags AS flags, metadata.value AS value,
                  input[0] AS message, output.rows AS listed, metadata.stop_sequences AS stops
           FROM project_logs('demo') WHERE metadata.release IS NOT NULL OR span_attributes.type = 'tool'""",
        lambda corpus: select(
            where(corpus.documents, lambda d: or_(get(d, "metadata", "release") is not None, eq(kind(d), "tool"))),
            {
                "id": lambda d: get(d, "id"),
                "release": lambda d: get(d, "metadata", "release"),
                "flags": lambda d: get(d, "metadata", "flags"),
                "value": lambda d: get(d, "metadata", "value"),
                "message": lambda d: get(d, "input", 0),
                "listed": lambda d: get(d, "output", "rows"),
                "stops": lambda d: get(d, "metadata", "stop_sequences"),
            },
        ),
    ),
    Pair(
        "a path is called by its last part",
        """-- the alias is usable in the filter too
        select: id, metadata.model, span_attributes.name
        filter: model = 'gpt-5' and metrics.tokens > 200
        from: project_logs('demo')""",
        """SELECT id, metadata.model, span_attributes.name FROM project_logs('demo')
           WHERE model = 'gpt-5' AND metrics.tokens > 200""",
        lambda corpus: select(
            where(
                corpus.documents,
                lambda d: and_(eq(get(d, "metadata", "model"), "gpt-5"), gt(get(d, "metrics", "tokens"), 200)),
            ),
            {
                "id": lambda d: get(d, "id"),
                "model": lambda d: get(d, "metadata", "model"),
                "name": lambda d: get(d, "span_attributes", "name"),
            },
        ),
    ),
    Pair(
        "newest first without sort",
        "select: id | from: project_logs('demo') | limit: 200",
        "SELECT id FROM project_logs('demo') LIMIT 200",
        lambda corpus: ids(corpus.documents)[:200],
        in_order=True,
    ),
    Pair(
        "newest first of some",
        "from: project_logs('demo') | filter: span_attributes.type = 'score' | select: id, created | limit: 30",
        "SELECT id, created FROM project_logs('demo') WHERE span_attributes.type = 'score' LIMIT 30",
        lambda corpus: select(
            where(corpus.documents, lambda d: eq(kind(d), "score")),
            {"id": lambda d: get(d, "id"), "created": lambda d: get(d, "created")},
        )[:30],
        in_order=True,
    ),
    Pair(
        "by time and id",
        "select: id, created | from: project_logs('demo') | sort: created desc, id asc | limit: 100",
        "SELECT id, created FROM project_logs('demo') ORDER BY created DESC, id LIMIT 100",
        lambda corpus: ordered(
            select(corpus.documents, {"id": lambda d: get(d, "id"), "created": lambda d: get(d, "created")}),
            "-created",
            "id",
        )[:100],
        in_order=True,
    ),
    Pair(
        "nulls last, descending",
        "select: id, metrics.tokens as tokens | from: project_logs('demo') | sort: tokens desc, id",
        "SELECT id, metrics.tokens AS tokens FROM project_logs('demo') ORDER BY tokens DESC, id ASC",
        lambda corpus: ordered(
            select(corpus.documents, {"id": lambda d: get(d, "id"), "tokens": lambda d: get(d, "metrics", "tokens")}),
            "-tokens",
            "id",
        ),
        in_order=True,
    ),
    Pair(
        "nulls last, ascending",
        """select: id, scores."User rating" as rating, metadata.user_id as who
           | from: project_logs('demo') | filter: is_root | sort: rating, metadata.user_id desc, id""",
        """SELECT id, scores."User rating" AS rating, metadata.user_id AS who
           FROM project_logs('demo') WHERE is_root ORDER BY rating, metadata.user_id DESC, id""",
        lambda corpus: ordered(
            select(
                where(corpus.documents, lambda d: d["is_root"]),
                {
                    "id": lambda d: get(d, "id"),
                    "rating": lambda d: get(d, "scores", "User rating"),
                    "who": lambda d: get(d, "metadata", "user_id"),
                },
            ),
            "rating",
            "-who",
            "id",
        ),
        in_order=True,
    ),
    Pair(
        "sorted by an expression",
        """select: id | from: project_logs('demo') | filter: metrics.end IS NOT NULL
           | sort: metrics.end - metrics.start desc, id | limit: 50""",
        """SELECT id FROM project_logs('demo') WHERE metrics.end IS NOT NULL
           ORDER BY metrics.end - metrics.start DESC, id LIMIT 50""",
        lambda corpus: [
            {"id": row["id"]}
            for row in ordered(
                select(
                    where(corpus.documents, lambda d: get(d, "metrics", "end") is not None),
                    {
                        "id": lambda d: get(d, "id"),
                        "took": lambda d: sub(get(d, "metrics", "end"), get(d, "metrics", "start")),
                    },
                ),
                "-took",
                "id",
            )[:50]
        ],
        in_order=True,
    ),
    Pair(
        "one choice after the other",
        """select: id, scores.Factuality > 0.8 ? 'good' : scores.Factuality > 0.4 ? 'fair' : 'poor' as grade
           | from: project_logs('demo') | filter: span_attributes.type = 'score'""",
        """SELECT id, CASE WHEN scores.Factuality > 0.8 THEN 'good' WHEN scores.Factuality > 0.4 THEN 'fair'
                      ELSE 'poor' END AS grade
           FROM project_logs('demo') WHERE span_attributes.type = 'score'""",
        lambda corpus: select(
            where(corpus.documents, lambda d: eq(kind(d), "score")),
            {
                "id": lambda d: get(d, "id"),
                "grade": lambda d: if_(
                    gt(get(d, "scores", "Factuality"), 0.8),
                    "good",
                    if_(gt(get(d, "scores", "Factuality"), 0.4), "fair", "poor"),
                ),
            },
        ),
    ),
    Pair(
        "arithmetic",
        """select: id, metrics.tokens * 2 + 1 as twice, metrics.prompt_tokens / metrics.completion_tokens as ratio,
                   metrics.tokens % 7 as rest, -metrics.tokens as negative, 10 / metadata.attempt as share,
                   metadata.model + 1 as text, scores.Factuality * 2 - 1 as centred,
                   (metrics.tokens - metrics.prompt_tokens) * (1 + 1) as brackets
           | from: project_logs('demo') | filter: metrics.tokens IS NOT NULL or metadata.attempt IS NOT NULL""",
        """SELECT id, metrics.tokens * 2 + 1 AS twice, metrics.prompt_tokens / metrics.completion_tokens AS ratio,
                  metrics.tokens % 7 AS rest, -metrics.tokens AS negative, 10 / metadata.attempt AS share,
                  metadata.model + 1 AS text, scores.Factuality * 2 - 1 AS centred,
                  (metrics.tokens - metrics.prompt_tokens) * (1 + 1) AS brackets
           FROM project_logs('demo') WHERE metrics.tokens IS NOT NULL OR metadata.attempt IS NOT NULL""",
        lambda corpus: select(
            where(
                corpus.documents,
                lambda d: or_(get(d, "metrics", "tokens") is not None, get(d, "metadata", "attempt") is not None),
            ),
            {
                "id": lambda d: get(d, "id"),
                "twice": lambda d: add(mul(get(d, "metrics", "tokens"), 2), 1),
                "ratio": lambda d: div(get(d, "metrics", "prompt_tokens"), get(d, "metrics", "completion_tokens")),
                "rest": lambda d: mod(get(d, "metrics", "tokens"), 7),
                "negative": lambda d: sub(0, get(d, "metrics", "tokens")),
                "share": lambda d: div(10, get(d, "metadata", "attempt")),
                "text": lambda d: add(get(d, "metadata", "model"), 1),
                "centred": lambda d: sub(mul(get(d, "scores", "Factuality"), 2), 1),
                "brackets": lambda d: mul(sub(get(d, "metrics", "tokens"), get(d, "metrics", "prompt_tokens")), 2),
            },
        ),
    ),
    Pair(
        "coalesce, nullif, least, greatest",
        """select: id, coalesce(metadata.model, metadata.app, 'none') as what,
                   nullif(span_attributes.type, 'llm') as other,
                   least(metrics.prompt_tokens, metrics.completion_tokens, 100) as low,
                   greatest(metrics.prompt_tokens, metrics.completion_tokens, 100) as high
           | from: project_logs('demo')""",
        """SELECT id, COALESCE(metadata.model, metadata.app, 'none') AS what,
                  NULLIF(span_attributes.type, 'llm') AS other,
                  LEAST(metrics.prompt_tokens, metrics.completion_tokens, 100) AS low,
                  GREATEST(metrics.prompt_tokens, metrics.completion_tokens, 100) AS high
           FROM project_logs('demo')""",
        lambda corpus: select(
            corpus.documents,
            {
                "id": lambda d: get(d, "id"),
                "what": lambda d: coalesce(get(d, "metadata", "model"), get(d, "metadata", "app"), "none"),
                "other": lambda d: nullif(kind(d), "llm"),
                "low": lambda d: least(get(d, "metrics", "prompt_tokens"), get(d, "metrics", "completion_tokens"), 100),
                "high": lambda d: greatest(
                    get(d, "metrics", "prompt_tokens"), get(d, "metrics", "completion_tokens"), 100
                ),
            },
        ),
    ),
    Pair(
        "functions of text and numbers",
        """select: id, lower(metadata.app) as small, upper(metadata.user_id) as large, len(tags) as tags,
                   concat(metadata.user_id, '@', metadata.region) as at, round(metrics.end - metrics.start, 2) as took,
                   len(metadata.user_id) as letters
           | from: project_logs('demo') | filter: is_root and metadata.region IS NOT NULL""",
        """SELECT id, LOWER(metadata.app) AS small, UPPER(metadata.user_id) AS large, len(tags) AS tags,
                  CONCAT(metadata.user_id, '@', metadata.region) AS at, ROUND(metrics.end - metrics.start, 2) AS took,
                  len(metadata.user_id) AS letters
           FROM project_logs('demo') WHERE is_root AND metadata.region IS NOT NULL""",
        lambda corpus: select(
            where(corpus.documents, lambda d: and_(d["is_root"], get(d, "metadata", "region") is not None)),
            {
                "id": lambda d: get(d, "id"),
                "small": lambda d: lower(get(d, "metadata", "app")),
                "large": lambda d: upper(get(d, "metadata", "user_id")),
                "tags": lambda d: len_(get(d, "tags")),
                "at": lambda d: concat(get(d, "metadata", "user_id"), "@", get(d, "metadata", "region")),
                "took": lambda d: round_(sub(get(d, "metrics", "end"), get(d, "metrics", "start")), 2),
                "letters": lambda d: len_(get(d, "metadata", "user_id")),
            },
        ),
    ),
    Pair(
        "casts",
        """select: id, to_number(metadata.value) as number, to_string(metrics.tokens) as text,
                   to_integer(metadata.temperature) as whole
           | from: project_logs('demo') | filter: metadata.value >= '' or metrics.tokens > 0""",
        """SELECT id, to_number(metadata.value) AS number, to_string(metrics.tokens) AS text,
                  to_integer(metadata.temperature) AS whole
           FROM project_logs('demo') WHERE metadata.value >= '' OR metrics.tokens > 0""",
        lambda corpus: select(
            where(
                corpus.documents,
                lambda d: or_(ge(get(d, "metadata", "value"), ""), gt(get(d, "metrics", "tokens"), 0)),
            ),
            {
                "id": lambda d: get(d, "id"),
                "number": lambda d: to_number(get(d, "metadata", "value")),
                "text": lambda d: None if get(d, "metrics", "tokens") is None else str(get(d, "metrics", "tokens")),
                "whole": lambda d: to_integer(get(d, "metadata", "temperature")),
            },
        ),
    ),
    Pair(
        "parts of time",
        """select: id, day(created) as day, hour(created) as hour, date_trunc('week', created) as week,
                   date_trunc('15 minutes', created) as quarter, month(created) as month, minute(created) as minute,
                   date_trunc('second', created) as second, year(created) as year, date_trunc('2 hours', created) as two
           | from: project_logs('demo') | filter: is_root""",
        """SELECT id, day(created) AS day, hour(created) AS hour, date_trunc('week', created) AS week,
                  date_trunc('15 minutes', created) AS quarter, month(created) AS month, minute(created) AS minute,
                  date_trunc('second', created) AS second, year(created) AS year, date_trunc('2 hours', created) AS two
           FROM project_logs('demo') WHERE is_root""",
        lambda corpus: select(
            where(corpus.documents, lambda d: d["is_root"]),
            {
                "id": lambda d: get(d, "id"),
                "day": lambda d: date_trunc("day", d["created"]),
                "hour": lambda d: date_trunc("hour", d["created"]),
                "week": lambda d: date_trunc("week", d["created"]),
                "quarter": lambda d: date_trunc("minute", d["created"], 15),
                "month": lambda d: date_trunc("month", d["created"]),
                "minute": lambda d: date_trunc("minute", d["created"]),
                "second": lambda d: date_trunc("second", d["created"]),
                "year": lambda d: date_trunc("year", d["created"]),
                "two": lambda d: date_trunc("hour", d["created"], 2),
            },
        ),
    ),
    Pair(
        "conditions as values",
        """select: id, metrics.tokens > 500 as many, metadata.model != 'gpt-5' as other,
                   is_root and tags IS NULL as bare, metadata.model IS NULL or metrics.tokens < 100 as either,
                  NOT (metadata.attempt = 1) as again
           | from: project_logs('demo')""",
        """SELECT id, metrics.tokens > 500 AS many, metadata.model <> 'gpt-5' AS other,
                  is_root AND tags IS NULL AS bare, metadata.model IS NULL OR metrics.tokens < 100 AS either,
                  NOT (metadata.attempt = 1) AS again
           FROM project_logs('demo')""",
        lambda corpus: select(
            corpus.documents,
            {
                "id": lambda d: get(d, "id"),
                "many": lambda d: gt(get(d, "metrics", "tokens"), 500),
                "other": lambda d: ne(get(d, "metadata", "model"), "gpt-5"),
                "bare": lambda d: and_(d["is_root"], d.get("tags") is None),
                "either": lambda d: or_(get(d, "metadata", "model") is None, lt(get(d, "metrics", "tokens"), 100)),
                "again": lambda d: ne(get(d, "metadata", "attempt"), 1),
            },
        ),
    ),
]
