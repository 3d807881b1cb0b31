"""Questions about which rows there are: every operator that a filter can have."""

from __future__ import annotations

from collections.abc import Callable

from btql_conformance.operators import match
from oracle.expressions import (
    add,
    and_,
    between,
    div,
    eq,
    ge,
    get,
    gt,
    ilike,
    includes,
    is_in,
    le,
    len_,
    like,
    lt,
    mod,
    mul,
    ne,
    not_,
    or_,
    sub,
)
from oracle.model import Document
from oracle.pair import Corpus, Pair
from oracle.rows import ids

Condition = Callable[[Document], object]


def _filter(name: str, btql: str, condition: Condition, *, sql: str | None = None) -> Pair:
    """Return the question for the ids of the rows for which the condition is true."""
    return Pair(
        name,
        f"select: id | from: project_logs('demo') | filter: {btql}",
        f"SELECT id FROM project_logs('demo') WHERE {btql if sql is None else sql}",
        lambda corpus: ids(corpus.documents, condition),
    )


def _mentioned(name: str, btql: str, condition: Callable[[Document, dict[str, str]], object], *, sql: str) -> Pair:
    """Return the same for a condition with placeholders."""

    def answer(corpus: Corpus) -> list[dict[str, object]]:
        return ids(corpus.documents, lambda document: condition(document, corpus.mentioned))

    return Pair(
        name,
        f"from: project_logs('demo')\nselect: id\nfilter: {btql}",
        f"SELECT id FROM project_logs('demo') WHERE {sql}",
        answer,
    )


def model(document: Document) -> object:
    """``metadata.model``."""
    return get(document, "metadata", "model")


def kind(document: Document) -> object:
    """``span_attributes.type``."""
    return get(document, "span_attributes", "type")


def value(document: Document) -> object:
    """``metadata.value``: of a different type from row to row."""
    return get(document, "metadata", "value")


def tokens(document: Document) -> object:
    """``metrics.tokens``."""
    return get(document, "metrics", "tokens")


def took(document: Document) -> object:
    """``metrics.end - metrics.start``."""
    return sub(get(document, "metrics", "end"), get(document, "metrics", "start"))


COMPARISONS = [
    _filter("text equals", "metadata.model = 'gpt-5'", lambda d: eq(model(d), "gpt-5")),
    _filter("text differs", "metadata.model != 'gpt-5'", lambda d: ne(model(d), "gpt-5")),
    _filter("differs, as in SQL", "metadata.model <> 'gpt-5-mini'", lambda d: ne(model(d), "gpt-5-mini")),
    _filter("number above", "metrics.tokens > 400", lambda d: gt(tokens(d), 400)),
    _filter("number below", "metrics.tokens < 100", lambda d: lt(tokens(d), 100)),
    _filter(
        "between two fractions",
        "scores.Factuality >= 0.25 and scores.Factuality <= 0.75",
        lambda d: between(get(d, "scores", "Factuality"), 0.25, 0.75),
    ),
    _filter(
        "whole or fraction",
        "scores.Factuality = 1 or scores.Relevance = 0 or metrics.start = 1793491200",
        lambda d: or_(
            eq(get(d, "scores", "Factuality"), 1),
            eq(get(d, "scores", "Relevance"), 0),
            eq(get(d, "metrics", "start"), 1793491200),
        ),
    ),
    _filter("BETWEEN", "metrics.tokens BETWEEN 100 AND 200", lambda d: between(tokens(d), 100, 200)),
    _filter("NOT BETWEEN", "metrics.tokens NOT BETWEEN 100 AND 200", lambda d: not_(between(tokens(d), 100, 200))),
    _filter(
        "IN",
        "metadata.model IN ['gpt-5', 'claude-opus-4-1', 'nobody']",
        lambda d: is_in(model(d), ["gpt-5", "claude-opus-4-1", "nobody"]),
        sql="metadata.model IN ('gpt-5', 'claude-opus-4-1', 'nobody')",
    ),
    _filter(
        "NOT IN",
        "span_attributes.type NOT IN ('llm', 'tool')",
        lambda d: not_(is_in(kind(d), ["llm", "tool"])),
    ),
    _filter(
        "texts in order",
        "metadata.user_id >= 'farid' and metadata.user_id < 'h'",
        lambda d: and_(ge(get(d, "metadata", "user_id"), "farid"), lt(get(d, "metadata", "user_id"), "h")),
    ),
    _filter("text beyond ASCII", "metadata.user_id > 'z'", lambda d: gt(get(d, "metadata", "user_id"), "z")),
    _filter(
        "two paths",
        "metrics.completion_tokens > metrics.prompt_tokens",
        lambda d: gt(get(d, "metrics", "completion_tokens"), get(d, "metrics", "prompt_tokens")),
    ),
]

LOGIC = [
    _filter("a bare boolean", "is_root", lambda d: d["is_root"]),
    _filter("NOT of a bare boolean", "NOT is_root", lambda d: not_(d["is_root"])),
    _filter("a boolean in a document", "metadata.flags.beta", lambda d: get(d, "metadata", "flags", "beta")),
    _filter(
        "boolean equals",
        "metadata.flags.beta = false or metadata.stream = true",
        lambda d: or_(eq(get(d, "metadata", "flags", "beta"), False), eq(get(d, "metadata", "stream"), True)),
    ),
    _filter("NOT keeps no nulls", "NOT (metadata.model = 'gpt-5')", lambda d: not_(eq(model(d), "gpt-5"))),
    _filter(
        "not a scorer",
        "span_attributes.purpose IS NULL OR span_attributes.purpose != 'scorer'",
        lambda d: or_(get(d, "span_attributes", "purpose") is None, ne(get(d, "span_attributes", "purpose"), "scorer")),
    ),
    _filter(
        "AND before OR, NOT before AND",
        "span_attributes.type = 'llm' OR span_attributes.type = 'tool' AND NOT error IS NULL AND metrics.end > 0",
        lambda d: or_(
            eq(kind(d), "llm"), and_(eq(kind(d), "tool"), get(d, "error") is not None, gt(get(d, "metrics", "end"), 0))
        ),
    ),
    _filter(
        "NOT over OR with nulls",
        "NOT (metrics.tokens > 100 OR metadata.temperature = 0.7)",
        lambda d: not_(or_(gt(tokens(d), 100), eq(get(d, "metadata", "temperature"), 0.7))),
    ),
    _filter(
        "NOT over AND with nulls",
        "NOT (metrics.tokens > 100 AND error IS NULL)",
        lambda d: not_(and_(gt(tokens(d), 100), get(d, "error") is None)),
    ),
    _filter("IS NULL", "metrics.end IS NULL", lambda d: get(d, "metrics", "end") is None),
    _filter(
        "IS NOT NULL of an object", "metadata.release IS NOT NULL", lambda d: get(d, "metadata", "release") is not None
    ),
    _filter("= null", "tags = null", lambda d: get(d, "tags") is None),
    _filter("!= null", "error != null", lambda d: get(d, "error") is not None),
    _filter(
        "a choice as a condition",
        "is_root ? tags IS NOT NULL : metrics.tokens > 300",
        lambda d: get(d, "tags") is not None if d["is_root"] else gt(tokens(d), 300),
        sql="CASE WHEN is_root THEN tags IS NOT NULL ELSE metrics.tokens > 300 END",
    ),
    _filter(
        "null-safe equal",
        "metadata.model <=> 'gpt-5' or metadata.app <=> metadata.region",
        lambda d: or_(
            eq(model(d), "gpt-5") is True,
            get(d, "metadata", "app") is None and get(d, "metadata", "region") is None,
        ),
    ),
]

ARITHMETIC = [
    _filter("long ones", "metrics.end - metrics.start > 5", lambda d: gt(took(d), 5)),
    _filter(
        "all operators",
        "metrics.prompt_tokens * 2 + metrics.completion_tokens % 10 - 1 >= 300 / 1.5",
        lambda d: ge(
            sub(add(mul(get(d, "metrics", "prompt_tokens"), 2), mod(get(d, "metrics", "completion_tokens"), 10)), 1),
            200,
        ),
    ),
    _filter(
        "division is exact",
        "metrics.prompt_tokens / 2 = 30.5 or metrics.prompt_tokens / 4 = 20",
        lambda d: or_(
            eq(div(get(d, "metrics", "prompt_tokens"), 2), 30.5), eq(div(get(d, "metrics", "prompt_tokens"), 4), 20)
        ),
    ),
    _filter(
        "division by zero is null",
        "(1 / metadata.attempt > 0) IS NULL and metadata.attempt IS NOT NULL",
        lambda d: and_(gt(div(1, get(d, "metadata", "attempt")), 0) is None, get(d, "metadata", "attempt") is not None),
    ),
    _filter("text in arithmetic is null", "(metadata.model + 1) IS NULL", lambda d: add(model(d), 1) is None),
    _filter("unary minus", "-metrics.tokens < -500", lambda d: gt(tokens(d), 500)),
    _filter(
        "scores add up", "scores.Factuality + 0.5 > 1.2", lambda d: gt(add(get(d, "scores", "Factuality"), 0.5), 1.2)
    ),
]

TEXT = [
    _filter("LIKE", "metadata.model LIKE 'gpt%'", lambda d: like(model(d), "gpt%")),
    _filter("LIKE with a single wildcard", "metadata.model LIKE 'gpt-_'", lambda d: like(model(d), "gpt-_")),
    _filter("LIKE is exact about case", "metadata.model LIKE 'GPT%'", lambda d: like(model(d), "GPT%")),
    _filter("LIKE without wildcard", "metadata.app LIKE 'search'", lambda d: like(get(d, "metadata", "app"), "search")),
    _filter("ILIKE", "metadata.user_id ILIKE 'BJÖRN%'", lambda d: ilike(get(d, "metadata", "user_id"), "BJÖRN%")),
    _filter("NOT LIKE", "metadata.model NOT LIKE '%-5%'", lambda d: not_(like(model(d), "%-5%"))),
    _filter("NOT ILIKE", "metadata.app NOT ILIKE '%AGENT'", lambda d: not_(ilike(get(d, "metadata", "app"), "%AGENT"))),
    _filter(
        "LIKE with an escape",
        r"input.query LIKE '%50\% off%' or input.query LIKE '%snake\_case%'",
        lambda d: or_(like(get(d, "input", "query"), r"%50\% off%"), like(get(d, "input", "query"), r"%snake\_case%")),
    ),
    _filter(
        "LIKE on whole fields",
        "input LIKE '%over the rainbow%' or output LIKE '%cromulent%' or output LIKE '%🦄%'",
        lambda d: or_(
            like(get(d, "input"), "%over the rainbow%"),
            like(get(d, "output"), "%cromulent%"),
            like(get(d, "output"), "%🦄%"),
        ),
    ),
    _filter(
        "LIKE on a long text",
        "error LIKE 'Traceback%TimeoutError%'",
        lambda d: like(get(d, "error"), "Traceback%TimeoutError%"),
    ),
    _filter("MATCH a phrase", "input MATCH 'over the rainbow'", lambda d: match(get(d, "input"), "over the rainbow")),
    _filter(
        "MATCH in any case", "input MATCH 'OVER The Rainbow'", lambda d: match(get(d, "input"), "over the rainbow")
    ),
    _filter(
        "MATCH keeps the order", "input MATCH 'rainbow over the'", lambda d: match(get(d, "input"), "rainbow over the")
    ),
    _filter("MATCH a rare word", "input MATCH 'zyxomma'", lambda d: match(get(d, "input"), "zyxomma")),
    _filter(
        "MATCH whole words only",
        "input MATCH 'rainb' or output MATCH 'cromul'",
        lambda d: or_(match(get(d, "input"), "rainb"), match(get(d, "output"), "cromul")),
    ),
    _filter("MATCH a frequent word", "input MATCH 'the'", lambda d: match(get(d, "input"), "the")),
    _filter("MATCH Chinese", "input MATCH '彩虹'", lambda d: match(get(d, "input"), "彩虹")),
    _filter("MATCH Arabic", "input MATCH 'قوس قزح'", lambda d: match(get(d, "input"), "قوس قزح")),
    _filter("MATCH Cyrillic", "input MATCH 'над РАДУГОЙ'", lambda d: match(get(d, "input"), "над радугой")),
    _filter("MATCH across a hyphen", "input MATCH 'value added'", lambda d: match(get(d, "input"), "value added")),
    _filter("MATCH across an underscore", "input MATCH 'case marker'", lambda d: match(get(d, "input"), "case marker")),
    _filter("MATCH in outputs", "output MATCH 'frabjous day'", lambda d: match(get(d, "output"), "frabjous day")),
    _filter("MATCH in errors", "error MATCH 'RateLimitError'", lambda d: match(get(d, "error"), "RateLimitError")),
    _filter(
        "NOT MATCH keeps no nulls",
        "NOT error MATCH 'TimeoutError'",
        lambda d: not_(match(get(d, "error"), "TimeoutError")),
    ),
    _filter(
        "NOT MATCH",
        "span_attributes.type = 'llm' and input NOT MATCH 'the'",
        lambda d: and_(eq(kind(d), "llm"), not_(match(get(d, "input"), "the"))),
    ),
    _filter("MATCH on tags", "tags MATCH 'value'", lambda d: match(get(d, "tags"), "value")),
    _filter("MATCH on metadata", "metadata MATCH 'claude opus'", lambda d: match(get(d, "metadata"), "claude opus")),
    _filter(
        "MATCH on a path",
        "metadata.model MATCH '5 mini' or span_attributes.name MATCH 'docs'",
        lambda d: or_(match(model(d), "5 mini"), match(get(d, "span_attributes", "name"), "docs")),
    ),
    _filter("MATCH nothing", "input MATCH '?!'", lambda d: match(get(d, "input"), "?!")),
    _filter(
        "MATCH beside other conditions",
        "input MATCH 'rainbow' and span_attributes.type = 'llm' or output MATCH 'day'",
        lambda d: or_(and_(match(get(d, "input"), "rainbow"), eq(kind(d), "llm")), match(get(d, "output"), "day")),
    ),
]

KINDS = [
    _filter("a number, also as text", "metadata.value = 1", lambda d: eq(value(d), 1)),
    _filter("a text, also as number", "metadata.value = '10'", lambda d: eq(value(d), "10")),
    _filter("a fraction as text", "metadata.value = 2.5", lambda d: eq(value(d), 2.5)),
    _filter("true is not 1", "metadata.value = true", lambda d: eq(value(d), True)),
    _filter("all but one value", "metadata.value != 1", lambda d: ne(value(d), 1)),
    _filter("NOT equal to a text", "NOT (metadata.value = 'abc')", lambda d: not_(eq(value(d), "abc"))),
    _filter("above a number", "metadata.value > 1", lambda d: gt(value(d), 1)),
    _filter("NOT above a number", "NOT metadata.value > 1", lambda d: not_(gt(value(d), 1))),
    _filter("below a text", "metadata.value < 'b'", lambda d: lt(value(d), "b")),
    _filter(
        "IN values of several types",
        "metadata.value IN [1, 'abc', true]",
        lambda d: is_in(value(d), [1, "abc", True]),
        sql="metadata.value IN (1, 'abc', true)",
    ),
    _filter("there is a value of any type", "metadata.value IS NOT NULL", lambda d: value(d) is not None),
    _filter("there is none", "metadata.value IS NULL", lambda d: value(d) is None),
    _filter(
        "below an object",
        "metadata.value.b.c = 'deep' or metadata.value.a = 1",
        lambda d: or_(eq(get(value(d), "b", "c"), "deep"), eq(get(value(d), "a"), 1)),
    ),
    _filter(
        "below an array",
        "metadata.value[0] = 1 or metadata.value[-1] = 'x'",
        lambda d: or_(eq(get(value(d), 0), 1), eq(get(value(d), -1), "x")),
    ),
    _filter(
        "beyond 2^53",
        "metadata.big_id > 9007199254740993 and metadata.big_id < 9007199254741500",
        lambda d: and_(gt(get(d, "metadata", "big_id"), 2**53 + 1), lt(get(d, "metadata", "big_id"), 9007199254741500)),
    ),
    _filter(
        "near 2^63", "metadata.big_id >= 9223372036854774807", lambda d: ge(get(d, "metadata", "big_id"), 2**63 - 1001)
    ),
    _mentioned(
        "exactly one large number",
        "metadata.big_id = {large}",
        lambda d, mentioned: eq(get(d, "metadata", "big_id"), int(mentioned["large"])),
        sql="metadata.big_id = {large}",
    ),
]

PLACES = [
    _filter(
        "a day",
        "created >= '2026-11-03' and created < '2026-11-04T00:00:00Z'",
        lambda d: and_(ge(d["created"], "2026-11-03"), lt(d["created"], "2026-11-04")),
    ),
    _filter(
        "some hours with a zone",
        "created BETWEEN '2026-11-04T09:00:00+01:00' AND '2026-11-04T17:59:59.999Z'",
        lambda d: between(d["created"], "2026-11-04T08:00:00Z", "2026-11-04T17:59:59.999Z"),
    ),
    _mentioned(
        "one trace",
        "root_span_id = '{trace}'",
        lambda d, mentioned: eq(d["root_span_id"], mentioned["trace"]),
        sql="root_span_id = '{trace}'",
    ),
    _mentioned(
        "some ids",
        "id IN ['{first}', '{middle}', '{last}', 'none']",
        lambda d, mentioned: is_in(d["id"], [mentioned["first"], mentioned["middle"], mentioned["last"]]),
        sql="id IN ('{first}', '{middle}', '{last}', 'none')",
    ),
    _mentioned(
        "children of a span",
        "span_parents INCLUDES '{trace}' and NOT error IS NOT NULL",
        lambda d, mentioned: and_(includes(d.get("span_parents"), mentioned["trace"]), d.get("error") is None),
        sql="span_parents IN ('{trace}') AND NOT error IS NOT NULL",
    ),
    _mentioned(
        "children by array equality",
        "span_parents = ['{trace}']",
        lambda d, mentioned: eq(d.get("span_parents"), [mentioned["trace"]]),
        sql="span_parents = ['{trace}']",
    ),
    _filter(
        "tags include", "tags INCLUDES 'triage'", lambda d: includes(d.get("tags"), "triage"), sql="tags IN ('triage')"
    ),
    _filter(
        "tags include one and not another",
        "tags CONTAINS 'prod' and NOT tags INCLUDES 'liked'",
        lambda d: and_(includes(d.get("tags"), "prod"), not_(includes(d.get("tags"), "liked"))),
        sql="tags IN ('prod') AND NOT tags IN ('liked')",
    ),
    _filter(
        "tags in several",
        "tags IN ['größer', '重要', 'needs review']",
        lambda d: is_in(d.get("tags"), ["größer", "重要", "needs review"]),
        sql="tags IN ('größer', '重要', 'needs review')",
    ),
    _filter(
        "lengths",
        "len(tags) > 2 or len(metadata.user_id) = 3",
        lambda d: or_(gt(len_(d.get("tags")), 2), eq(len_(get(d, "metadata", "user_id")), 3)),
    ),
    _filter(
        "length of a conversation",
        "span_attributes.type = 'llm' and len(input) >= 7",
        lambda d: and_(eq(kind(d), "llm"), ge(len_(d.get("input")), 7)),
    ),
    _filter("the second step", "output.steps[1] = 'router'", lambda d: eq(get(d, "output", "steps", 1), "router")),
    _filter("role of the last message", "input[-1].role = 'tool'", lambda d: eq(get(d, "input", -1, "role"), "tool")),
    _filter(
        "an unknown top-level field",
        "queue.name = 'nightly' and queue.attempt <= 2",
        lambda d: and_(eq(get(d, "queue", "name"), "nightly"), le(get(d, "queue", "attempt"), 2)),
    ),
    _filter("a field that nobody has", "metadata.nowhere.at.all IS NULL and is_root", lambda d: d["is_root"]),
    _filter(
        "an error's name",
        "error.name = 'TimeoutError' and error.retryable",
        lambda d: and_(eq(get(d, "error", "name"), "TimeoutError"), get(d, "error", "retryable")),
    ),
    _filter(
        "a late rating",
        """scores."User rating" = 0 or scores['User rating'] = 0.25""",
        lambda d: is_in(get(d, "scores", "User rating"), [0, 0.25]),
    ),
    _filter(
        "an odd name",
        """metadata."user name" = 'with a space' or metadata."a.b" = 7 or metadata."".""."" = 5""",
        lambda d: or_(
            eq(get(d, "metadata", "user name"), "with a space"),
            eq(get(d, "metadata", "a.b"), 7),
            eq(get(d, "metadata", "", "", ""), 5),
        ),
    ),
]


PAIRS = [*COMPARISONS, *LOGIC, *ARITHMETIC, *TEXT, *KINDS, *PLACES]
