"""Expressions as text, as one would write them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, assert_never

from btql_grammar.quotes import name, single_quoted
from btql_planner.expressions import (
    AggregateCall,
    Apply,
    Column,
    Constant,
    Expression,
    Match,
    Over,
    Parameter,
    PathValue,
    Ranking,
    Reference,
    SortKey,
    Subquery,
    split_engine_name,
)
from btql_planner.needs import ANY_KIND, AnyNeed, Needed

if TYPE_CHECKING:
    from btql_planner.expressions import SortKey

_SYMBOLS = {
    "eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "nseq": "<=>", "nsne": "<!=>",
    "add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "and": "and", "or": "or",
    "like": "like", "ilike": "ilike", "match": "match", "includes": "includes",
}  # fmt: skip


def key_text(key: SortKey) -> str:
    """Return one key of an order."""
    nulls = "" if key.nulls == "last" else " nulls first"
    return text(key.expression) + (" desc" if key.descending else "") + nulls


def path_text(path: tuple[str | int, ...]) -> str:
    """Return a path as it is written in a query."""
    written = ""
    for piece in path:
        if isinstance(piece, int):
            written += f"[{piece}]"
            continue
        written += ("." if written else "") + name(piece)
    return written


def need_text(need: Needed) -> str:
    """Return what a path must have, in words."""
    if isinstance(need, AnyNeed):
        return " or ".join(map(need_text, need.needs))
    if need.kinds >= ANY_KIND:
        return path_text(need.path)
    ranges = [_between(_NEEDS[kind], bounds) for kind, bounds in (("i", need.numbers), ("t", need.texts)) if bounds]
    words = dict.fromkeys([*ranges, *(_NEEDS[kind] for kind in sorted(need.kinds))])
    return f"{path_text(need.path)}: {', '.join(words)}"


_NEEDS = {"b": "booleans", "f": "numbers", "i": "numbers", "t": "texts", "x": "what documents only have"}


def _between(what: str, bounds: tuple[object, object]) -> str:
    low, high = bounds
    if low == high:
        return f"{what} like {low!r}"
    return what + (f" from {low!r}" if low is not None else "") + (f" to {high!r}" if high is not None else "")


def text(expression: Expression) -> str:
    """Return an expression as one would write it."""
    match expression:
        case Constant():
            return _constant(expression)
        case Column():
            return scoped(expression.source, expression.name)
        case PathValue():
            return scoped(expression.source, path_text(expression.path))
        case Reference():
            return "#" + scoped(*split_engine_name(expression.name))
        case Parameter():
            return f"${expression.name}"
        case Match():
            return f"{expression.column} match '{' '.join(expression.tokens)}'"
        case Apply():
            return _call(expression.function.name, [text(each) for each in expression.arguments])
        case AggregateCall():
            return _aggregate(expression)
        case Ranking():
            nulls = " ignore nulls" if expression.ignore_nulls else ""
            return _call(expression.name, [text(each) for each in expression.arguments]) + nulls
        case Over():
            return _over(expression)
        case Subquery():
            return _subquery(expression)
        case _:
            assert_never(expression)


def _aggregate(call: AggregateCall) -> str:
    arguments = [text(each) for each in call.arguments]
    if call.distinct:
        arguments[0] = f"distinct {arguments[0]}"
    written = _call(call.function.name, arguments)
    if call.order:
        written += f" order by {', '.join(map(key_text, call.order))}"
    return written if call.filter is None else f"{written} where {text(call.filter)}"


def _over(over: Over) -> str:
    words: list[str] = []
    if over.partition:
        words.append(f"partition by {', '.join(map(text, over.partition))}")
    if over.order:
        words.append(f"order by {', '.join(map(key_text, over.order))}")
    if over.frame is not None:
        ends = [
            end.kind if end.distance is None else f"{end.distance} {end.kind}"
            for end in (over.frame.start, over.frame.end)
        ]
        words.append(f"{over.frame.unit} between {ends[0]} and {ends[1]}")
    return f"{text(over.call)} over ({' '.join(words)})"


def _subquery(query: Subquery) -> str:
    what = "exists" if query.test is None else f"any {text(query.test)}"
    what = what if query.column is None else f"value {text(query.column)}"
    pairs = zip(query.parameters, query.arguments, strict=True)
    given = ", ".join(f"{text(parameter)} = {text(argument)}" for parameter, argument in pairs)
    return f"({what}{' with ' if given else ''}{given})"


def scoped(source: str, name: str) -> str:
    """Return a column as a reader would call it."""
    return f"{source}.{name}" if source else name


def _call(name: str, arguments: list[str]) -> str:
    match name:
        case "isnull" | "isnotnull":
            return f"{arguments[0]} is {'not ' if name == 'isnotnull' else ''}null"
        case "not":
            return f"not {arguments[0]}"
        case "neg":
            return f"-{arguments[0]}"
        case "in":
            return f"{arguments[0]} in ({', '.join(arguments[1:])})"
        case _ if name in _SYMBOLS and len(arguments) > 1:
            return "(" + f" {_SYMBOLS[name]} ".join(arguments) + ")"
        case _:
            return f"{name}({', '.join(arguments)})"


def _constant(constant: Constant) -> str:
    match constant.value:
        case None:
            return "null"
        case bool():
            return "true" if constant.value else "false"
        case str():
            return single_quoted(constant.value)
        case datetime():
            return f"'{constant.value.isoformat()}'"
        case tuple():
            return f"[{', '.join(map(repr, constant.value))}]"
        case _:
            return str(constant.value)
