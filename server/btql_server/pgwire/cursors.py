"""DECLARE, FETCH, MOVE and CLOSE: what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql_server.pgwire.failure import unsupported
from btql_server.pgwire.reading_tokens import Reading

if TYPE_CHECKING:
    from btql_server.pgwire.statements import Statement

_BACKWARD = ("PRIOR", "LAST", "FIRST", "ABSOLUTE", "BACKWARD")


@dataclass(frozen=True, slots=True)
class Declared:
    """A cursor that is to be made."""

    name: str
    binary: bool
    hold: bool
    query_at: int
    """Where the query begins in the statement."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A cursor, and how many rows of it."""

    name: str
    rows: int | None
    """None is all that are left."""
    skipped: int = 0
    """So many before them are left out."""


def declared(statement: Statement) -> Declared:
    """Read a DECLARE."""
    reading = Reading(statement.tokens, len(statement.text))
    reading.expect("DECLARE")
    name = reading.name()
    binary = False
    while True:
        if reading.take("BINARY"):
            binary = True
        elif reading.take("SCROLL") or reading.take("NO", "SCROLL"):
            # Going back is refused when somebody does.
            continue
        elif reading.take_any("INSENSITIVE", "ASENSITIVE") is None:
            break
    reading.expect("CURSOR")
    hold = reading.take("WITH", "HOLD")
    if not hold:
        reading.take("WITHOUT", "HOLD")
    reading.expect("FOR")
    if reading.is_done:
        raise reading.wrong()
    return Declared(name, binary, hold, reading.place)


def inner_of(statement: Statement) -> tuple[str, int]:
    """Return the query of a DECLARE, and where it begins."""
    at = declared(statement).query_at
    return statement.text[at:], at


def fetch_of(statement: Statement) -> Fetched:
    """Read a FETCH or a MOVE."""
    reading = Reading(statement.tokens, len(statement.text))
    reading.expect(statement.verb)
    rows: int | None = 1
    skipped = 0
    if (word := reading.take_any(*_BACKWARD)) is not None:
        raise unsupported(f"cursors go forward only, not {word}", "ask again with another ORDER BY")
    if reading.take("ALL") or reading.take("FORWARD", "ALL"):
        rows = None
    elif reading.take("NEXT"):
        rows = 1
    elif reading.take("RELATIVE"):
        # One row, which is so many further on.
        number = reading.number()
        rows, skipped = (1, number - 1) if number > 0 else (number, 0)
    elif reading.take("FORWARD") or _is_number(reading):
        rows = reading.number() if _is_number(reading) else 1
    if rows is not None and rows < 0:
        raise unsupported("cursors go forward only", "ask again with another ORDER BY")
    reading.take_any("FROM", "IN")
    name = reading.name()
    reading.end()
    return Fetched(name, rows, skipped)


def _is_number(reading: Reading) -> bool:
    token = reading.token
    return token is not None and (token.kind == "number" or token.text in "+-")
