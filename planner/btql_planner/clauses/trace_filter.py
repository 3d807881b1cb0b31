"""ANY_SPAN and FILTER_SPANS: what a filter says about traces, and what about spans.

Every condition is checked on one span at a time (reference 6.5). For a shape
made of traces, a filter is a formula over *span tests*: a trace passes a test
if one of its spans does.

- ``ANY_SPAN(e)`` is a test of its own; another one may be passed by another span.
- Everything in the filter that is not inside an ANY_SPAN is a test, too: the
  plain conditions that an AND or an OR connects have to hold on the same span.
- AND, OR and NOT around tests are about the trace.

``FILTER_SPANS(e)`` does not choose traces. It narrows what is returned of them,
so it stands alone or beside others in the outermost AND.

One ANY_SPAN inside another, reached by AND and OR, means the same span, so the
inner one is dropped. Two inside one, one under NOT, and three levels have no such
reading and are refused.

For the shape ``spans`` a plain condition is about the span itself, ANY_SPAN is
about its trace, and FILTER_SPANS changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError, Label
from btql_planner import errors
from btql_planner.tree_calls import calls

ANY_SPAN = "any_span"
FILTER_SPANS = "filter_spans"


@dataclass(frozen=True, slots=True)
class SpanTest:
    """Passed by a trace if one of its spans satisfies the condition."""

    condition: tree.Expression


@dataclass(frozen=True, slots=True)
class PlainCondition:
    """About the row itself; only the shape ``spans`` has these."""

    condition: tree.Expression


@dataclass(frozen=True, slots=True)
class Connected:
    """AND or OR over formulas, or NOT over one."""

    op: str
    parts: tuple[Formula, ...]


Formula = SpanTest | PlainCondition | Connected


@dataclass(frozen=True, slots=True)
class TraceFilter:
    """A filter, taken apart."""

    formula: Formula | None
    """What chooses the rows or traces; None lets all pass."""
    kept: tuple[tree.Expression, ...] = ()
    """What FILTER_SPANS leaves of the chosen traces: a span has to satisfy all of these."""


def take_apart(condition: tree.Expression | None, shape: tree.Shape) -> TraceFilter:
    """Return what a filter says about traces and what about spans."""
    kept: list[tree.Expression] = []
    others: list[tree.Expression] = []
    for part in _conjuncts(condition):
        if isinstance(part, tree.Call) and part.name == FILTER_SPANS:
            kept.append(_without_span_calls(_argument(part)))
        else:
            others.append(part)
    for part in others:
        _refuse_filter_spans(part)
    if shape == "spans":
        # A no-op there: what it wraps is a condition like any other.
        others += kept
        kept = []
    if not others:
        return TraceFilter(None, tuple(kept))
    assert condition is not None
    whole = others[0] if len(others) == 1 else tree.Boolean("and", tuple(others), span=condition.span)
    return TraceFilter(_formula(whole, plain_is_test=shape != "spans"), tuple(kept))


def has_any_span(node: object) -> bool:
    """Whether ANY_SPAN is called anywhere in an expression."""
    return bool(_calls(node, ANY_SPAN))


def has_span_calls(node: object) -> bool:
    """Whether ANY_SPAN or FILTER_SPANS is called anywhere in an expression."""
    return bool(_calls(node, ANY_SPAN) or _calls(node, FILTER_SPANS))


def refuse_span_calls(node: tree.Expression) -> None:
    """Raise where ANY_SPAN or FILTER_SPANS stands in a filter of anything but spans."""
    for call in [*_calls(node, ANY_SPAN), *_calls(node, FILTER_SPANS)]:
        raise outside_filter(call)


def outside_filter(call: tree.Call) -> BtqlError:
    """Return the error for ANY_SPAN or FILTER_SPANS outside of a filter of spans."""
    return BtqlError.of(
        errors.MISPLACED, f"`{call.name}` belongs into a filter", call.span, "not here",
        help="say it in `filter:`, in SQL in `WHERE` of the query that reads the spans",
    )  # fmt: skip


def _conjuncts(condition: tree.Expression | None) -> Sequence[tree.Expression]:
    if condition is None:
        return ()
    if isinstance(condition, tree.Boolean) and condition.op == "and":
        return condition.children
    return (condition,)


def _formula(node: tree.Expression, *, plain_is_test: bool) -> Formula:
    if not has_any_span(node):
        return SpanTest(node) if plain_is_test else PlainCondition(node)
    match node:
        case tree.Call(name="any_span"):
            return SpanTest(_flattened(node))
        case tree.Not(expression=below):
            return Connected("not", (_formula(below, plain_is_test=plain_is_test),))
        case tree.Boolean(op=op, children=children):
            plain = [child for child in children if not has_any_span(child)]
            parts = [_formula(child, plain_is_test=plain_is_test) for child in children if has_any_span(child)]
            if plain:
                together = plain[0] if len(plain) == 1 else replace(node, children=tuple(plain))
                parts.insert(0, _formula(together, plain_is_test=plain_is_test))
            return Connected(op, tuple(parts)) if len(parts) > 1 else parts[0]
        case _:
            call = _calls(node, ANY_SPAN)[0]
            raise BtqlError.of(
                errors.MISPLACED, "`any_span` can only be combined with AND, OR and NOT", call.span,
                "used as a value", help="write the condition on the span inside of it: `any_span(error is not null)`",
            )  # fmt: skip


def _flattened(call: tree.Call) -> tree.Expression:
    """Return what one ANY_SPAN asks of a span; a single ANY_SPAN inside of it means the same span."""
    condition = _argument(call)
    inner = _calls(condition, ANY_SPAN)
    if len(inner) > 1:
        deeper = any(_calls(each.arguments, ANY_SPAN) for each in inner)
        raise _nested("three levels of `any_span`" if deeper else "two `any_span` inside one", inner[1], call)
    return _unwrap(condition, call) if inner else condition


def _unwrap(node: tree.Expression, outer: tree.Call) -> tree.Expression:
    """Return a condition with the ANY_SPAN in it, which AND and OR lead to, replaced by what it asks."""
    match node:
        case tree.Call(name="any_span"):
            return _argument(node)
        case tree.Boolean(children=children):
            parts = tuple(_unwrap(child, outer) if has_any_span(child) else child for child in children)
            return replace(node, children=parts)
        case _:
            raise _nested("`any_span` under NOT inside another", _calls(node, ANY_SPAN)[0], outer)


def _nested(what: str, inner: tree.Call, outer: tree.Call) -> BtqlError:
    return BtqlError.of(
        errors.NESTED_SPANS, f"{what} cannot be put into words about one span", inner.span, "this one",
        help="put them side by side: `any_span(a) and any_span(b)`", secondary=(Label(outer.span, "inside this"),),
    )  # fmt: skip


def _argument(call: tree.Call) -> tree.Expression:
    if len(call.arguments) != 1:
        raise BtqlError.of(
            errors.WRONG_ARGUMENT_COUNT, f"`{call.name}` takes one condition", call.span, "this call",
            help=f"write `{call.name}(error is not null)`",
        )  # fmt: skip
    return call.arguments[0]


def _without_span_calls(condition: tree.Expression) -> tree.Expression:
    for name in (ANY_SPAN, FILTER_SPANS):
        for call in _calls(condition, name):
            raise BtqlError.of(
                errors.NESTED_SPANS, f"`{name}` cannot stand inside `filter_spans`", call.span, "this one",
                help="`filter_spans` looks at one span: put the other condition beside it with AND",
            )  # fmt: skip
    return condition


def _refuse_filter_spans(node: tree.Expression) -> None:
    for call in _calls(node, FILTER_SPANS):
        raise BtqlError.of(
            errors.NESTED_SPANS, "`filter_spans` stands alone, or beside others in the outermost AND", call.span,
            "under OR, NOT or a function", help="use `any_span` for a condition that chooses traces",
        )  # fmt: skip


def _calls(node: object, name: str) -> list[tree.Call]:
    """Return the calls of a function in an expression; queries inside of it keep theirs."""
    return [call for call in calls(node) if call.name == name]
