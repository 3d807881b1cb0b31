r"""Lines of COPY, in text and in CSV, cut into fields as they come in.

The first line says how lines end: by a line feed, a carriage return, or both. A line of ``\.`` ends the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from btql_server.pgwire.bad_value import BAD_COPY, TOO_LARGE, BadValue
from btql_server.pgwire.copy_options import CopyOptions

LINE_BYTES_MAX = 64 << 20
_END = b"\\."
_BACKSLASH = ord("\\")
_BREAK = re.compile(rb"\r\n?|\n")
_ESCAPED = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_LETTERS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class _Lines:
    """Cuts data into lines; what a line end is within fields, a subclass says."""

    def __init__(self, options: CopyOptions) -> None:
        self.line = 0
        """The number of the line that the last row began in."""
        self._next_line = 1
        self._delimiter = options.delimiter.encode()
        self._null = options.null.encode()
        self._waiting = bytearray()
        self._scanned = 0
        self._break: bytes | None = None
        self._ended = False

    def feed(self, data: bytes) -> Iterator[list[bytes | None]]:
        """Yield the rows that are whole with these bytes."""
        if not self._ended:
            self._waiting += data
            yield from self._whole_rows()

    def _whole_rows(self) -> Iterator[list[bytes | None]]:
        start = 0
        with memoryview(self._waiting) as view:
            while not self._ended:
                end = self._line_end()
                if end < 0:
                    break
                line, start = bytes(view[start:end]), self._scanned
                yield from self._row(line)
        self._cut(len(self._waiting) if self._ended else start)
        if len(self._waiting) > LINE_BYTES_MAX:
            raise BadValue(TOO_LARGE, f"line {self._next_line} is longer than {LINE_BYTES_MAX >> 20} MiB")

    def end(self) -> Iterator[list[bytes | None]]:
        """Yield the last row, if no line end stands behind it."""
        line = bytes(self._waiting)
        self._cut(len(line))
        if line and not self._ended:
            # A carriage return at the very end waited for a line feed.
            yield from self._row(line.removesuffix(b"\r") if self._break in (None, b"\r") else line)
        self._ended = True

    def _cut(self, start: int) -> None:
        """Forget what was read."""
        del self._waiting[:start]
        self._scanned = max(self._scanned - start, 0)

    def _line_end(self) -> int:
        """Return where a line ends, -1 where it does not yet; what was looked at is not looked at again."""
        data = self._waiting
        if self._break is None:
            self._break = self._first_break()
            if self._break is None:
                return -1
            self._scanned = 0
            self._restart()
        while (end := data.find(self._break, self._scanned)) >= 0:
            self._scanned = end + len(self._break)
            if self._is_end(end):
                return end
        # Half of a line end may be there.
        self._scanned = max(self._scanned, len(data) - 1)
        return -1

    def _first_break(self) -> bytes | None:
        """Return how the first line ends; None where that has not come yet."""
        for found in _BREAK.finditer(self._waiting, self._scanned):
            half = found[0] == b"\r" and found.end() == len(self._waiting)
            self._scanned = found.start() if half else found.end()
            if half:
                return None
            if self._is_end(found.start()):
                return found[0]
        return None

    def _restart(self) -> None:
        """Begin at the first line again, now that it is known how lines end."""

    def _is_end(self, end: int) -> bool:
        raise NotImplementedError

    def _row(self, line: bytes) -> Iterator[list[bytes | None]]:
        self.line = self._next_line
        self._next_line += 1
        if line == _END:
            self._ended = True
        else:
            yield self._fields(line)

    def _fields(self, line: bytes) -> list[bytes | None]:
        raise NotImplementedError


class TextRows(_Lines):
    """Rows in text: a backslash stands before what has a meaning."""

    def __init__(self, options: CopyOptions) -> None:
        super().__init__(options)
        self._marks = re.compile(rb"\\.|" + re.escape(self._delimiter), re.DOTALL)

    def _is_end(self, end: int) -> bool:
        backslashes = 0
        while end > backslashes and self._waiting[end - backslashes - 1] == _BACKSLASH:
            backslashes += 1
        return backslashes % 2 == 0

    def _fields(self, line: bytes) -> list[bytes | None]:
        null = self._null
        if b"\r" in line or b"\n" in line:
            self._check_breaks(line)
        if b"\\" not in line:
            return [None if field == null else field for field in line.split(self._delimiter)]
        fields: list[bytes] = []
        start = 0
        for mark in self._marks.finditer(line):
            if mark[0] == _END:
                raise BadValue(
                    BAD_COPY, f"end-of-copy marker corrupt, in line {self.line}", "write `\\\\` for a backslash"
                )
            if mark[0] == self._delimiter:
                fields.append(line[start : mark.start()])
                start = mark.end()
        fields.append(line[start:])
        return [
            None if field == null else _ESCAPED.sub(_unescaped, field) if b"\\" in field else field for field in fields
        ]

    def _check_breaks(self, line: bytes) -> None:
        plain = _ESCAPED.sub(b"", line)
        for char, name, escape in ((b"\r", "carriage return", "\\r"), (b"\n", "newline", "\\n")):
            if char in plain:
                message = f"literal {name} found in data, in line {self.line}"
                raise BadValue(BAD_COPY, message, f'Use "{escape}" to represent {name}.')


def _unescaped(found: re.Match[bytes]) -> bytes:
    octal, digits, char = found.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 0xFF])
    if digits is not None:
        return bytes([int(digits, 16)])
    return _LETTERS.get(char, char)


class CsvRows(_Lines):
    """Rows in CSV: what stands between quotes is taken as it is."""

    def __init__(self, options: CopyOptions, columns: Sequence[str]) -> None:
        super().__init__(options)
        self._quote = options.quote.encode()
        self._escape = options.escape.encode()
        marks = b"[" + b"".join(b"\\x%02x" % char for char in {*self._delimiter, *self._quote}) + b"]"
        self._outside = re.compile(marks)
        quote, escape = re.escape(self._quote), re.escape(self._escape)
        self._inside = re.compile(rb"%b([%b%b])|(%b)" % (escape, quote, escape, quote), re.DOTALL)
        self._quotes = re.compile(rb"%b[%b%b]|%b" % (escape, quote, escape, quote), re.DOTALL)
        self._force_null = [name in options.force_null for name in columns]
        self._force_text = [name in options.force_not_null for name in columns]
        self._restart()

    def _restart(self) -> None:
        self._checked = 0
        self._open = False

    def _cut(self, start: int) -> None:
        super()._cut(start)
        self._checked = max(self._checked - start, 0)

    def _is_end(self, end: int) -> bool:
        """Whether a line break is outside of quotes; asked for one break after the other."""
        if self._escape == self._quote:
            self._open ^= bool(self._waiting.count(self._quote, self._checked, end) % 2)
        else:
            self._open = self._open_after(bytes(self._waiting[self._checked : end]), self._open)
        self._checked = end
        return not self._open

    def _open_after(self, piece: bytes, opened: bool) -> bool:  # noqa: FBT001
        place = 0
        while True:
            if opened:
                found = self._quotes.search(piece, place)
                if found is None:
                    return True
                opened = len(found[0]) > 1
                place = found.end()
            else:
                start = piece.find(self._quote, place)
                if start < 0:
                    return False
                opened, place = True, start + 1

    def _fields(self, line: bytes) -> list[bytes | None]:
        null = self._null
        forced = any(self._force_text)
        self._next_line += line.count(self._break or b"\n")
        if self._quote not in line:
            self._check_breaks(line)
            fields = line.split(self._delimiter)
            if not forced:
                return [None if field == null else field for field in fields]
            return [self._value(field, place, quoted=False) for place, field in enumerate(fields)]
        return self._quoted_fields(line)

    def _value(self, field: bytes, place: int, *, quoted: bool) -> bytes | None:
        if field != self._null:
            return field
        flags = self._force_null if quoted else self._force_text
        flagged = place < len(flags) and flags[place]
        return None if flagged == quoted else field

    def _quoted_fields(self, line: bytes) -> list[bytes | None]:
        fields: list[bytes | None] = []
        pieces: list[bytes] = []
        quoted = False
        place = 0
        while True:
            mark = self._outside.search(line, place)
            piece = line[place : mark.start() if mark else len(line)]
            self._check_breaks(piece)
            pieces.append(piece)
            if mark is None or mark[0] == self._delimiter:
                fields.append(self._value(b"".join(pieces), len(fields), quoted=quoted))
                if mark is None:
                    return fields
                pieces, quoted, place = [], False, mark.end()
            else:
                quoted = True
                place = self._through_quotes(line, mark.end(), pieces)

    def _through_quotes(self, line: bytes, place: int, pieces: list[bytes]) -> int:
        """Take what stands in quotes; return where they end."""
        while True:
            found = self._inside.search(line, place)
            if found is None:
                raise BadValue(BAD_COPY, f"unterminated CSV quoted field, in line {self.line}")
            pieces.append(line[place : found.start()])
            place = found.end()
            if found[2] is not None:
                return place
            pieces.append(found[1])

    def _check_breaks(self, plain: bytes) -> None:
        for char, name in ((b"\r", "carriage return"), (b"\n", "newline")):
            if char in plain:
                message = f"unquoted {name} found in data, in line {self.line}"
                raise BadValue(BAD_COPY, message, f"Use quoted CSV field to represent {name}.")
