"""Plans as text: one line a node, expressions as one would write them."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from btql_planner.expressions import (
    AggregateCall,
    Apply,
    Column,
    Constant,
    Expression,
    Match,
    Parameter,
    PathValue,
    Reference,
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
            return f"Aggregate [{keys}] {', '.join(text(each.expression) for each in plan.measures)}".rstrip()
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
        case Nothing():
            return "Nothing"
        case _:
            assert_never(plan)


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


def _key(key: SortKey) -> str:
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
            return "#" + expression.name.replace("|", ".", 1)
        case Parameter():
            return f"${expression.name}"
        case Match():
            return f"{expression.column} match '{' '.join(expression.tokens)}'"
        case Apply() | AggregateCall():
            return _call(expression.function.name, [text(each) for each in expression.arguments])
        case _:
            assert_never(expression)


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
