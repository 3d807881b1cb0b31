"""Errors as HTTP answers: a status and a body that names the place and the reason.

The body is JSON, in the shape that Braintrust clients know:
``{"Code", "Message", "InternalTraceId", "Path", "Service"}``; a query's mistakes are listed besides,
each with its code, line and column. What is wrong with a key is said in plain text, as those clients expect.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from btql.errors import EngineBusy, EngineError, Error, QueryError, ResourceLimit, TimeLimit
from btql_storage import errors as storage_errors

if TYPE_CHECKING:
    from btql_grammar.diagnostic import Diagnostic, Label
    from btql_grammar.span import Source

CODES = {
    400: "BadRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "NotFoundError",
    405: "MethodNotAllowedError",
    408: "TimeoutError",
    409: "ConflictError",
    413: "PayloadTooLargeError",
    415: "UnsupportedMediaTypeError",
    416: "RangeNotSatisfiableError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "UnavailableError",
    504: "TimeoutError",
    507: "InsufficientStorageError",
}
"""Status to the ``Code`` of the body."""


class HttpError(Exception):
    """A request that is answered with an error; raised anywhere on its way."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        plain: bool = False,
        retry_after_s: int | None = None,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        assert status in CODES
        super().__init__(message)
        self.status = status
        self.message = message
        self.plain = plain
        """Answer with the message alone, as plain text."""
        self.retry_after_s = retry_after_s
        self.details = details or {}
        """More keys of the body."""
        self.headers = headers or {}
        """More headers of the answer."""

    def body(self, path: str, trace_id: str) -> dict[str, object]:
        """Return the JSON body."""
        return {
            "Code": CODES[self.status],
            "Message": self.message,
            "InternalTraceId": trace_id,
            "Path": path,
            "Service": "api",
            **self.details,
        }


_STORAGE_STATUS: dict[type[storage_errors.StorageError], int] = {
    storage_errors.BadEvent: 400,
    storage_errors.BadText: 400,
    storage_errors.TooManyEvents: 413,
    storage_errors.UnknownObject: 404,
    storage_errors.VersionGone: 400,
    storage_errors.ReadOnly: 503,
    storage_errors.Locked: 503,
    storage_errors.Unreachable: 503,
    storage_errors.TailTooLarge: 503,
    storage_errors.TooFarBehind: 503,
    storage_errors.Closed: 503,
    storage_errors.NoMoreFiles: 503,
    storage_errors.DiskFull: 507,
}
"""Storage errors that are not simply a fault of this server."""
_RETRY_AFTER_S = 5
_ENGINE_STATUS: dict[str, tuple[int, int | None]] = {
    "B0501": (504, None),
    "B0502": (503, 1),
    "B0503": (503, _RETRY_AFTER_S),
    "B0507": (503, _RETRY_AFTER_S),
    "B0508": (503, _RETRY_AFTER_S),
}
"""The status of what the engine says that is no fault of the query, and after how many seconds to try again."""


def as_http(error: Exception) -> HttpError | None:
    """Return the answer to an error that was foreseen; None for a bug of ours."""
    match error:
        case HttpError():
            return error
        case QueryError():
            details = {"error": str(error), "errors": [_mistake(each, error.source) for each in error.diagnostics]}
            return HttpError(400, str(error), details=details)
        case EngineError():
            status, retry = _ENGINE_STATUS.get(error.code, (400, None))
            details = {"errors": [{"code": error.code, **_told(error)}]} if error.code else {}
            return HttpError(status, str(error), retry_after_s=retry, details=details)
        case storage_errors.StorageError():
            status = next((code for kind, code in _STORAGE_STATUS.items() if isinstance(error, kind)), 500)
            retry = _RETRY_AFTER_S if status == 503 else None
            return HttpError(status, str(error), retry_after_s=retry, details={"errors": [{"code": error.code}]})
        case Error():
            return HttpError(400, str(error))
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            # Of a temporary file: what has a name in the database says more, as a storage error.
            return HttpError(507, "no space is left on the server's disk for this answer: ask for less, or free some")
        case _:
            return None


def _mistake(diagnostic: Diagnostic, source: Source | None) -> dict[str, object]:
    mistake: dict[str, object] = {"code": diagnostic.code, "message": diagnostic.message, "help": diagnostic.help}
    if diagnostic.primary is not None and source is not None:
        span = diagnostic.primary.span
        line, column = source.line_column(span.start)
        end_line, end_column = source.line_column(span.end)
        mistake |= {"line": line, "column": column, "end_line": end_line, "end_column": end_column}
        # For clients that draw it as the command line does.
        mistake |= {**_label(diagnostic.primary), "secondary": [_label(each) for each in diagnostic.secondary]}
    return mistake


def _label(label: Label) -> dict[str, object]:
    return {"start": label.span.start, "end": label.span.end, "label": label.text}


def _told(error: EngineError) -> dict[str, object]:
    """Return what an error of the engine tells of itself beside its code."""
    match error:
        case TimeLimit():
            return {"seconds": error.seconds, "node": error.node}
        case EngineBusy():
            return {"running": error.running}
        case ResourceLimit():
            return {"limit": error.limit, "value": error.value, "node": error.node}
        case _:
            return {}


def invalid(reason: str, path: Sequence[str | int]) -> HttpError:
    """Return the answer to a body, or a parameter, of the wrong shape; ``path`` leads to the place."""
    issue = {"code": "invalid_type", "path": list(path), "message": reason}
    place = spelled(path)
    message = f"Invalid request: {reason}" + (f" at `{place}`" if place else "")
    return HttpError(400, message, details={"error": "Invalid request", "errors": [issue]})


def spelled(path: Sequence[str | int]) -> str:
    """Return a path as people write it: ``rows[3].metrics.start``."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def described(error: Exception) -> str:
    """Return what the log says of an error: never a statement's text, which may hold what is private."""
    if isinstance(error, QueryError | storage_errors.StorageError):
        return error.code
    return str(error).partition("\n")[0]
