"""The end of a statement: which rows are the same, their order, and the limit.

An order that leaves open which of two different rows comes first is no order, and a limit that cuts there is refused:
the answer must not depend on luck.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from btql_conformance.expressions import evaluate
from btql_conformance.ordering import Keys, by_keys, sorted_by
from btql_conformance.scope import EvaluationError, Scope, Table
from btql_conformance.values import Value, identity
from btql_grammar import tree

Keyed = tuple[Keys, tuple[Value, ...]]
"""The values of the sort keys, and the row."""


def distinct(rows: Sequence[tuple[Value, ...]]) -> list[tuple[Value, ...]]:
    """Return each row once, where it comes first."""
    return list({tuple(map(identity, row)): row for row in reversed(rows)}.values())[::-1]


def keyed(scopes: Sequence[Scope], sort: Sequence[tree.SortItem]) -> list[tuple[Value, ...]]:
    """Return the values of the sort keys of each row."""
    return [tuple(evaluate(item.expression, scope) for item in sort) for scope in scopes]


def finished(
    columns: Sequence[str], rows: list[Keyed], sort: Sequence[tree.SortItem], limit: int | None, offset: int | None
) -> Table:
    """Return the rows in their order that the limit leaves; refuse what is up to chance."""
    rows = sorted_by(rows, sort)
    begin = offset or 0
    end = len(rows) if limit is None else begin + limit
    for edge in {begin, end}:
        if 0 < edge < len(rows) and _undecided(rows[edge - 1], rows[edge], sort):
            raise EvaluationError("which rows the limit leaves is open: sort by more")
    kept = rows[begin:end]
    decided = not any(_undecided(one, other, sort) for one, other in pairwise(kept))
    return Table(tuple(columns), [row for _, row in kept], in_order=bool(sort) and decided)


def _undecided(one: Keyed, other: Keyed, sort: Sequence[tree.SortItem]) -> bool:
    different = [identity(value) for value in one[1]] != [identity(value) for value in other[1]]
    return different and by_keys(one[0], other[0], sort) == 0
