"""COPY … FROM STDIN: lines of text or CSV, or rows of the binary format, as they come in, become rows of values.

What cuts the data into rows and fields is in :mod:`.copy_lines` and :mod:`.copy_binary`; here fields become values.
An error says in which line it is, and in which column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

from btql_server.pgwire.bad_value import BAD_COPY, BadValue
from btql_server.pgwire.copy_binary import BinaryRows
from btql_server.pgwire.copy_lines import CsvRows, TextRows
from btql_server.pgwire.copy_options import CopyFormat, CopyOptions
from btql_server.pgwire.decoder import BINARY, Convert, converter
from btql_server.pgwire.types import JSONB, PgType

Row: TypeAlias = list[object]
_SHOWN_MAX = 60
_JSONB_VERSION = b"\x01"


class Rows(Protocol):
    """Cuts data into rows of fields."""

    line: int
    """Of the row that was cut last."""

    def feed(self, data: bytes) -> Iterator[list[bytes | None]]:
        """Yield the rows that are whole with these bytes; None is null."""
        ...

    def end(self) -> Iterator[list[bytes | None]]:
        """Yield the rows that are left when everything has come."""
        ...


class CopyDecoder:
    """Reads the rows of one COPY, piece by piece."""

    def __init__(
        self,
        columns: Sequence[str],
        types: Sequence[PgType],
        form: CopyFormat,
        options: CopyOptions,
        told: Sequence[PgType] | None = None,
    ) -> None:
        """``told`` are the types that a query for the columns has now."""
        self._columns = list(columns)
        self._options = options
        self._converters = [converter(each.oid, BINARY if form == "binary" else 0) for each in types]
        if form == "binary" and told is not None:
            for place, (type_, other) in enumerate(zip(types, told, strict=True)):
                if type_ is JSONB and other is not JSONB:
                    self._converters[place] = _json_or(converter(other.oid, BINARY))
        self._header = options.header
        match form:
            case "text":
                self._rows: Rows = TextRows(options)
            case "csv":
                self._rows = CsvRows(options, self._columns)
            case "binary":
                self._rows = BinaryRows(len(self._columns))

    @property
    def line(self) -> int:
        """The number of the line, or row, that was read last."""
        return self._rows.line

    def feed(self, data: bytes) -> list[Row]:
        """Return the rows that are whole with these bytes."""
        return self._converted(self._rows.feed(bytes(data)))

    def end(self) -> list[Row]:
        """Return the rows that are left; everything has come."""
        return self._converted(self._rows.end())

    def _converted(self, rows: Iterator[list[bytes | None]]) -> list[Row]:
        found: list[Row] = []
        try:
            for fields in rows:
                if self._header:
                    self._header = False
                    self._check_header(fields)
                    continue
                if len(fields) != len(self._columns):
                    raise self._wrong_count(fields)
                found.append(self._row(fields))
        except BadValue as error:
            if error.context is None:
                error.context = f"COPY, line {self._rows.line}"
            raise
        return found

    def _row(self, fields: list[bytes | None]) -> Row:
        row: Row = []
        for convert, field in zip(self._converters, fields, strict=True):
            if field is None:
                row.append(None)
                continue
            try:
                row.append(convert(field))
            except BadValue as error:
                shown = field[:_SHOWN_MAX].decode(errors="replace")
                error.context = f'COPY, line {self._rows.line}, column {self._columns[len(row)]}: "{shown}"'
                raise
        return row

    def _wrong_count(self, fields: list[bytes | None]) -> BadValue:
        if len(fields) > len(self._columns):
            return BadValue(BAD_COPY, f"extra data after last expected column, in line {self._rows.line}")
        missing = self._columns[len(fields)]
        return BadValue(BAD_COPY, f'missing data for column "{missing}", in line {self._rows.line}')

    def _check_header(self, fields: list[bytes | None]) -> None:
        """Refuse a header that names other columns, where the header has to match."""
        if not self._options.match:
            return
        if len(fields) != len(self._columns):
            wanted, found = len(self._columns), len(fields)
            raise BadValue(
                BAD_COPY, f"wrong number of fields in header line: field count is {found}, expected {wanted}"
            )
        for place, (field, column) in enumerate(zip(fields, self._columns, strict=True), 1):
            name = "null" if field is None else f'"{field.decode(errors="replace")}"'
            if field is None or field.decode(errors="replace") != column:
                message = f'column name mismatch in header line field {place}: got {name}, expected "{column}"'
                raise BadValue(BAD_COPY, message)


def _json_or(plain: Convert) -> Convert:
    """Return what reads a field of JSON whose values are all of one kind by now: as ``jsonb``, or as that kind.

    A client that asks the server for its types, as asyncpg does, was told that kind. A text does not begin like
    ``jsonb``, and a number that does is not followed by JSON.
    """
    json = converter(JSONB.oid, BINARY)

    def convert(data: bytes) -> object:
        if data[:1] != _JSONB_VERSION:
            return plain(data)
        try:
            return json(data)
        except BadValue:
            return plain(data)

    return convert
