"""Errors, as callers catch them: the classes of PEP 249, and ours below them.

::

    Error                          everything btql raises on purpose
    ├── InterfaceError             used in a way that cannot work: a closed connection, no rows to fetch
    ├── DatabaseError
    │   ├── DataError              a value that does not fit
    │   ├── IntegrityError         two things where there may be one
    │   ├── InternalError          a bug of ours
    │   ├── NotSupportedError      something that btql does not do
    │   ├── ProgrammingError       a statement that is wrong, or not allowed
    │   ├── OperationalError       the disk, the network, a limit
    │   │   └── EngineError        the engine gave up: a limit, or a bug of ours
    │   │       ├── TimeLimit      the query ran longer than it may
    │   │       ├── ResourceLimit  the query took more memory, disk or rows than it may
    │   │       ├── Cancelled      somebody stopped the query
    │   │       └── EngineBusy     too much runs that cannot be interrupted
    │   └── QueryError             the query is wrong; str() is the drawing
    └── StorageError               what the storage raises (:mod:`btql_storage.errors`)

A :class:`QueryError` is of one of PEP 249's classes as well, by the SQLSTATE of its code. A cursor raises classes of
PEP 249 only: there, what the storage raises is the cause of one of them (:func:`of_storage`).
"""

# ruff: noqa: N818  the names are read in `except` clauses, where Error says nothing more

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Self, cast

from btql_grammar.diagnostic import BtqlError, Diagnostic
from btql_grammar.span import Source
from btql_storage.errors import Error as Error  # noqa: PLC0414  it is one of these names
from btql_storage.errors import StorageError as StorageError  # noqa: PLC0414


class Warning(Exception):  # noqa: A001  the name that PEP 249 gives it
    """Something to know that is no error. PEP 249 wants the class; warnings of a query are on its result."""


class _Described(Error):
    """An error that says what doors have to tell of it."""

    code: str = ""
    """The code, such as ``B0201``, which has a page in ``docs/errors``; empty where there is none."""

    def __init__(self, message: str, *, code: str | None = None, sqlstate: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.own_sqlstate = sqlstate
        """What the raiser says of it, which no code tells; None where :attr:`sqlstate` follows from the code."""

    @property
    def sqlstate(self) -> str:
        """The SQLSTATE: five characters that say what sort of error it is, as PostgreSQL does."""
        from btql.sqlstates import sqlstate

        return sqlstate(self)

    @property
    def position(self) -> int | None:
        """Where in the text of the query the mistake is: characters from 1; None where that is not known."""
        from btql.sqlstates import position

        return position(self)


class InterfaceError(_Described):
    """The library is used in a way that cannot work."""


class DatabaseError(_Described):
    """Anything that has to do with the database."""


class DataError(DatabaseError):
    """A value that does not fit."""


class IntegrityError(DatabaseError):
    """Two things where there may be one."""


class InternalError(DatabaseError):
    """A bug of ours."""


class NotSupportedError(DatabaseError):
    """Something that btql does not do."""


class OperationalError(DatabaseError):
    """Trouble outside of the statement: the disk, the network, a limit."""


class ProgrammingError(DatabaseError):
    """A statement that is wrong, or that is not allowed."""


class QueryError(DatabaseError):
    """A query that cannot be run as written; ``str()`` draws where and why."""

    def __new__(cls, cause: BtqlError) -> Self:
        """Return an error that is of the class of PEP 249, too, that its code belongs to."""
        from btql.sqlstates import SQLSTATES

        kind = _QUERY_ERRORS[class_of(SQLSTATES.get(cause.code, ""))] if cls is QueryError else cls
        return super().__new__(cast("type[Self]", kind))

    def __init__(self, cause: BtqlError) -> None:
        super().__init__(cause.render(), code=cause.code)
        self.diagnostics: tuple[Diagnostic, ...] = cause.diagnostics
        self.source: Source | None = cause.source
        """The text that the places of the diagnostics are in."""

    def __reduce__(self) -> tuple[type[QueryError], tuple[BtqlError]]:
        """Pickle it as what it was made from."""
        return QueryError, (BtqlError(self.diagnostics, self.source),)


class _WrongQuery(QueryError, ProgrammingError):
    pass


class _WrongValue(QueryError, DataError):
    pass


class _UnsupportedQuery(QueryError, NotSupportedError):
    pass


class _TooLargeQuery(QueryError, OperationalError):
    pass


_QUERY_ERRORS: dict[type[DatabaseError], type[QueryError]] = {
    ProgrammingError: _WrongQuery,
    DataError: _WrongValue,
    NotSupportedError: _UnsupportedQuery,
    OperationalError: _TooLargeQuery,
}
for _kind in _QUERY_ERRORS.values():
    _kind.__name__ = _kind.__qualname__ = "QueryError"


def drawn(error: BtqlError, source: Source) -> QueryError:
    """Return a mistake in a text as the error that draws it; a piece of text in the JSON form draws its own."""
    error.source = error.source or source
    return QueryError(error)


@contextmanager
def drawn_over(source: Source) -> Generator[None]:
    """Raise a mistake in a text that is found inside as the error that draws it."""
    try:
        yield
    except BtqlError as error:
        raise drawn(error, source) from None


class EngineError(OperationalError):
    """The engine stopped while it ran a query: out of a resource, or a bug of ours."""


class TimeLimit(EngineError):
    """A query that ran longer than it may."""

    code = "B0501"

    def __init__(self, seconds: float, node: str | None = None) -> None:
        message = f"the query was stopped at its time limit of {seconds:g} s"
        super().__init__(
            _drawing(
                self.code,
                message if node is None else f"{message}; its costliest step is {node}",
                "read less, by a range on `created`, fewer columns or a smaller limit, or allow it more time",
            )
        )
        self.seconds = seconds
        """The limit."""
        self.node = node
        """The step of the plan that has taken the most time, where one was running."""


class ResourceLimit(EngineError):
    """A query that takes more than it may."""

    def __init__(self, message: str, *, code: str, limit: str, value: float, node: str | None = None) -> None:
        super().__init__(message, code=code)
        self.limit = limit
        """The name of the limit."""
        self.value = value
        """What it allows."""
        self.node = node
        """The costliest step of the plan, where that is known."""

    @classmethod
    def of(cls, code: str, message: str, way_out: str, limit: str, value: float, node: str | None = None) -> Self:
        """Return the error with its drawing."""
        return cls(_drawing(code, message, way_out), code=code, limit=limit, value=value, node=node)


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
        self.running = running
        """How many they are."""


def _drawing(code: str, message: str, help_: str) -> str:
    return BtqlError.of(code, message, help=help_).render()


_OF_STATE: dict[str, type[DatabaseError]] = {
    "0A": NotSupportedError,
    "21": ProgrammingError,
    "22": DataError,
    "23": IntegrityError,
    "3D": ProgrammingError,
    "42": ProgrammingError,
    "XX": InternalError,
}
"""Class of SQLSTATE, its first two characters, to class of PEP 249."""


def class_of(sqlstate: str) -> type[DatabaseError]:
    """Return the class of PEP 249 for a SQLSTATE."""
    return _OF_STATE.get(sqlstate[:2], OperationalError)


def of_storage(error: StorageError) -> DatabaseError:
    """Return an error of the storage as one of PEP 249."""
    from btql.sqlstates import SQLSTATES

    return class_of(SQLSTATES[error.code])(str(error), code=error.code)
