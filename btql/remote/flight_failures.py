"""Errors of ADBC's driver as the errors that they were on the server: by their details, or by their words."""

from __future__ import annotations

import re
from typing import cast

import orjson

from btql.errors import DatabaseError, OperationalError, class_of
from btql.remote.failures import BROKEN, CANNOT_CONNECT, told_failure


def flight_failure(error: Exception, text: str, where: str) -> DatabaseError:
    """Return the error that one of the driver's stands for."""
    details = {_text(key): value for key, value in cast("list[tuple[object, object]]", getattr(error, "details", []))}
    told, state = details.get("x-btql-told-bin"), _text(details.get("x-btql-sqlstate", ""))
    if isinstance(told, bytes):
        return told_failure(cast("dict[str, object]", orjson.loads(told)), text, sqlstate=state)
    # The driver hands on no details of an error in the middle of an answer, but its words.
    words = str(error)
    if (noted := _NOTED.search(words)) is not None:
        return _read_failure(noted, text)
    if "connection refused" in words:
        message = f"there is no server at {where}: start `btql serve --flight` there"
        return OperationalError(message, sqlstate=CANNOT_CONNECT)
    for found, message in _FOREIGN.items():
        if found in words:
            return OperationalError(message.format(where), sqlstate=CANNOT_CONNECT)
    return OperationalError(f"the connection to {where} broke: {words}", sqlstate=BROKEN)


_FOREIGN = {
    "does not look like a TLS handshake": (
        "what answers at {} speaks no TLS: write grpc:// if it is `btql serve --flight`"
    ),
    "server preface": (
        "what answers at {} is no Flight SQL without TLS: write grpc+tls:// if it has a certificate, and the port of "
        "`btql serve --flight`"
    ),
}
"""What the driver says of other programs, and of TLS that one side does not expect."""
_NOTED = re.compile(r"\n  = note: SQLSTATE (\w{5})(?:, position (\d+))?")
"""What the server says behind an error."""
_PREFIX = re.compile(r"(?:\w+: )?\[FlightSQL\] ")
_DRAWN = re.compile(r"error\[(\w+)\]: ([^\n]*)")
_HELP = re.compile(r"^ *= help: (.*)$", re.MULTILINE)
_COUNTED = {"seconds": re.compile(r"time limit of (\S+) s"), "running": re.compile(r"(\d+) queries that were stopped")}
"""The numbers that some errors tell of."""
_NAMED = {"limit": re.compile(r"limit `(\w+)`"), "node": re.compile(r"its costliest step is (.*)")}
"""The names."""
_ALLOWED = re.compile(r"more than ([\d,]+)( MiB)?")


def _read_failure(noted: re.Match[str], text: str) -> DatabaseError:
    """Return the error that words tell of, which end in a note."""
    drawing = _PREFIX.sub("", noted.string[: noted.start()], count=1)
    drawn = _DRAWN.match(drawing)
    if drawn is None:
        return class_of(noted[1])(drawing, sqlstate=noted[1])
    help_ = _HELP.search(drawing)
    detail: dict[str, object] = {"code": drawn[1], "message": drawn[2], "help": help_ and help_[1]}
    detail |= {name: float(found[1]) for name, words in _COUNTED.items() if (found := words.search(drawn[2]))}
    detail |= {name: found[1] for name, words in _NAMED.items() if (found := words.search(drawn[2]))}
    if (allowed := _ALLOWED.search(drawn[2])) is not None:
        detail["value"] = int(allowed[1].replace(",", "")) << (20 if allowed[2] else 0)
    if noted[2] is not None:
        detail |= dict.fromkeys(("start", "end"), int(noted[2]) - 1)
    return told_failure({"Message": drawing, "errors": [detail]}, text)


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
