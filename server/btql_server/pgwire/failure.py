"""Errors of a session, and what a client is told of any error."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from btql.errors import Cancelled, EngineError, Error, QueryError
from btql.sqlstates import position, sqlstate
from btql_server.http.errors import HttpError
from btql_server.pgwire.bad_value import BadValue
from btql_server.pgwire.catalog.refused import Refused
from btql_server.pgwire.conforming import place_before
from btql_server.pgwire.messages import Report
from btql_server.pgwire.requests import Violation
from btql_server.pgwire.scanning import Piece
from btql_storage.errors import StorageError, reason_of

if TYPE_CHECKING:
    from btql_grammar.diagnostic import Diagnostic

log = logging.getLogger("btql.pg")
_HEAD = re.compile(r"error\[\w+\]: ")
_HELP = re.compile(r"\s*= help: (.*)")


class Failure(Error):  # noqa: N818  read in `except` clauses
    """A statement that a session refuses."""

    def __init__(self, sqlstate: str, message: str, hint: str | None = None, *, at: int | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.hint = hint
        self.at = at
        """Where in the statement, in characters from 0."""


class Revoked(Failure):
    """A session whose key is no more."""

    def __init__(self, message: str) -> None:
        super().__init__("28000", message, "make a new key, and connect again")


def unsupported(message: str, hint: str | None = None, *, at: int | None = None) -> Failure:
    """Return the error for something that Postgres has and this has not."""
    return Failure("0A000", message, hint, at=at)


def wrong_syntax(near: str, at: int, hint: str | None = None) -> Failure:
    """Return the error for a statement of the session that cannot be read."""
    message = f'syntax error at or near "{near[:40]}"' if near else "syntax error at end of input"
    return Failure("42601", message, hint, at=at)


def refuse_kind(kind: int) -> None:
    """Raise the error for a message that has no place in a session."""
    if kind == ord("F"):
        raise Failure("0A000", "function calls are not supported", "call it in a SELECT")
    raise Violation("unexpected password message: the session has begun")


def state_of(error: BaseException) -> str:
    """Return the SQLSTATE of an error."""
    known = getattr(error, "sqlstate", None)
    return known if isinstance(known, str) else sqlstate(error)


def report_of(error: Exception, asked: Piece, trace_id: str) -> Report:
    """Return what a client is told of an error in a statement."""
    offset = asked.offset
    match error:
        case Failure():
            at = None if error.at is None else offset + error.at + 1
            return Report("ERROR", error.sqlstate, error.message, hint=error.hint, position=at)
        case Refused():
            at = None if error.position is None else offset + error.position + 1
            return Report("ERROR", error.sqlstate, error.message, hint=error.hint, position=at)
        case BadValue():
            return Report("ERROR", error.sqlstate, error.message, hint=error.hint, where=error.context)
        case Violation():
            return Report("FATAL", error.sqlstate, str(error))
        case QueryError():
            return _of_query(error, asked)
        case StorageError():
            return Report("ERROR", sqlstate(error), error.message, hint=error.help, code=error.code)
        case Cancelled():
            return Report("ERROR", "57014", "canceling statement due to user request", code=error.code)
        case EngineError():
            message, hint = _undrawn(str(error))
            return Report("ERROR", sqlstate(error), message, hint=hint, code=error.code or None)
        case Error() | HttpError():
            return Report("ERROR", sqlstate(error), str(error))
        case OSError():
            return Report("ERROR", sqlstate(error), reason_of(error))
        case _:
            log.error("a statement failed", exc_info=error, extra={"trace_id": trace_id})
            return Report("ERROR", "XX000", f"internal error; the server's log has the details under {trace_id}")


def _of_query(error: QueryError, asked: Piece) -> Report:
    first = error.diagnostics[0]
    at = position(error)
    # A statement that was put together here may be wrong in front of what the client has sent.
    place = None if at is None else max(1, asked.offset + place_before(asked.text, at - 1) + 1)
    return Report(
        "ERROR", sqlstate(error), first.message, _detail(error.diagnostics), first.help, place, code=first.code
    )


def _detail(found: tuple[Diagnostic, ...]) -> str | None:
    """Return what the drawing of the first mistake says at its place, and the other mistakes."""
    label = found[0].primary.text if found[0].primary is not None else ""
    others = [f"{each.message} ({each.code})" for each in found[1:]]
    return "\n".join([*([label] if label else []), *others]) or None


def _undrawn(text: str) -> tuple[str, str | None]:
    """Return message and help of an error that comes as a drawing."""
    found = _HELP.search(text)
    message = _HEAD.sub("", text.splitlines()[0]) if text else "the engine stopped"
    return message, None if found is None else found[1]
