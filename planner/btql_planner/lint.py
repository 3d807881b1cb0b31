"""Lint: what is slow about a query that is otherwise right.

============================== ========= ===================================
code                           stage     said of a query that
============================== ========= ===================================
missingSegmentEliminationSpecs optimizer reads a source with nothing that
                                         rules out parts: no range on
                                         ``created``, ``_xact_id`` or
                                         ``_pagination_key``, no equality on
                                         ``id`` or ``root_span_id``, anywhere
                                         under AND and OR
filterPushdown                 optimizer has a condition that only whole
                                         documents can answer
groupBySummary                 optimizer groups over the shape ``summary``
fullDocuments                  execution hands out whole documents' fields
============================== ========= ===================================

In the mode ``default`` lints come with the answer. ``strict`` refuses a query
that has any, with all of them in the message. ``off`` does not look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal, cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.explain_expression import text
from btql_planner.options import LintMode
from btql_planner.plan import Aggregate, Fetch, Filter, Plan, TraceSummary
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import walk

RANGED = frozenset({"created", "_xact_id", "_pagination_key"})
KEYED = frozenset({"id", "root_span_id"})


@dataclass(frozen=True, slots=True)
class Lint:
    """One remark about a query."""

    code: str
    message: str
    stage: Literal["optimizer", "execution"]
    severity: Literal["warning"] = "warning"


MISSING_RANGE = Lint(
    "missingSegmentEliminationSpecs",
    "No filters available for segment elimination. Add a range filter on created, _xact_id, or _pagination_key, "
    "or scope to a specific root_span_id or id.",
    "optimizer",
)
GROUP_BY_SUMMARY = Lint(
    "groupBySummary",
    "Grouping over the shape summary computes the summary of every trace first. Group spans instead.",
    "optimizer",
)
FULL_DOCUMENTS = Lint("fullDocuments", "Query retrieves full span documents, which can be slow.", "execution")


def lint(statement: tree.Statement, rewritten: Plan, *, mode: LintMode, previews: bool) -> tuple[Lint, ...]:
    """Return the lints of a query; raise them in strict mode. With ``previews`` no field is shown whole."""
    if mode == "off":
        return ()
    found = [MISSING_RANGE for query in _queries(statement) if not _eliminates(query)]
    found += _of_plan(rewritten, previews=previews)
    found = list(dict.fromkeys(found))
    if found and mode == "strict":
        raise _refused(found)
    return tuple(found)


def _refused(found: list[Lint]) -> BtqlError:
    count = f"{len(found)} lint" + ("s" if len(found) > 1 else "")
    lines = [f"{each.code} ({each.stage}/{each.severity}): {each.message}" for each in found]
    return BtqlError.of(
        errors.STRICT_LINT, "\n".join([f"Query blocked by strict lint mode due to {count}:", *lines]),
        help="follow what they say, or use the lint mode `default`",
    )  # fmt: skip


def _queries(node: object) -> Iterator[tree.Query]:
    """Yield every query of a statement that reads a source."""
    if isinstance(node, tuple):
        for part in cast("tuple[object, ...]", node):
            yield from _queries(part)
        return
    if not is_dataclass(node) or isinstance(node, Span | type):
        return
    if isinstance(node, tree.Query) and _reads(node.source):
        yield node
    for each in fields(node):
        yield from _queries(getattr(node, each.name))


def _reads(relation: tree.Relation | None) -> bool:
    if isinstance(relation, tree.Join):
        return _reads(relation.left) or _reads(relation.right)
    return isinstance(relation, tree.From)


def _eliminates(query: tree.Query) -> bool:
    """Whether anything in the filters may rule out parts."""
    return any(_bounds(condition) for condition in (query.filter, query.span_filter, query.trace_filter))


def _bounds(node: tree.Expression | None) -> bool:
    match node:
        case tree.Boolean():
            return any(map(_bounds, node.children))
        case tree.Call(name="any_span" | "filter_spans"):
            return any(map(_bounds, node.arguments))
        case tree.Comparison():
            names = {_name(node.left), _name(node.right)}
            ranged = node.op in ("lt", "le", "gt", "ge", "eq") and names & RANGED
            return bool(ranged or (node.op in ("eq", "in", "is") and names & KEYED))
        case tree.InQuery():
            return _name(node.expression) in KEYED
        case _:
            return False


def _name(node: tree.Expression) -> str:
    """Return the field that an expression is, with or without a relation's name before it."""
    if isinstance(node, tree.Literal):
        return str(node.value) if node.double_quoted else ""
    return str(node.path[-1]) if isinstance(node, tree.Identifier) and 0 < len(node.path) < 3 else ""


def _of_plan(plan: Plan, *, previews: bool) -> list[Lint]:
    found: list[Lint] = []
    for node in walk(plan):
        match node:
            case Filter(input=Fetch() | Scan()):
                message = f"Rewrite this filter. It is answered from whole documents: {text(node.condition)}"
                found.append(Lint("filterPushdown", message, "optimizer"))
            case Aggregate() if any(isinstance(below, TraceSummary) for below in walk(node.input)):
                found.append(GROUP_BY_SUMMARY)
            case Fetch(outputs=outputs) if not previews and any(len(path) == 1 for path in outputs):
                found.append(FULL_DOCUMENTS)
            case _:
                pass
    return found
