"""Plans as text: one line a node, expressions as one would write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from btql_planner.explain_expression import key_text, need_text, path_text, scoped, text
from btql_planner.expression_traversal import walk
from btql_planner.expressions import Expression, Subquery, split_engine_name
from btql_planner.plan import (
    Aggregate,
    Alias,
    Fetch,
    Filter,
    Limit,
    Nothing,
    Plan,
    Project,
    Sort,
    TraceLimit,
    TracePage,
    TraceSelection,
    TraceSummary,
    Unnest,
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
from btql_planner.plan_scan import Scan, Top
from btql_planner.plan_traversal import expressions, inputs
from btql_planner.types import describe


def plan_text(plan: Plan) -> str:
    """Return a plan as a tree, the top first."""
    return "\n".join(_lines(plan, "", "", set()))


def _lines(plan: Plan, first: str, rest: str, shared: set[str]) -> list[str]:
    lines = [first + node_text(plan)]
    below = branches(plan, shared)
    for number, each in enumerate(below):
        last = number == len(below) - 1
        lines += _lines(each, rest + ("└── " if last else "├── "), rest + ("    " if last else "│   "), shared)
    return lines


def branches(plan: Plan, shared: set[str]) -> list[Plan]:
    """Return what is drawn below a node: its inputs, and the subqueries in its expressions.

    What is below ``shared`` rows was drawn where they were first read; others are added to them.
    """
    if isinstance(plan, Shared):
        if plan.name in shared:
            return []
        shared.add(plan.name)
    parts = [part for each in expressions(plan) for part in walk(each)]
    return [*inputs(plan), *(part.plan for part in parts if isinstance(part, Subquery))]


def node_text(plan: Plan) -> str:
    """Return one node as a line: its name, and what it does."""
    match plan:
        case Scan():
            return _scan(plan)
        case Fetch():
            paths = [*map(path_text, dict.fromkeys([*plan.paths, *plan.outputs])), *plan.columns]
            return f"Fetch {', '.join(scoped(plan.source, path) for path in paths)}"
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
            return f"Unnest {plan.kind} {scoped(*split_engine_name(plan.name))}: {what}"
        case Aggregate():
            keys = ", ".join(text(key.expression) for key in plan.keys)
            sets = "" if plan.sets is None else f" sets {', '.join(str(list(each)) for each in plan.sets)}"
            sets += " apart" * plan.apart
            return f"Aggregate [{keys}]{sets} {', '.join(text(each.expression) for each in plan.measures)}".rstrip()
        case Sort():
            return f"Sort {', '.join(map(key_text, plan.keys))}"
        case Limit():
            return f"Limit {plan.count}" + (f" offset {plan.offset}" if plan.offset else "")
        case TraceLimit():
            offset = f" offset {plan.offset}" if plan.offset else ""
            return f"TraceLimit {plan.count}{offset} by {', '.join(map(key_text, plan.keys))}"
        case TracePage():
            return _page(plan)
        case Project():
            items = [f"{text(item.expression)}: {describe(item.expression.type)} as {item.name}" for item in plan.items]
            return f"Project {plan.source + ': ' if plan.source else ''}{', '.join(items)}"
        case Alias():
            return f"Alias {plan.source}"
        case _:
            return _combined(plan)


def _combined(
    plan: Join
    | Lateral
    | SetOperation
    | Window
    | Series
    | Shared
    | Numbered
    | ValuesTable
    | Recursion
    | RecursiveTable
    | Nothing,
) -> str:
    match plan:
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
    return ", ".join(scoped(*split_engine_name(name)) for name in names)


def _scan(plan: Scan) -> str:
    words = [f"Scan {plan.alias}"]
    if plan.alias not in ("rows", "matching", "roots"):
        words.append(f"of {plan.objects.kind}({', '.join(map(repr, plan.objects.names))})")
    if plan.filters:
        words.append(f"filter=({' and '.join(map(text, plan.filters))})")
    words += [f"probe=({probe.asked})" for probe in plan.probes]
    words += [f"range=({bounds.column} from {bounds.low or 'any'} to {bounds.high or 'any'})" for bounds in plan.ranges]
    words += [f"keys=({keys.column} in {', '.join(keys.values)})" for keys in plan.keys]
    words += [f"need=({need_text(need)})" for need in plan.needs]
    words += [f"{name}=({_top(top)})" for name, top in (("top", plan.top), ("traces", plan.traces)) if top]
    words += ["ends"] * plan.ends + ["counted"] * plan.counted
    return " ".join(words)


def _top(top: Top) -> str:
    words = [str(top.count), "by", top.column]
    words += ["desc"] * top.descending
    words += ["among", ", ".join(dict.fromkeys(check.column for check in top.among))] if top.among else []
    return " ".join(words) + (", guessed" if top.asked else "") + (f", {top.only} only" if top.only else "")


def _page(plan: TracePage) -> str:
    words = [f"TracePage {plan.count}"]
    words += [f"offset {plan.offset}"] * bool(plan.offset)
    words += [f"after {plan.after}"] * (plan.after is not None)
    words += [f"up to {plan.upto}"] * (plan.upto is not None)
    return " ".join([*words, "newest first" if plan.descending else "oldest first"])
