"""COPY … TO STDOUT: a batch of Arrow becomes lines of text or CSV, or rows of the binary format.

What comes out may be cut anywhere: CopyData messages need not end where rows end.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from btql_server.pgwire.binary_values import binary_values
from btql_server.pgwire.byte_arrays import big_endian, content, fixed, joined, lengths
from btql_server.pgwire.copy_options import CopyFormat, CopyOptions
from btql_server.pgwire.text_values import text_values
from btql_server.pgwire.types import PgType
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

BINARY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
BINARY_END = b"\xff\xff"
_BYTES_MAX = 128 << 20
_ESCAPES = (("\\", "\\\\"), ("\b", "\\b"), ("\f", "\\f"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"), ("\v", "\\v"))


class CopyEncoder:
    """Writes the batches of one answer in a format of COPY."""

    def __init__(
        self,
        schema: pa.Schema,
        types: Sequence[PgType],
        form: CopyFormat,
        options: CopyOptions,
    ) -> None:
        self._names = list(schema.names)
        self._types = tuple(types)
        self._form = form
        self._options = options

    def header(self) -> bytes:
        """Return what comes before the first row."""
        if self._form == "binary":
            return BINARY_HEADER
        if not self._options.header:
            return b""
        names = [pa.array([name.encode()], pa.binary()) for name in self._names]
        return bytes(self._lines(names, 1))

    def encode(self, batch: pa.RecordBatch) -> bytes | memoryview:
        """Return the rows of a batch."""
        if batch.nbytes > _BYTES_MAX and batch.num_rows > 1:
            middle = batch.num_rows // 2
            return b"".join(self.encode(half) for half in (batch.slice(0, middle), batch.slice(middle)))
        spell = binary_values if self._form == "binary" else text_values
        columns = [spell(column, type_) for column, type_ in zip(batch.columns, self._types, strict=True)]
        if self._form != "binary":
            return self._lines(columns, batch.num_rows)
        pieces = [fixed(big_endian(np.full(batch.num_rows, len(columns)), 2))]
        for column in columns:
            pieces += [fixed(big_endian(lengths(column), 4)), column]
        return content(joined(pieces))

    def end(self) -> bytes:
        """Return what comes after the last row."""
        return BINARY_END if self._form == "binary" else b""

    def _lines(self, columns: list[pa.Array], rows: int) -> memoryview:
        written = [self._written(name, column) for name, column in zip(self._names, columns, strict=True)]
        if not written:
            return memoryview(b"\n" * rows)
        pieces: list[object] = []
        for number, column in enumerate(written):
            pieces += [self._options.delimiter.encode(), column] if number else [column]
        return content(pc.binary_join_element_wise(*pieces, b"\n", b""))

    def _written(self, name: str, column: pa.Array) -> pa.Array:
        """Return the values of a column as they stand in a line; nulls have their spelling."""
        null = self._options.null.encode()
        if self._form == "csv":
            texts = self._quoted(name, column)
        else:
            texts = column
            for char, escape in (*_ESCAPES, (self._options.delimiter, f"\\{self._options.delimiter}")):
                if char != "\t" or self._options.delimiter != "\t" or escape == "\\t":
                    texts = pc.replace_substring(texts, char.encode(), escape.encode())
        return pc.fill_null(texts, null)

    def _quoted(self, name: str, column: pa.Array) -> pa.Array:
        options = self._options
        quote, escape = options.quote, options.escape
        special = "[" + "".join(f"\\x{ord(char):02x}" for char in (options.delimiter, quote, "\n", "\r")) + "]"
        if options.force_quote == "*" or name in options.force_quote:
            needs: pa.Array = pa.array([True] * len(column))
        else:
            needs = pc.or_(
                pc.match_substring_regex(column, special),
                pc.or_(pc.equal(column, options.null.encode()), pc.equal(column, b"\\.")),
            )
        inside = column
        if escape != quote:
            inside = pc.replace_substring(inside, escape.encode(), (escape * 2).encode())
        inside = pc.replace_substring(inside, quote.encode(), (escape + quote).encode())
        around = pc.binary_join_element_wise(quote.encode(), inside, quote.encode(), b"")
        return pc.if_else(needs, around, column)
