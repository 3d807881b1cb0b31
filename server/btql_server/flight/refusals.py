"""Errors, as Flight has them.

The status of gRPC says of what kind an error is. Its text is the drawing that all doors give, with code, line, column
and hint, and a last line with the SQLSTATE. The same is in trailers of the answer (``x-btql-code``,
``x-btql-sqlstate``, ``x-btql-position``, ``x-btql-help-bin``), which ADBC shows as the details of an error; and
``x-btql-told-bin`` is the body of the error over HTTP, for those who draw it anew.

pyarrow has classes for some kinds of status only. The others follow from Python's own errors, and then pyarrow sends
the traceback along; :func:`without_tracebacks` keeps it from doing so.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

import pyarrow as pa
from pyarrow import flight

from btql.errors import QueryError
from btql.sqlstates import position, sqlstate
from btql.wire import Malformed
from btql_server.http.answer import json_bytes
from btql_server.http.errors import HttpError, as_http
from btql_storage.errors import StorageError

log = logging.getLogger("btql.flight")
Status: TypeAlias = str
"""A kind of error, by the name that gRPC has for it."""

_KINDS: Mapping[Status, type[Exception]] = {
    "INVALID_ARGUMENT": pa.ArrowInvalid,
    "NOT_FOUND": pa.ArrowKeyError,
    "UNIMPLEMENTED": pa.ArrowNotImplementedError,
    "UNAUTHENTICATED": flight.FlightUnauthenticatedError,
    "PERMISSION_DENIED": flight.FlightUnauthorizedError,
    "UNAVAILABLE": flight.FlightUnavailableError,
    "DEADLINE_EXCEEDED": flight.FlightTimedOutError,
    "CANCELLED": flight.FlightCancelledError,
    "INTERNAL": flight.FlightInternalError,
}
"""What pyarrow makes that status of."""
_OF_HTTP: Mapping[int, Status] = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    429: "UNAVAILABLE",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    507: "UNAVAILABLE",
}
_CANCELLED = "B0502"
_TOLD_BYTES_MAX = 2_000
_WITHOUT = "btql_without_traceback"


class FlightRefusal(Exception):  # noqa: N818  it says no, which is no fault of anybody here
    """A request that makes no sense to Flight SQL."""

    def __init__(self, status: Status, message: str, way_out: str | None = None) -> None:
        assert status in _KINDS
        super().__init__(message if way_out is None else f"{message}\n  = help: {way_out}")
        self.status = status
        self.way_out = way_out


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error, with all that clients are told of it."""

    status: Status
    text: str
    state: str
    code: str | None = None
    position: int | None = None
    """In the text of the statement, in characters from 1."""
    help: str | None = None
    told: Mapping[str, object] = field(default_factory=dict[str, object])
    """The body that the error has over HTTP."""

    def error(self) -> Exception:
        """Return what a handler raises."""
        place = "" if self.position is None else f", position {self.position}"
        error = _KINDS[self.status](f"{self.text}\n  = note: SQLSTATE {self.state}{place}")
        setattr(error, _WITHOUT, self.code or self.status)
        return error

    def trailers(self) -> dict[str, str | bytes]:
        """Return what programs read."""
        found: dict[str, str | bytes | None] = {
            "x-btql-code": self.code,
            "x-btql-sqlstate": self.state,
            "x-btql-position": None if self.position is None else str(self.position),
            "x-btql-help-bin": None if self.help is None else self.help.encode(),
        }
        # Clients take some KB of trailers, and say nothing at all where there are more.
        if self.told and len(told := json_bytes(self.told)) <= _TOLD_BYTES_MAX:
            found["x-btql-told-bin"] = told
        return {name: value for name, value in found.items() if value is not None}


def refusal_of(error: Exception, trace_id: str) -> Refusal:
    """Return what the client is told of an error; one that nobody foresaw goes to the log."""
    if isinstance(error, FlightRefusal):
        state = "0A000" if error.status == "UNIMPLEMENTED" else "22023"
        return Refusal(error.status, str(error), state, help=error.way_out)
    if isinstance(error, Malformed):
        return Refusal("INVALID_ARGUMENT", f"the message cannot be read: {error}", "08P01")
    found = as_http(error)
    if found is None:
        log.error("a call failed", exc_info=error, extra={"trace_id": trace_id})
        message = f"internal error; the server's log has the details under the trace id {trace_id}"
        return Refusal("INTERNAL", message, "XX000")
    code = getattr(error, "code", None) or None
    status = "CANCELLED" if code == _CANCELLED else _OF_HTTP.get(found.status, "INVALID_ARGUMENT")
    way_out = error.diagnostics[0].help if isinstance(error, QueryError) else None
    told = {"Message": found.message, "errors": found.details.get("errors", [])}
    return Refusal(status, _text(error, found), sqlstate(error), code, position(error), way_out, told)


def _text(error: Exception, found: HttpError) -> str:
    return str(error) if isinstance(error, QueryError | StorageError) else found.message


def without_tracebacks() -> None:
    """Let pyarrow say the code of an error in place of its traceback; once for the whole process.

    pyarrow asks ``traceback.format_exception`` for what it sends beside the message, and offers no other way.
    """
    formatted = traceback.format_exception
    if hasattr(formatted, _WITHOUT):
        return

    def format_exception(*args: Any, **kwargs: Any) -> Sequence[str]:  # noqa: ANN401 - as the original takes them
        told = next((found for each in args if (found := getattr(each, _WITHOUT, None)) is not None), None)
        return formatted(*args, **kwargs) if told is None else [told]

    setattr(format_exception, _WITHOUT, True)
    traceback.format_exception = cast("Any", format_exception)
