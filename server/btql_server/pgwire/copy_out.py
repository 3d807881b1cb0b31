"""COPY … TO STDOUT: a batch of Arrow becomes lines of text or CSV, or rows of the binary format.

What comes out may be cut anywhere: CopyData messages need not end where rows end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_server.pgwire.binary_values import binary_values
from btql_server.pgwire.byte_arrays import as_rows, big_endian, content, fixed, joined, lengths, of_array, side_by_side
from btql_server.pgwire.copy_binary import END, HEADER
from btql_server.pgwire.copy_options import CopyFormat, CopyOptions
from btql_server.pgwire.encoder import parts_of, with_lengths
from btql_server.pgwire.text_values import text_values
from btql_server.pgwire.types import PgType
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

if TYPE_CHECKING:
    from btql_server.pgwire.byte_arrays import Encoded, Piece


_ESCAPES = {"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_FIRST_PLAIN = 0x20
_USUAL_DELIMITERS = "\t,;|"
_USUAL_NULLS = ("\\N", "", "NULL", "null")
"""With these no number and no time can be mistaken for anything else."""


class CopyEncoder:
    """Writes the batches of one answer in a format of COPY."""

    def __init__(self, schema: pa.Schema, types: Sequence[PgType], form: CopyFormat, options: CopyOptions) -> None:
        self._names: list[str] = list(schema.names)
        self._types = tuple(types)
        self._form = form
        self._options = options
        self._usual = options.delimiter in _USUAL_DELIMITERS and options.null in _USUAL_NULLS

    def header(self) -> bytes:
        """Return what comes before the first row."""
        if self._form == "binary":
            return HEADER
        if not self._options.header:
            return b""
        # What is quoted in the rows of a column need not be in its name.
        names = [of_array(pa.array([name], pa.string())) for name in self._names]
        return bytes(joined(self._lines([""] * len(names), [pa.string()] * len(names), names), 1))

    def encode(self, batch: pa.RecordBatch) -> bytes | memoryview:
        """Return the rows of a batch."""
        parts = list(self.parts(batch))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def messages(self, batch: pa.RecordBatch) -> Iterator[memoryview]:
        """Yield the rows as CopyData messages, one for each, as some clients expect."""
        for rows in self._rows(batch):
            sizes = np.asarray(lengths(rows), np.int64) + 4
            head = fixed(side_by_side([b"d", big_endian(sizes, 4)], len(rows)))
            yield content(pc.binary_join_element_wise(head, rows, b""))

    def parts(self, batch: pa.RecordBatch) -> Iterator[memoryview]:
        """Yield the same in pieces of some megabytes, as they are made."""
        return map(content, self._rows(batch))

    def _rows(self, batch: pa.RecordBatch) -> Iterator[pa.Array]:
        encode = binary_values if self._form == "binary" else text_values
        for part in parts_of(batch):
            columns = [encode(column, type_) for column, type_ in zip(part.columns, self._types, strict=True)]
            if self._form == "binary":
                pieces: Iterator[Piece | bytes] = self._binary(columns)
            else:
                pieces = self._lines(self._names, [column.type for column in part.columns], columns)
            yield as_rows(pieces, part.num_rows)

    def end(self) -> bytes:
        """Return what comes after the last row."""
        return END if self._form == "binary" else b""

    def _binary(self, columns: Sequence[Encoded]) -> Iterator[Piece | bytes]:
        yield len(columns).to_bytes(2, "big")
        yield from with_lengths(columns)

    def _lines(
        self, names: Sequence[str], kinds: Sequence[pa.DataType], columns: Sequence[Encoded]
    ) -> Iterator[Piece | bytes]:
        delimiter = self._options.delimiter.encode()
        for place, (name, kind, column) in enumerate(zip(names, kinds, columns, strict=True)):
            if place:
                yield delimiter
            yield from self._column(name, kind, column)
        yield b"\n"

    def _column(self, name: str, kind: pa.DataType, column: Encoded) -> Iterator[Piece]:
        """Yield the values of a column as they stand in a line; nulls have their spelling."""
        if self._usual and pa.types.is_primitive(kind) and not self._forced(name):
            if isinstance(column.sizes, int) or not (column.sizes < 0).any():
                yield from column.pieces
            else:
                yield pc.fill_null(column.array(), self._options.null.encode())
            return
        texts = column.array()
        texts = self._quoted(name, texts) if self._form == "csv" else self._escaped(texts)
        yield pc.fill_null(texts, self._options.null.encode()) if texts.null_count else texts

    def _escaped(self, texts: pa.Array) -> pa.Array:
        """Return texts with a backslash before what has a meaning in a line."""
        written = np.frombuffer(content(texts), np.uint8)
        delimiter = self._options.delimiter
        escapes = {"\\": "\\\\"} | (_ESCAPES if (written < _FIRST_PLAIN).any() else {})
        if delimiter not in escapes and delimiter not in _ESCAPES:
            escapes[delimiter] = "\\" + delimiter
        for char, escape in escapes.items():
            if (written == ord(char)).any():
                texts = pc.replace_substring(texts, char.encode(), escape.encode())
        return texts

    def _forced(self, name: str) -> bool:
        return self._options.force_quote == "*" or name in self._options.force_quote

    def _quoted(self, name: str, texts: pa.Array) -> pa.Array:
        """Return texts with quotes around those that need them."""
        options = self._options
        forced = self._forced(name)
        written = np.frombuffer(content(texts), np.uint8)
        special = [char for char in (options.delimiter, options.quote, "\n", "\r") if (written == ord(char)).any()]
        # Alone in its line, this would end the data.
        alone = [options.null, "\\."] if len(self._names) == 1 else [options.null]
        needs: pa.Array = pc.is_in(texts, pa.array(alone, pa.string()).cast(pa.binary()))
        if special:
            pattern = "[" + "".join(f"\\x{ord(char):02x}" for char in special) + "]"
            needs = pc.or_(needs, pc.match_substring_regex(texts, pattern))
        elif not forced and not pc.any(needs).as_py():
            return texts
        inside = texts
        if options.escape != options.quote:
            inside = pc.replace_substring(inside, options.escape.encode(), (options.escape * 2).encode())
        if options.quote in special:
            inside = pc.replace_substring(inside, options.quote.encode(), (options.escape + options.quote).encode())
        around = pc.binary_join_element_wise(options.quote.encode(), inside, options.quote.encode(), b"")
        return around if forced else pc.if_else(needs, around, texts)
