"""Errors, as callers catch them.

::

    Error                      everything btql raises on purpose
    ├── QueryError             the query is wrong; str() is the drawing
    └── EngineError            the engine gave up: a limit, or a bug of ours
        ├── TimeLimit          the query ran longer than it may
        ├── Cancelled          somebody stopped the query
        └── EngineBusy         too much runs that cannot be interrupted

Storage raises :class:`btql_storage.errors.StorageError` and its kin, which are
exported here, too: ``btql.StorageError``.
"""

# ruff: noqa: N818  the names are read in `except` clauses, where Error says nothing more

from __future__ import annotations

from btql_grammar.diagnostic import BtqlError, Diagnostic
from btql_grammar.span import Source


class Error(Exception):
    """Anything that btql raises on purpose, apart from storage errors."""


class QueryError(Error):
    """A query that cannot be run as written; ``str()`` draws where and why."""

    def __init__(self, cause: BtqlError) -> None:
        super().__init__(cause.render())
        self.diagnostics: tuple[Diagnostic, ...] = cause.diagnostics
        self.source: Source | None = cause.source
        """The text that the places of the diagnostics are in."""

    @property
    def code(self) -> str:
        """The code of the first mistake, such as ``B0201``."""
        return self.diagnostics[0].code


class EngineError(Error):
    """The engine stopped while it ran a query: out of a resource, or a bug of ours."""

    code: str = ""
    """Empty where the error has no code of its own."""


class TimeLimit(EngineError):
    """A query that ran longer than it may."""

    code = "B0501"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            _drawing(
                self.code,
                f"the query was stopped at its time limit of {seconds:g} s",
                "read less, by a range on `created`, fewer columns or a smaller limit, or allow it more time",
            )
        )
        self.seconds = seconds
        """The limit."""


class Cancelled(EngineError):
    """A query that somebody stopped."""

    code = "B0502"

    def __init__(self) -> None:
        super().__init__(_drawing(self.code, "the query was cancelled", "ask again"))


class EngineBusy(EngineError):
    """A query that is not begun, as too many run on that were stopped and cannot be interrupted."""

    code = "B0503"

    def __init__(self, running: int) -> None:
        message = f"{running} queries that were stopped and cannot be interrupted keep the engine busy"
        super().__init__(_drawing(self.code, message, "try again later; join on equality, not on other conditions"))


def _drawing(code: str, message: str, help_: str) -> str:
    return BtqlError.of(code, message, help=help_).render()
