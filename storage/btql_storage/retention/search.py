"""Look for bytes in every file of a folder, whatever form they are written in there.

A file is searched as it lies on the disk. Most files are compressed, so by its kind it is also searched

- as Arrow (``*.arrow``) and Parquet: every buffer of every column, decompressed, and the metadata;
- as a text index: by the tokens of what is sought, as a phrase in every field;
- as SQLite: every page, whether it is in use or free, and the side files. A value that is longer than a page is
  cut in pieces, so all values are searched as well.

What is sought is text. In documents it may be spelled with JSON's escapes, so those spellings are sought, too.
"""

from __future__ import annotations

import mmap
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import ipc

from btql_storage.databases.sqlite import uri_of
from btql_storage.fields import INDEXED_FIELDS
from btql_storage.text.index import TextIndex
from btql_storage.text.tokens import tokenize

_MANAGED = "meta.json"
"""Every text index has this file."""
_SQLITE = b"SQLite format 3\x00"
_NOT_ASCII = re.compile("[^\x00-\x7f]")


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A file that has what was sought."""

    path: str
    needle: str


class _Buffers(Protocol):
    """What has bytes to look through, as Arrow's arrays do."""

    def buffers(self) -> Iterable[pa.Buffer | None]: ...


class Search:
    """Seeks some texts."""

    def __init__(self, needles: Sequence[str]) -> None:
        self._spellings = {needle: _spellings(needle) for needle in needles}
        self._tokens = {needle: tokenize(needle) for needle in needles}

    def tree(self, root: Path) -> list[Found]:
        """Return the files in a folder, however deep, that have any of the texts."""
        found: set[Found] = set()
        for path in _files(root):
            found.update(Found(str(path), needle) for needle in self.file(path))
        return sorted(found)

    def file(self, path: Path) -> set[str]:
        """Return which of the texts a file has."""
        found = self._raw(path)
        if path.suffix == ".arrow":
            found |= self._arrow(path)
        elif path.suffix == ".parquet":
            found |= self._parquet(path)
        elif path.name == _MANAGED:
            found |= self._index(path.parent)
        elif _is_sqlite(path):
            found |= self._sqlite(path)
        return found

    def value(self, value: object) -> set[str]:
        """Return which of the texts a value has, of a name or of a column."""
        text = value.encode() if isinstance(value, str) else value
        return self._in(text) if isinstance(text, bytes | bytearray | memoryview) else set()

    def _in(self, text: bytes | bytearray | memoryview | mmap.mmap) -> set[str]:
        sought = text.tobytes() if isinstance(text, memoryview) else text
        return {
            needle
            for needle, spellings in self._spellings.items()
            if any(sought.find(spelling) >= 0 for spelling in spellings)
        }

    def _raw(self, path: Path) -> set[str]:
        found = self._in(path.name.encode())
        with (
            path.open("rb") as file,
            suppress(ValueError),
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text,
        ):
            # An empty file cannot be mapped, and has nothing.
            found |= self._in(text)
        return found

    def _arrow(self, path: Path) -> set[str]:
        found: set[str] = set()
        with suppress(pa.ArrowInvalid), pa.memory_map(str(path)) as source:
            reader = ipc.open_file(source)
            found |= self._metadata(reader.schema)
            for number in range(reader.num_record_batches):
                found |= self._columns(reader.get_batch(number).columns)
        return found

    def _parquet(self, path: Path) -> set[str]:
        found: set[str] = set()
        with suppress(pa.ArrowInvalid), closing(pq.ParquetFile(path)) as file:
            found |= self._metadata(file.schema_arrow)
            for batch in file.iter_batches():
                found |= self._columns(batch.columns)
        return found

    def _metadata(self, schema: pa.Schema) -> set[str]:
        metadata = schema.metadata or {}
        texts = [*schema.names, *metadata.keys(), *metadata.values()]
        return set().union(*(self.value(text) for text in texts))

    def _columns(self, columns: Iterable[_Buffers]) -> set[str]:
        buffers = (buffer for column in columns for buffer in column.buffers() if buffer is not None)
        return set().union(*(self._in(memoryview(buffer)) for buffer in buffers))

    def _index(self, folder: Path) -> set[str]:
        index = TextIndex(folder)
        try:
            return {
                needle
                for needle, tokens in self._tokens.items()
                if (len(tokens) == 1 or (tokens and index.has_positions))
                # Without positions, an index has words and no texts; those of the documents are looked through anyway.
                and any(len(index.rows(field, tokens)) for field in INDEXED_FIELDS)
            }
        finally:
            index.close()

    def _sqlite(self, path: Path) -> set[str]:
        found: set[str] = set()
        with suppress(sqlite3.Error), closing(sqlite3.connect(uri_of(path, "mode=ro"), uri=True)) as connection:
            tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
            for (table,) in tables:
                for row in connection.execute(f'select * from "{table}"'):  # noqa: S608  a name from the schema
                    found.update(*(self.value(value) for value in row))
        return found


def _spellings(needle: str) -> tuple[bytes, ...]:
    """Return how a text may be written: as it is, and in JSON with few or many escapes."""
    inner = msgspec.json.encode(needle)[1:-1]
    escaped = _NOT_ASCII.sub(lambda found: _escape(found.group()), inner.decode()).encode()
    return tuple({needle.encode(), inner, escaped})


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _files(root: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(root):
        yield from (Path(folder, name) for name in names)


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
