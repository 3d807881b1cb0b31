"""btql: an open database for AI traces.

:func:`connect` opens a folder; :class:`Connection` writes and asks. The module is one of PEP 249, too:
:meth:`Connection.cursor` makes cursors. Everything else in the ``btql_*`` packages is internal.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from btql.connection import Connection as Connection
    from btql.connection import connect as connect
    from btql.dbapi.aio import AsyncConnection as AsyncConnection
    from btql.dbapi.aio import AsyncCursor as AsyncCursor
    from btql.dbapi.aio import connect_async as connect_async
    from btql.dbapi.async_result import AsyncResult as AsyncResult
    from btql.dbapi.cursor import Cursor as Cursor
    from btql.dbapi.types import BINARY as BINARY
    from btql.dbapi.types import BOOLEAN as BOOLEAN
    from btql.dbapi.types import DATETIME as DATETIME
    from btql.dbapi.types import JSON as JSON
    from btql.dbapi.types import LIST as LIST
    from btql.dbapi.types import NUMBER as NUMBER
    from btql.dbapi.types import ROWID as ROWID
    from btql.dbapi.types import STRING as STRING
    from btql.dbapi.types import Binary as Binary
    from btql.dbapi.types import Date as Date
    from btql.dbapi.types import DateFromTicks as DateFromTicks
    from btql.dbapi.types import Time as Time
    from btql.dbapi.types import TimeFromTicks as TimeFromTicks
    from btql.dbapi.types import Timestamp as Timestamp
    from btql.dbapi.types import TimestampFromTicks as TimestampFromTicks
    from btql.errors import Cancelled as Cancelled
    from btql.errors import DatabaseError as DatabaseError
    from btql.errors import DataError as DataError
    from btql.errors import EngineBusy as EngineBusy
    from btql.errors import EngineError as EngineError
    from btql.errors import Error as Error
    from btql.errors import IntegrityError as IntegrityError
    from btql.errors import InterfaceError as InterfaceError
    from btql.errors import InternalError as InternalError
    from btql.errors import NotSupportedError as NotSupportedError
    from btql.errors import OperationalError as OperationalError
    from btql.errors import ProgrammingError as ProgrammingError
    from btql.errors import QueryError as QueryError
    from btql.errors import ResourceLimit as ResourceLimit
    from btql.errors import StorageError as StorageError
    from btql.errors import TimeLimit as TimeLimit
    from btql.errors import Warning as Warning  # noqa: A004  the name that PEP 249 gives it
    from btql.result import Result as Result

__all__ = [
    "AsyncConnection",
    "AsyncCursor",
    "AsyncResult",
    "Cancelled",
    "Connection",
    "Cursor",
    "DataError",
    "DatabaseError",
    "EngineBusy",
    "EngineError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "QueryError",
    "ResourceLimit",
    "Result",
    "StorageError",
    "TimeLimit",
    "Warning",
    "apilevel",
    "connect",
    "connect_async",
    "functions",
    "paramstyle",
    "threadsafety",
]

apilevel = "2.0"
threadsafety = 2
"""Threads may share the module and connections, but not cursors."""
paramstyle = "qmark"
"""``?``; ``$1`` and ``:name`` are understood as well."""

_LATER = {
    # Of the classes that are public, all but those below are errors.
    **dict.fromkeys([name for name in __all__ if name[0].isupper()], "btql.errors"),
    "Connection": "btql.connection",
    "connect": "btql.connection",
    "AsyncConnection": "btql.dbapi.aio",
    "AsyncCursor": "btql.dbapi.aio",
    "AsyncResult": "btql.dbapi.async_result",
    "Cursor": "btql.dbapi.cursor",
    "connect_async": "btql.dbapi.aio",
    "Result": "btql.result",
} | dict.fromkeys(
    (
        *("BINARY", "BOOLEAN", "DATETIME", "JSON", "LIST", "NUMBER", "ROWID", "STRING", "Binary", "Date"),
        *("DateFromTicks", "Time", "TimeFromTicks", "Timestamp", "TimestampFromTicks"),
    ),
    "btql.dbapi.types",
)
"""Names to the modules that they are imported from when they are asked for: some import Arrow, and the command line
sets the process up before it imports anything."""


def functions() -> list[str]:
    """Return the signatures of every function a query may call."""
    from btql_planner.functions import functions as declared

    return sorted(function.signature for function in declared().values() if not function.hidden)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make ``%btql`` and ``%%btql`` known; IPython calls it for ``%load_ext btql``."""
    from btql.notebook.magic import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Forget the commands, and close what they have opened."""
    from btql.notebook.magic import unload

    unload(shell)


def __getattr__(name: str) -> object:
    if name in _LATER:
        found = globals()[name] = getattr(import_module(_LATER[name]), name)
        return found
    message = f"module 'btql' has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
