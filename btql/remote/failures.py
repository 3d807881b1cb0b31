"""Errors of a server as the errors that they were there."""

from __future__ import annotations

import errno
import http.client
import ssl
from typing import cast

import orjson

from btql.errors import (
    Cancelled,
    DatabaseError,
    EngineBusy,
    OperationalError,
    QueryError,
    ResourceLimit,
    TimeLimit,
    class_of,
)
from btql.sqlstates import SQLSTATES, sqlstate_of_status
from btql_grammar.diagnostic import BtqlError, Diagnostic, Label
from btql_grammar.span import Source, Span

CANNOT_CONNECT = "08001"
NO_CONNECTION = "08003"
BROKEN = "08006"
_WORDS_MAX = 2_000


def failure(status: int, body: bytes, text: str) -> DatabaseError:
    """Return the error that an answer with a status stands for; ``text`` is that of the query."""
    try:
        told: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict):
        words = body.decode(errors="replace").strip()[:_WORDS_MAX] or f"the server answers with status {status}"
        return _plain(words, "", status)
    return told_failure(cast("dict[str, object]", told), text, status)


def told_failure(told: dict[str, object], text: str, status: int = 500, sqlstate: str = "") -> DatabaseError:
    """Return the error that the body of an answer tells of; where it has no code, the SQLSTATE or the status say."""
    message = str(told.get("Message") or "the server says no more")
    details = _dicts(told.get("errors"))
    code = str(details[0].get("code", "")) if details else ""
    match code:
        case "B0501":
            node = details[0].get("node")
            return TimeLimit(_number(details[0], "seconds"), None if node is None else str(node))
        case "B0502":
            return Cancelled()
        case "B0503":
            return EngineBusy(int(_number(details[0], "running")))
        case "B0504" | "B0505" | "B0506" | "B0507" | "B0508":
            limit, node = str(details[0].get("limit", "")), details[0].get("node")
            value = _number(details[0], "value")
            return ResourceLimit(message, code=code, limit=limit, value=value, node=None if node is None else str(node))
        case _ if code.startswith("B") and code in SQLSTATES:
            return _query_error(details, text)
        case _:
            return _plain(message, code if code in SQLSTATES else "", status, sqlstate)


def broken(error: Exception, where: str) -> OperationalError:
    """Return the error of a connection that cannot be made, or that ended before the answer did."""
    if isinstance(error, OSError) and error.errno in (errno.ECONNREFUSED, errno.ENOENT, errno.EHOSTUNREACH):
        return OperationalError(f"there is no server at {where}: start `btql serve` there", sqlstate=CANNOT_CONNECT)
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        message = f"what answers at {where} speaks no TLS: write http:// if it is `btql serve`"
        return OperationalError(message, sqlstate=CANNOT_CONNECT)
    if isinstance(error, http.client.BadStatusLine) and not isinstance(error, OSError):
        message = f"what answers at {where} speaks no HTTP: give the port of `btql serve --http`"
        return OperationalError(message, sqlstate=CANNOT_CONNECT)
    reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
    return OperationalError(f"the connection to {where} broke: {reason}", sqlstate=BROKEN)


def foreign(media: str, where: str) -> OperationalError:
    """Return the error of an answer that no server of ours gives."""
    message = f"what answers at {where} is no `btql serve`: it sends {media}; is there a proxy before it?"
    return OperationalError(message, sqlstate=CANNOT_CONNECT)


def _plain(message: str, code: str, status: int, sqlstate: str = "") -> DatabaseError:
    sqlstate = SQLSTATES.get(code) or sqlstate or sqlstate_of_status(status)
    return class_of(sqlstate)(message, code=code, sqlstate=sqlstate)


def _number(detail: dict[str, object], name: str) -> float:
    value = detail.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


def _query_error(details: list[dict[str, object]], text: str) -> QueryError:
    source = Source(text)
    return QueryError(BtqlError(tuple(_diagnostic(each, source) for each in details), source))


def _diagnostic(detail: dict[str, object], source: Source) -> Diagnostic:
    help_ = detail.get("help")
    return Diagnostic(
        str(detail.get("code", "")),
        str(detail.get("message", "")),
        _label(detail, source),
        tuple(filter(None, (_label(each, source) for each in _dicts(detail.get("secondary"))))),
        None if help_ is None else str(help_),
    )


def _dicts(value: object) -> list[dict[str, object]]:
    listed = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("dict[str, object]", each) for each in listed if isinstance(each, dict)]


def _label(detail: dict[str, object], source: Source) -> Label | None:
    """Return the mark under the text of the query; None where there is none, or it is outside of the text."""
    start, end = detail.get("start"), detail.get("end")
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start <= end <= len(source.text):
        return None
    return Label(Span(start, end), str(detail.get("label") or ""))
