"""btql: an open database for AI traces.

:func:`connect` opens a folder; :class:`Connection` writes and asks. Everything
else in the ``btql_*`` packages is internal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql.connection import Connection, connect
from btql.errors import Cancelled, EngineError, Error, QueryError, TimeLimit

if TYPE_CHECKING:
    from btql.result import Result as Result
    from btql_storage.errors import StorageError as StorageError

__all__ = [
    "Cancelled",
    "Connection",
    "EngineError",
    "Error",
    "QueryError",
    "TimeLimit",
    "connect",
    "functions",
]


def functions() -> list[str]:
    """Return the signatures of every function a query may call."""
    from btql_planner.functions import functions as declared

    return sorted(function.signature for function in declared().values() if not function.hidden)


def __getattr__(name: str) -> object:
    if name == "StorageError":
        from btql_storage.errors import StorageError

        return StorageError
    if name == "Result":
        from btql.result import Result

        return Result
    message = f"module 'btql' has no attribute {name!r}"
    raise AttributeError(message)
