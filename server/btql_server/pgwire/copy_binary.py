"""Rows of COPY in its binary format: a head, then for each row its number of fields, and each field with its length."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from btql_server.pgwire.bad_value import BAD_COPY, TOO_LARGE, BadValue

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEADER = SIGNATURE + bytes(8)
END = b"\xff\xff"
_HEAD_BYTES = len(HEADER)
_HAS_OIDS = 1 << 16
_CRITICAL = 0xFFFE_0000
ROW_BYTES_MAX = 64 << 20


class BinaryRows:
    """Rows in the binary format; a row goes on where the bytes of before ended, so none is looked at twice."""

    def __init__(self, columns: int) -> None:
        self.line = 0
        self._columns = columns
        self._waiting = bytearray()
        self._fields: list[bytes | None] | None = None
        """Of the row that is not whole yet."""
        self._row_bytes = 0
        """How many bytes of that row have been read."""
        self._begun = False
        self._ended = False

    def feed(self, data: bytes) -> Iterator[list[bytes | None]]:
        """Yield the rows that are whole with these bytes."""
        self._waiting += data
        place = 0
        if not self._begun:
            place = self._head(self._waiting)
            self._begun = place > 0
        while self._begun and not self._ended:
            place, fields = self._row(place)
            if fields is None:
                break
            yield fields
        del self._waiting[:place]
        if self._ended and self._waiting:
            raise BadValue(BAD_COPY, "received copy data after EOF marker")
        if self._row_bytes + len(self._waiting) > ROW_BYTES_MAX:
            raise BadValue(TOO_LARGE, f"row {self.line + 1} is longer than {ROW_BYTES_MAX >> 20} MiB")

    def end(self) -> Iterator[list[bytes | None]]:
        """Refuse a row that is not whole."""
        if not self._begun:
            raise BadValue(BAD_COPY, "COPY file signature not recognized")
        if self._waiting or self._fields is not None:
            self.line += 1
            raise BadValue(BAD_COPY, "unexpected EOF in COPY data")
        yield from ()

    def _head(self, data: bytearray) -> int:
        """Return where the first row begins; 0 where that has not come yet."""
        if not SIGNATURE.startswith(data[: len(SIGNATURE)]):
            raise BadValue(BAD_COPY, "COPY file signature not recognized")
        if len(data) < _HEAD_BYTES:
            return 0
        flags, extension = struct.unpack_from("!Ii", data, len(SIGNATURE))
        if flags & _HAS_OIDS:
            raise BadValue(BAD_COPY, "invalid COPY file header (WITH OIDS)")
        if flags & _CRITICAL:
            raise BadValue(BAD_COPY, "unrecognized critical flags in COPY file header")
        if not 0 <= extension <= ROW_BYTES_MAX:
            raise BadValue(BAD_COPY, "invalid COPY file header (missing length)")
        return _HEAD_BYTES + extension if len(data) >= _HEAD_BYTES + extension else 0

    def _row(self, place: int) -> tuple[int, list[bytes | None] | None]:
        """Return up to where the bytes were read, and the fields of the row; None where it is not whole."""
        start = place
        if self._fields is None:
            if len(self._waiting) < place + 2:
                return place, None
            self._begin_row(*struct.unpack_from("!h", self._waiting, place))
            place += 2
        fields = self._fields
        while fields is not None and len(fields) < self._columns:
            end = self._end_of_field(place)
            if end is None:
                self._row_bytes += place - start
                return place, None
            fields.append(None if end < place + 4 else bytes(self._waiting[place + 4 : end]))
            place = max(end, place + 4)
        if fields is not None:
            self.line += 1
        self._fields, self._row_bytes = None, 0
        return place, fields

    def _begin_row(self, count: int) -> None:
        if count == -1:
            self._ended = True
            return
        if count != self._columns:
            self.line += 1
            raise BadValue(BAD_COPY, f"row field count is {count}, expected {self._columns}")
        self._fields = []

    def _end_of_field(self, place: int) -> int | None:
        """Return where a field ends, for null before its first byte; None where it is not whole."""
        if len(self._waiting) < place + 4:
            return None
        (size,) = struct.unpack_from("!i", self._waiting, place)
        if size < -1:
            self.line += 1
            raise BadValue(BAD_COPY, f"invalid field size, in row {self.line}")
        end: int = place + 4 + size
        return None if len(self._waiting) < end else end
