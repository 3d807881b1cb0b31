"""Writes the text index of a part.

Tantivy indexes in a thread of its own, without Python's lock, and has a queue
of up to :data:`QUEUE_DOCUMENTS_MAX` documents before that thread. The queue
knows nothing of bytes, so the writer bounds them: when the documents that may
be queued have too much text, it commits, which empties the queue.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

import tantivy

from btql_storage.json_text import parse
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.text.os_errors import os_error
from btql_storage.text.query import ADDED, ROW, schema
from btql_storage.text.tokens import index_texts, texts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from btql_storage.json_text import JsonValue
    from btql_storage.part.deltas import Delta

QUEUE_DOCUMENTS_MAX = 10_000
QUEUE_CHARS_MAX = 64 << 20
_HEAP_BYTES = 128_000_000
_Told: TypeAlias = tuple[int, str, list[str]]
"""The place of a row, a field of the index, and texts that are in it."""


class TextIndexWriter:
    """Builds the index of a new part; rows come in order."""

    def __init__(self, folder: Path, *, has_positions: bool = True) -> None:
        self._folder = folder
        folder.mkdir()
        try:
            index = tantivy.Index(schema(has_positions=has_positions), str(folder))
            self._writer = index.writer(_HEAP_BYTES, num_threads=1)
        except ValueError as error:
            raise os_error(error) from error
        self._queued: deque[int] = deque(maxlen=QUEUE_DOCUMENTS_MAX)
        self._queued_chars = 0

    def add(
        self,
        first_row: int,
        row_count: int,
        fields: Mapping[str, Sequence[JsonValue]],
        deltas: Sequence[Delta | None] = (),
    ) -> None:
        """Index some rows: for each field the value of every row, None where there is none.

        ``deltas`` are those of the rows, in the same order, where any row is one; what these repeat is not indexed.
        """
        told = _told(fields, deltas)
        documents = [tantivy.Document() for _ in range(row_count)]
        chars = [0] * row_count
        for (place, name, _), text in zip(told, index_texts([texts for _, _, texts in told]), strict=True):
            documents[place].add_text(name, text)
            chars[place] += len(text)
        for row, document, size in zip(range(first_row, first_row + row_count), documents, chars, strict=True):
            if size:
                document.add_unsigned(ROW, row)
                self._add_document(document, size)

    def _add_document(self, document: tantivy.Document, chars: int) -> None:
        try:
            self._writer.add_document(document)
            self._note(chars)
        except ValueError as error:
            raise os_error(error) from error

    def finish(self) -> None:
        """Finish the index. It is complete then, but not yet durable."""
        try:
            self._writer.commit()
            self._writer.wait_merging_threads()
        except ValueError as error:
            raise os_error(error) from error
        # Tantivy keeps some files to their owner; whoever may list the folder may read them.
        mode = self._folder.stat().st_mode & 0o666
        for path in self._folder.iterdir():
            path.chmod(mode)

    def _note(self, chars: int) -> None:
        queued = self._queued
        if len(queued) == QUEUE_DOCUMENTS_MAX:
            self._queued_chars -= queued[0]
        queued.append(chars)
        self._queued_chars += chars
        if self._queued_chars > QUEUE_CHARS_MAX:
            self._writer.commit()
            queued.clear()
            self._queued_chars = 0


def _told(fields: Mapping[str, Sequence[JsonValue]], deltas: Sequence[Delta | None]) -> list[_Told]:
    """Return what texts each row has in each field of the index."""
    told: list[_Told] = []
    for name, values in fields.items():
        has_deltas = name == DELTA_FIELD and any(deltas)
        for place, value in enumerate(values):
            if has_deltas and (delta := deltas[place]) is not None:
                told.append((place, ADDED, texts_of(parse(delta.added()))))
            elif value is not None:
                told.append((place, name, texts_of(value)))
    return told
