"""The header ``x-bt-query-plan``: how a query runs, or what this very run of it took, beside its answer.

A request asks for it with a header of the same name: ``true``, or ``text``, ``tree`` or ``json`` for one of the forms
of EXPLAIN, and ``analyze`` besides for what the run took: ``x-bt-query-plan: json, analyze``. What a run took is
known at its end, so an answer that is sent piece by piece tells how it is planned instead.

Clients take some kilobytes of headers. A text is cut; JSON is left whole, and has less in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import msgspec

from btql.explain import FORMATS, written
from btql_server.http.errors import HttpError

if TYPE_CHECKING:
    from btql.explaining.explanation import Explanation, Node
    from btql_grammar.tree_statements import ExplainFormat

HEADER = "x-bt-query-plan"
_CHARACTERS_MAX = 6_000
_DETAIL_MAX = 60
_OFF = frozenset({"", "false", "0"})
_ON = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True)
class PlanAsked:
    """What a request asks for."""

    form: ExplainFormat
    analyze: bool


@dataclass(frozen=True, slots=True)
class PlanHeader:
    """What the header of an answer will say."""

    asked: PlanAsked
    planned: Callable[[], Explanation | None]
    """How the query is planned; None where it has no plan."""
    took: Callable[[], Explanation] | None
    """What it took, once its rows have been read; None where it did not run, or nobody asked."""

    def value(self, *, ended: bool) -> str | None:
        """Return the header, one line of ASCII; ``ended`` says whether the query has."""
        made = self.took() if ended and self.took is not None else self.planned()
        if made is None:
            return None
        if self.asked.form != "json":
            return json.dumps(written(made, self.asked.form)[:_CHARACTERS_MAX])
        texts = (_ascii(each) for each in _shorter(made))
        return next((text for text in texts if len(text) <= _CHARACTERS_MAX), None)


def plan_asked(value: str) -> PlanAsked | None:
    """Return what the header of a request asks for; None where it does not."""
    words = {word.strip().lower() for word in value.split(",")}
    if words <= _OFF:
        return None
    analyze = "analyze" in words
    forms = words - {"analyze"} - _ON
    if len(forms) > 1 or not forms <= {*FORMATS}:
        raise HttpError(
            400,
            f"the header {HEADER} is `true` or one of {', '.join(FORMATS)}, with `analyze` if wanted: `json, analyze`",
        )
    return PlanAsked(cast("ExplainFormat", next(iter(forms), "text")), analyze)


def _shorter(explanation: Explanation) -> Iterator[Explanation]:
    """Yield an explanation with less and less in it."""
    yield explanation
    without = msgspec.structs.replace(explanation, statements=[], typed_plan="")
    yield without
    without = msgspec.structs.replace(without, plan=_brief(explanation.plan))
    yield without
    top = msgspec.structs.replace(without.plan, inputs=[])
    yield msgspec.structs.replace(without, plan=top, query=msgspec.structs.replace(without.query, text=""))


def _brief(node: Node) -> Node:
    detail = node.detail if len(node.detail) <= _DETAIL_MAX else f"{node.detail[:_DETAIL_MAX]}…"
    return msgspec.structs.replace(node, detail=detail, inputs=[_brief(each) for each in node.inputs])


def _ascii(explanation: Explanation) -> str:
    return json.dumps(msgspec.to_builtins(explanation), separators=(",", ":"))
