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
    """Rows in the binary format."""

    def __init__(self, columns: int) -> None:
        self.line = 0
        self._columns = columns
        self._waiting = b""
        self._begun = False
        self._ended = False

    def feed(self, data: bytes) -> Iterator[list[bytes | None]]:
        """Yield the rows that are whole with these bytes."""
        data = self._waiting + data
        place = 0
        if not self._begun:
            place = self._head(data)
            self._begun = place > 0
        while self._begun and not self._ended:
            found = self._row(data, place)
            if found is None:
                break
            fields, place = found
            if not self._ended:
                yield fields
        self._waiting = data[place:]
        if self._ended and self._waiting:
            raise BadValue(BAD_COPY, "received copy data after EOF marker")
        if len(self._waiting) > ROW_BYTES_MAX:
            raise BadValue(TOO_LARGE, f"row {self.line + 1} is longer than {ROW_BYTES_MAX >> 20} MiB")

    def end(self) -> Iterator[list[bytes | None]]:
        """Refuse a row that is not whole."""
        if not self._begun:
            raise BadValue(BAD_COPY, "COPY file signature not recognized")
        if self._waiting:
            self.line += 1
            raise BadValue(BAD_COPY, "unexpected EOF in COPY data")
        yield from ()

    def _head(self, data: bytes) -> int:
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

    def _row(self, data: bytes, place: int) -> tuple[list[bytes | None], int] | None:
        """Return the fields of a row, and where the next one begins; None where it is not whole."""
        if len(data) < place + 2:
            return None
        (count,) = struct.unpack_from("!h", data, place)
        place += 2
        if count == -1:
            self._ended = True
            return [], place
        if count != self._columns:
            self.line += 1
            raise BadValue(BAD_COPY, f"row field count is {count}, expected {self._columns}")
        fields: list[bytes | None] = []
        for _each in range(count):
            if len(data) < place + 4:
                return None
            (size,) = struct.unpack_from("!i", data, place)
            place += 4
            if size < -1:
                self.line += 1
                raise BadValue(BAD_COPY, f"invalid field size, in row {self.line}")
            if size > 0 and len(data) < place + size:
                return None
            fields.append(None if size < 0 else data[place : place + size])
            place += max(size, 0)
        self.line += 1
        return fields, place
