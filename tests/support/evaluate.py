"""Expressions without fields, computed by the engine."""

from __future__ import annotations

from datetime import datetime

from support.fields import WrittenCatalogs, WrittenFields

from btql.execution.run import Runner
from btql.values import python_values
from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner.binding.bind import bind
from btql_planner.lowering.lower import lower
from btql_planner.options import QueryOptions
from btql_planner.rules import apply_rules

_FIELDS = ", ".join(
    f"NULL AS {name}" for name in ("input", "output", "expected", "metadata", "metrics", "span_attributes")
)
"""The fields that some functions read by themselves."""


def evaluate(*texts: str, options: QueryOptions | None = None) -> list[object]:
    """Return the values of expressions of SQL; times as ISO 8601."""
    listed = ", ".join(f"{text} AS v{number}" for number, text in enumerate(texts))
    query = f"SELECT {listed} FROM (SELECT {_FIELDS}) AS event"
    bound = bind(parse(query), Source(query), WrittenCatalogs(WrittenFields({})), options or QueryOptions())
    plan = lower(apply_rules(bound.plan))
    (batch,) = Runner(plan, None).batches()
    values = [python_values(output, batch)[0] for output in plan.outputs]
    return [_iso(value) if isinstance(value, datetime) else value for value in values]


def _iso(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
