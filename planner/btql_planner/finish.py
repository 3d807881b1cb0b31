"""What is left to do with the engine's rows, because it depends on what they hold.

Which columns a pivot has is known when its rows are there, the cursor of the
next page when the last row is, and a schema that is inferred from rows when
they were read. ``btql.execution`` does it.
"""

from __future__ import annotations

from dataclasses import dataclass

from btql_grammar.span import Span
from btql_planner.clauses.cursor import Paging

PIVOT_COLUMNS_MAX = 1_000
"""Columns that a pivot may have; an answer with more is an error, not cut."""


@dataclass(frozen=True, slots=True)
class Pivot:
    """Makes one row of all rows that are alike in their first ``keys`` columns.

    Behind the keys comes the column whose values are spread, and behind that
    the measures: there is a column for each value and measure.
    """

    keys: int
    limit: int | None
    offset: int
    span: Span
    """The clause, for the error about too many columns."""


@dataclass(frozen=True, slots=True)
class NextPage:
    """Makes the cursor from columns that the answer has besides its outputs."""

    paging: Paging
    columns: tuple[str, ...]
    """Engine columns: the pagination key of each row or trace; for transactions that number, then the key."""
    newest: int | None = None
    """For traces, newest first: the newest key of all, from the token of the page before."""


@dataclass(frozen=True, slots=True)
class Infer:
    """Hands out no rows but the JSON schema that they have."""


Finish = Pivot | Infer
