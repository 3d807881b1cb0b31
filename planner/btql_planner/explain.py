"""Plans as text: one line a node, expressions as one would write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never

from btql_planner.expressions import (
    AggregateCall,
    Apply,
    Column,
    Constant,
    Expression,
    Match,
    Ordering,
    Over,
    Parameter,
    PathValue,
    Ranking,
    Reference,
    Subquery,
    split_engine_name,
)
from btql_planner.plan import (
    Aggregate,
    Alias,
    Fetch,
    Filter,
    Limit,
    Nothing,
    Plan,
    Project,
    Scan,
    Sort,
    SortKey,
    TraceLimit,
    TracePage,
    TraceSelection,
    TraceSummary,
    Unnest,
    inputs,
)
from btql_planner.plan_relations import (
    Join,
    Lateral,
    Numbered,
    Recursion,
    RecursiveTable,
    Series,
    SetOperation,
    Shared,
    ValuesTable,
    Window,
)
from btql_planner.types import describe

_SYMBOLS = {
    "eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "nseq": "<=>", "nsne": "<!=>",
    "add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "and": "and", "or": "or",
    "like": "like", "ilike": "ilike", "match": "match", "includes": "includes",
}  # fmt: skip


def plan_text(plan: Plan) -> str:
    """Return a plan as a tree, the top first."""
    return "\n".join(_lines(plan, "", ""))


def _lines(plan: Plan, first: str, rest: str) -> list[str]:
    lines = [first + _node(plan)]
    below = inputs(plan)
    for number, each in enumerate(below):
        last = number == len(below) - 1
        lines += _lines(each, rest + ("└── " if last else "├── "), rest + ("    " if last else "│   "))
    return lines


def _node(plan: Plan) -> str:
    match plan:
        case Scan():
            return _scan(plan)
        case Fetch():
            paths = [*map(path_text, dict.fromkeys([*plan.paths, *plan.outputs])), *plan.columns]
            return f"Fetch {', '.join(paths)}"
        case Filter():
            return f"Filter {text(plan.condition)}"
        case TraceSelection():
            return f"TraceSelection {text(plan.condition)}"
        case TraceSummary():
            measures = [f"{text(each.expression)} as {each.name}" for each in plan.measures]
            return f"TraceSummary {', '.join(measures)}".rstrip()
        case Unnest():
            what = (
                text(plan.expression)
                if plan.entries is None
                else f"{len(plan.entries)} keys of {text(plan.expression)}"
            )
            return f"Unnest {plan.kind} {plan.name}: {what}"
        case Aggregate():
            keys = ", ".join(text(key.expression) for key in plan.keys)
            sets = "" if plan.sets is None else f" sets {', '.join(str(list(each)) for each in plan.sets)}"
            return f"Aggregate [{keys}]{sets} {', '.join(text(each.expression) for each in plan.measures)}".rstrip()
        case Sort():
            return f"Sort {', '.join(map(_key, plan.keys))}"
        case Limit():
            return f"Limit {plan.count}" + (f" offset {plan.offset}" if plan.offset else "")
        case TraceLimit():
            offset = f" offset {plan.offset}" if plan.offset else ""
            return f"TraceLimit {plan.count}{offset} by {', '.join(map(_key, plan.keys))}"
        case TracePage():
            return _page(plan)
        case Project():
            items = [f"{text(item.expression)}: {describe(item.expression.type)} as {item.name}" for item in plan.items]
            return f"Project {plan.source + ': ' if plan.source else ''}{', '.join(items)}"
        case Alias():
            return f"Alias {plan.source}"
        case Join():
            return f"Join {plan.kind}{_on(plan.condition)}"
        case Lateral():
            pairs = zip(plan.parameters, plan.arguments, strict=True)
            given = ", ".join(f"{text(parameter)} = {text(argument)}" for parameter, argument in pairs)
            return f"Lateral {plan.kind} with {given}{_on(plan.condition)}"
        case SetOperation():
            return f"{plan.op.capitalize()}{' all' if plan.all else ''} {_names(plan.names)}"
        case Window():
            return f"Window {', '.join(text(item.expression) for item in plan.items)}"
        case Series():
            return f"Series {', '.join(map(text, plan.arguments))}"
        case Shared():
            return f"Shared {plan.name}"
        case Numbered():
            return f"Numbered by {', '.join(map(text, plan.keys))}"
        case ValuesTable():
            return f"Values {len(plan.rows)} rows of {_names(plan.names)}"
        case Recursion():
            return f"Recursion {plan.table}"
        case RecursiveTable():
            return f"RecursiveTable {plan.table} of {_names(plan.names)}"
        case Nothing():
            return "Nothing"
        case _:
            assert_never(plan)


def _on(condition: Expression | None) -> str:
    return "" if condition is None else f" on {text(condition)}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(_scoped(*split_engine_name(name)) for name in names)


def _scan(plan: Scan) -> str:
    words = [f"Scan {plan.alias}"]
    if plan.alias not in ("rows", "matching"):
        words.append(f"of {plan.objects.kind}({', '.join(map(repr, plan.objects.names))})")
    if plan.filters:
        words.append(f"filter=({' and '.join(map(text, plan.filters))})")
    words += [f"probe=({text(probe)})" for probe in plan.probes]
    words += [f"range=({bounds.column} from {bounds.low or 'any'} to {bounds.high or 'any'})" for bounds in plan.ranges]
    words += [f"keys=({keys.column} in {', '.join(keys.values)})" for keys in plan.keys]
    return " ".join(words)


def _page(plan: TracePage) -> str:
    words = [f"TracePage {plan.count}"]
    words += [f"offset {plan.offset}"] * bool(plan.offset)
    words += [f"after {plan.after}"] * (plan.after is not None)
    words += [f"up to {plan.upto}"] * (plan.upto is not None)
    return " ".join([*words, "newest first" if plan.descending else "oldest first"])


def _key(key: SortKey | Ordering) -> str:
    nulls = "" if key.nulls == "last" else " nulls first"
    return text(key.expression) + (" desc" if key.descending else "") + nulls


def path_text(path: tuple[str | int, ...]) -> str:
    """Return a path as it is written in a query."""
    written = ""
    for piece in path:
        if isinstance(piece, int):
            written += f"[{piece}]"
            continue
        plain = piece.isidentifier()
        written += ("." if written else "") + (piece if plain else '"' + piece.replace('"', '""') + '"')
    return written


def text(expression: Expression) -> str:
    """Return an expression as one would write it."""
    match expression:
        case Constant():
            return _constant(expression)
        case Column():
            return _scoped(expression.source, expression.name)
        case PathValue():
            return _scoped(expression.source, path_text(expression.path))
        case Reference():
            return "#" + _scoped(*split_engine_name(expression.name))
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
        written += f" order by {', '.join(map(_key, call.order))}"
    return written if call.filter is None else f"{written} where {text(call.filter)}"


def _over(over: Over) -> str:
    words: list[str] = []
    if over.partition:
        words.append(f"partition by {', '.join(map(text, over.partition))}")
    if over.order:
        words.append(f"order by {', '.join(map(_key, over.order))}")
    if over.frame is not None:
        ends = [
            end.kind if end.distance is None else f"{end.distance} {end.kind}"
            for end in (over.frame.start, over.frame.end)
        ]
        words.append(f"{over.frame.unit} between {ends[0]} and {ends[1]}")
    return f"{text(over.call)} over ({' '.join(words)})"


def _subquery(query: Subquery) -> str:
    words = "exists" if query.column is None and query.test is None else "any" if query.column is None else "value"
    with_ = [
        f"{text(each)} = {text(argument)}" for each, argument in zip(query.parameters, query.arguments, strict=True)
    ]
    test = "" if query.test is None else f" {text(query.test)}"
    given = f" with {', '.join(with_)}" if with_ else ""
    return f"{words}{test} in [{_inline(query.plan)}]{given}"


def _inline(plan: Plan) -> str:
    below = ", ".join(_inline(each) for each in inputs(plan))
    return f"{_node(plan)} <- {below}" if below else _node(plan)


def _scoped(source: str, name: str) -> str:
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
            return "'" + constant.value.replace("'", "''") + "'"
        case datetime():
            return f"'{constant.value.isoformat()}'"
        case tuple():
            return f"[{', '.join(map(repr, constant.value))}]"
        case _:
            return str(constant.value)
