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
INFERENCE_BUDGET = 1_000
"""Rows that ``infer`` looks at where nobody says how many."""


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
class Infer:
    """Hands out no rows but the JSON schema that they have."""


@dataclass(frozen=True, slots=True)
class NextPage:
    """Makes the cursor from columns behind those of the answer.

    They are the pagination key of each row or trace; for transactions their
    number comes first. Behind the key of a trace may be the newest of all.
    """

    paging: Paging
    newest: int | None = None
    """For traces, newest first: the newest key of all, from the token of the page before."""
    skips: bool = False
    """The newest of the traces are skipped, so that what is the newest key has to be said in a column."""

    @property
    def columns(self) -> int:
        """How many there are."""
        return 2 if self.paging.by == "transaction" or self.skips else 1


@dataclass(frozen=True, slots=True)
class Answer:
    """How the engine's rows become the answer."""

    finish: Pivot | Infer | None = None
    next_page: NextPage | None = None
    preview_length: int | None = None
    """Characters that are left of a field of ``PREVIEWED``; None keeps all."""
    paths: tuple[tuple[str | int, ...], ...] = ()
    """For ``infer``: the path of each column."""

    @property
    def hidden(self) -> int:
        """How many columns at the end are not handed out."""
        return 0 if self.next_page is None else self.next_page.columns


PREVIEWED = frozenset({"input", "output", "expected", "error", "metadata"})
"""Fields that are cut to the length of a preview where they are shown whole."""
SUMMARY_PREVIEW = 124
"""The length of previews in a summary where nobody says another."""
