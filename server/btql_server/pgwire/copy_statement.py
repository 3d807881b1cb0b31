"""What a COPY says: a table or a query, which way, and in which format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql_server.pgwire.copy_options import CopyFormat, CopyOptions, copy_options
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.reading_tokens import Reading

if TYPE_CHECKING:
    from btql_server.pgwire.statements import Statement

_FORMATS: Mapping[str, CopyFormat] = {"text": "text", "csv": "csv", "binary": "binary"}
_WITH_VALUE = frozenset({"DELIMITER", "NULL", "QUOTE", "ESCAPE", "ENCODING"})


@dataclass(frozen=True, slots=True)
class Copy:
    """One COPY."""

    query: str
    """The text of a table, or of a query, as it stands in the statement."""
    query_at: int
    is_table: bool
    columns: tuple[str, ...]
    """Paths of fields; none is all of them."""
    comes_in: bool
    form: CopyFormat
    options: CopyOptions


def read_copy(statement: Statement) -> Copy:
    """Read a COPY."""
    text = statement.text
    reading = Reading(statement.tokens, len(text))
    reading.expect("COPY")
    reading.take("BINARY")
    start = reading.place
    is_table = not reading.take("(")
    columns: tuple[str, ...] = ()
    if is_table:
        end = _skip_table(reading)
        if reading.take("("):
            columns = tuple(_paths(reading))
    else:
        start = reading.place
        end = _skip_query(reading)
    way = reading.take_any("TO", "FROM")
    if way is None:
        raise reading.wrong()
    if way == "FROM" and not is_table:
        raise Failure("42601", "COPY query FROM is not possible: a query gives rows and takes none", at=start)
    _check_end(reading, way)
    given = _options(reading)
    reading.take("WHERE")
    if not reading.is_done:
        raise reading.wrong("COPY takes neither WHERE nor anything else behind its options")
    name = str(given.get("format", "text")).lower()
    form = _FORMATS.get(name)
    if form is None:
        raise Failure("22023", f'COPY format "{name[:40]}" not recognized', "there are text, csv and binary")
    options = copy_options(form, {name: value for name, value in given.items() if name != "format"})
    return Copy(text[start:end], start, is_table, columns, way == "FROM", form, options)


def _skip_table(reading: Reading) -> int:
    """Take the name of a table: ``a.b``, or ``a('b')``; return where it ends."""
    reading.dotted()
    end = reading.before.end
    ahead = reading.token
    if ahead is not None and ahead.text == "(" and reading.follows("string"):
        while not reading.take(")"):
            reading.next()
        end = reading.before.end
    return end


def _skip_query(reading: Reading) -> int:
    """Take a query up to the bracket that closes it; return where it ends."""
    depth = 1
    while True:
        token = reading.next()
        if token.kind == "mark":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
        if not depth:
            return token.start


def _paths(reading: Reading) -> list[str]:
    names = [reading.dotted()]
    while reading.take(","):
        names.append(reading.dotted())
    reading.expect(")")
    return names


def _check_end(reading: Reading, way: str) -> None:
    at = reading.place
    if reading.take("PROGRAM") or (reading.token is not None and reading.token.kind == "string"):
        hint = "write STDIN and send the data" if way == "FROM" else "write STDOUT and take the data"
        raise Failure("42501", "COPY to or from a file or a program of the server is not possible", hint, at=at)
    expected = ("STDIN", "STDOUT") if way == "FROM" else ("STDOUT", "STDIN")
    # Postgres takes either word for either way.
    if reading.take_any(*expected) is None:
        raise reading.wrong()


def _options(reading: Reading) -> dict[str, object]:
    """Read the options, in brackets or as they were written before release 9."""
    found: dict[str, object] = {}
    reading.take("WITH")
    if reading.take("("):
        while True:
            name = reading.name().lower()
            if name in found:
                raise Failure("42601", "conflicting or redundant options", at=reading.before.start)
            found[name] = _value(reading)
            if reading.take(")"):
                return found
            reading.expect(",")
    while not reading.is_done:
        word = reading.take_any("BINARY", "CSV", "HEADER", "FREEZE", "FORCE", *_WITH_VALUE)
        match word:
            case None:
                return found
            case "BINARY" | "CSV":
                found["format"] = word.lower()
            case "HEADER" | "FREEZE":
                found[word.lower()] = True
            case "FORCE":
                kind = "force_quote" if reading.take("QUOTE") else "force_null" if reading.take("NULL") else None
                if kind is None:
                    reading.expect("NOT", "NULL")
                    kind = "force_not_null"
                found[kind] = "*" if reading.take("*") else _names(reading)
            case _:
                reading.take("AS")
                found[word.lower()] = reading.next().value
    return found


def _value(reading: Reading) -> object:
    if reading.take("("):
        names = _names(reading)
        reading.expect(")")
        return names
    if reading.take("*"):
        return "*"
    token = reading.token
    if token is None or token.text in ",)":
        return True
    return reading.next().value


def _names(reading: Reading) -> list[str]:
    names = [reading.name()]
    while reading.take(","):
        names.append(reading.name())
    return names
