"""Well-known mistakes about clauses: what they are called, how they begin, what they hold."""

from __future__ import annotations

from difflib import get_close_matches

from btql_grammar import quotes
from btql_grammar.diagnostic import BtqlError, shorten
from btql_grammar.lexer import CLAUSES, Token
from btql_grammar.span import Span
from btql_grammar.stumble import Rule, Stumble

EXAMPLES = {
    "select": "select: *",
    "dimensions": "dimensions: metadata.model",
    "measures": "measures: count(1) as calls",
    "from": "from: project_logs('name')",
    "filter": "filter: metadata.model = 'a'",
    "sort": "sort: created desc",
    "limit": "limit: 10",
    "offset": "offset: 10",
    "cursor": "cursor: 'token'",
    "sample": "sample: 25% seed 42",
    "pivot": "pivot: calls",
    "unpivot": "unpivot: scores as (name, value)",
    "infer": "infer: metadata",
    "span_filter": "span_filter: is_root",
    "trace_filter": "trace_filter: is_root",
    "final_filter": "final_filter: calls > 10",
    "final_dimensions": "final_dimensions: model",
    "final_measures": "final_measures: avg(calls) as average",
    "comparison_key": "comparison_key: input",
    "weighted_scores": "weighted_scores: 0.5 * scores.Factuality as total",
    "custom_columns": "custom_columns: metadata.team as team",
    "preview_length": "preview_length: 100",
    "inference_budget": "inference_budget: 1000",
}
"""A clause as it may be written."""

_OTHER_NAMES = {
    "where": "filter", "having": "final_filter", "order": "sort", "orderby": "sort", "order_by": "sort",
    "by": "sort", "group": "dimensions", "groupby": "dimensions", "group_by": "dimensions",
    "aggregate": "measures", "aggregates": "measures", "metrics": "measures", "columns": "select", "fields": "select",
    "source": "from", "table": "from", "take": "limit", "top": "limit", "skip": "offset", "tablesample": "sample",
    "conditions": "filter",
}  # fmt: skip
"""What clauses are called elsewhere."""
_SQL_ONLY = {
    "join": "joins", "left": "joins", "right": "joins", "inner": "joins", "outer": "joins", "cross": "joins",
    "full": "joins", "natural": "joins", "lateral": "joins", "union": "UNION", "intersect": "INTERSECT",
    "except": "EXCEPT", "with": "WITH", "over": "window functions", "window": "window functions",
}  # fmt: skip
_ARITHMETIC = frozenset({"PLUS", "MINUS", "TIMES", "STAR"})
_COMMON = "the common clauses are select, dimensions, measures, from, filter, sort and limit"


def _empty(place: Stumble) -> BtqlError | None:
    """``filter: limit: 10``: where an operand is expected, the head of the next clause reads as a name."""
    named = place.before() if place.token.type == "_COLON" else None
    head = place.before(2 if named else 1)
    if named is not None and named.text.lower() not in CLAUSES:
        return None
    if head is not None and head.type.endswith("_HEAD") and (named or place.at_end or place.token.type == "_PIPE"):
        clause = head.text.lower()
        return place.fault(
            f"clause `{clause}` is empty", "expected something after this", f"write `{EXAMPLES[clause]}`", head.span
        )
    if named is None:
        return None
    if len(place.unexpected.read) == 1:
        help_ = f"an expression alone has no clauses, leave `{shorten(named.text)}:` out"
        return place.fault(_unfinished(named), "a clause", help_, named.span)
    if place.follows("LPAR", "NAME") and named.text.lower() == "select":
        return _sql_only(place, "subqueries", named.span)
    return place.fault(
        _unfinished(named),
        "the clause before ends too early",
        "remove the comma or operator before it, or complete the expression",
        named.span,
    )


def _unfinished(named: Token) -> str:
    return f"expected an expression, found the clause `{named.text}`"


def _sql_in_btql(place: Stumble) -> BtqlError | None:
    """Joins, set operations, window functions, subqueries."""
    if not (place.is_word or place.token.type == "UNKNOWN_HEAD"):
        named = place.before()
        subquery = place.follows("LPAR", "NAME") and named is not None and named.text.lower() == "select"
        return _sql_only(place, "subqueries", named.span) if subquery and named else None
    if place.follows("LPAR", "NAME") and (named := place.before()) is not None and named.text.lower() == "select":
        return _sql_only(place, "subqueries", named.span)
    if place.word not in _SQL_ONLY or not (place.wants_clause or place.wants_operator):
        return None
    if place.word == "except" and place.has_read("STAR"):
        return place.fault("there is no `except` behind `*`", "unknown word", "write `* exclude (name)`")
    return _sql_only(place, _SQL_ONLY[place.word], place.span)


def _sql_only(place: Stumble, what: str, span: Span) -> BtqlError:
    help_ = "write the whole query in SQL: `SELECT ... FROM ...`"
    return place.fault(f"BTQL has no {what}", "not in BTQL", help_, span)


def _unknown(place: Stumble) -> BtqlError | None:
    """Names that are no clauses, and clauses without their colon."""
    name, begins = place.word, place.wants_clause
    if place.token.type == "UNKNOWN_HEAD":
        if name == "shape" or not (begins or not place.unexpected.read):
            return None
        return _no_clause(place, place.span)
    if not place.is_word or not begins:
        return None
    rest = place.text[place.token.end : place.token.end + 100].lstrip()
    if name in CLAUSES and not rest.startswith(":"):
        return place.fault(f"clause `{name}` has no colon", "expected a colon after this", f"write `{name}:`")
    if name in _OTHER_NAMES:
        by = place.text[place.token.end : place.token.end + 100]
        behind = len(by) - len(by.lstrip()) + 2 if rest[:2].lower() == "by" else 0
        return _no_clause(place, Span(place.token.start, place.token.end + behind))
    alike = get_close_matches(name[:40], CLAUSES, n=1, cutoff=0.7)
    return _no_clause(place, place.span) if alike and not place.wants_operator else None


def _no_clause(place: Stumble, span: Span) -> BtqlError:
    close = get_close_matches(place.word[:40], CLAUSES, n=1, cutoff=0.6)
    meant = _OTHER_NAMES.get(place.word) or (close[0] if close else None)
    help_ = f"write `{meant}:`" if meant else _COMMON
    return BtqlError.of("B0103", f"there is no clause `{shorten(place.word)}`", span, "unknown clause", help=help_)


def _pipe(place: Stumble) -> BtqlError | None:
    """A separator with nothing to separate."""
    if place.follows("_PIPE") and (place.at_end or place.token.type == "_PIPE"):
        pipe = place.before()
        assert pipe is not None, "it has just been looked at"
        return place.fault("expected a clause after `|`", "nothing follows this", "remove the `|`", pipe.span)
    return None


# Bodies of clauses.


def _source(place: Stumble) -> BtqlError | None:
    """The source: its kind, its names, its shape."""
    head = place.head()
    if head is None or head.type != "FROM_HEAD":
        return None
    if place.word in ("shape", "=>") and (place.expected & {"RPAR", "STRING"} or place.wants_clause):
        help_ = "write the shape after the source: `from: project_logs('x') traces`"
        return place.misfit("in BTQL the shape of a source has no name", "a named shape", help_)
    if (unquoted := _unquoted(place)) is not None:
        return unquoted
    if place.follows("FROM_HEAD") and place.token.type == "STRING":
        written = shorten(place.token.text)
        return place.misfit("a source begins with its kind", "a name alone", f"write `project_logs({written})`")
    if place.token.type in ("STRING", "DOUBLE_QUOTED") and "LPAR" in place.expected:
        written = shorten(place.token.text)
        return place.misfit("the name of a source stands in parentheses", "here", f"write `({written})`")
    if place.token.type == "_DOT" and "SHAPE" in place.expected:
        return place.misfit("a source has no fields", "a dot behind a source", "write the shape after a space")
    if place.token.type == "_COMMA" and "SHAPE" in place.expected:
        help_ = "write objects of one kind as one source: `experiment('a', 'b')`; in SQL several sources can be joined"
        return place.misfit("from takes one source", "a second source", help_)
    if "STRING" in place.expected and not place.wants_operand:
        written = place.text[place.token.start :].split(")", 1)[0].split(",", 1)[0].strip()
        plain = place.is_word or place.token.type in ("INTEGER", "FLOAT", "BAD_NUMBER")
        quoted = f"write `'{shorten(written)}'`" if plain else None
        return place.misfit("the names in a source are texts in quotes", "not a text", quoted)
    return None


def _unquoted(place: Stumble) -> BtqlError | None:
    """``from: my-app``, ``from: 2024-run``: a name that needs quotes."""
    named = place.before()
    if place.follows("FROM_HEAD") and place.token.type in ("INTEGER", "FLOAT", "BAD_NUMBER"):
        return quotes.unquoted_name(place.text, place.span.start)
    if named is not None and named.type in ("NAME", "ANY_NAME") and named.span.end == place.span.start:
        return quotes.unquoted_name(place.text, named.span.start)
    return None


def _number(place: Stumble) -> BtqlError | None:
    """Clauses that hold a number, a size or a token."""
    head = place.head()
    if head is None or not _begins_body(place, head):
        return None
    clause = head.text.lower()
    match head.type:
        case "COUNT_HEAD" | "PREVIEW_HEAD":
            what = "a whole number"
        case "CURSOR_HEAD":
            what = "a text in quotes"
        case "SAMPLE_HEAD":
            what = "a share or a number of rows"
        case _:
            return None
    example = EXAMPLES[clause]
    return place.misfit(f"{clause} takes {what}", f"not {what}", f"write `{example}`")


def _begins_body(place: Stumble, head: Token) -> bool:
    return place.before() is head or (place.follows("MINUS") and place.before(2) is head)


def _after_number(place: Stumble) -> BtqlError | None:
    """``limit: 10, 20``, ``sample: 10 percent``: something behind a body that is complete."""
    head = place.head()
    if head is None or place.token.type.endswith("_HEAD"):
        return None
    if head.text.lower() == "limit" and place.token.type == "_COMMA" and place.wants_clause:
        return place.misfit("limit takes one number", "a second number", "write `limit: 10 offset: 20`")
    if head.type == "COUNT_HEAD" and place.token.type in _ARITHMETIC:
        message = f"{head.text.lower()} takes a whole number, nothing that is computed"
        help_ = f"write the number itself, or `{head.text.lower()}: $1` and give its value beside the query"
        return place.misfit(message, "an operator", help_)
    if head.type == "SAMPLE_HEAD" and not place.follows("SAMPLE_HEAD"):
        help_ = f"write `{EXAMPLES['sample']}`, or a number of rows: `sample: 100`"
        return place.misfit("this is not a sample", "not expected here", help_)
    return None


def _lists(place: Stumble) -> BtqlError | None:
    """``unpivot: scores``, ``sort: by created``, ``infer: a + b``."""
    head = place.head()
    if head is None:
        return None
    if head.type == "UNPIVOT_HEAD" and not place.wants_operand and (place.at_end or not place.wants_operator):
        help_ = f"write `{EXAMPLES['unpivot']}` for an object, `unpivot: tags as (tag)` for an array"
        return place.misfit("unpivot names the columns that it makes", "not expected here", help_)
    if head.type == "UNPIVOT_HEAD" and "_AS" in place.expected:
        help_ = f"write `{EXAMPLES['unpivot']}` for an object, `unpivot: tags as (tag)` for an array"
        return place.misfit("the names behind `unpivot` follow `as`", "expected `as` before this", help_)
    if head.type == "INFER_HEAD":
        return place.misfit("infer takes fields", "not a field", f"write `{EXAMPLES['infer']}` or `infer: *`")
    by = place.before()
    if head.type == "SORT_HEAD" and by is not None and by.text.lower() == "by" and place.is_word:
        return place.fault(
            "there is no `by` behind `sort:`", "one word too many", "write `sort: created desc`", by.span
        )
    return None


RULES: tuple[Rule, ...] = (
    _empty, _sql_in_btql, _pipe, _source, _number, _after_number, _unknown, _lists,
)  # fmt: skip
"""Tried in this order."""
