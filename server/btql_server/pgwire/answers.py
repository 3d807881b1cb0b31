"""An answer while it is handed out: its columns, and its rows in pieces, as many as somebody asks for.

Pieces are computed and encoded on threads; a small answer is whole after the first look at it (:meth:`Opened.look`),
and then no other thread is needed for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from btql.execution.reader import Reader
from btql_server.pgwire.types import TEXT, PgType, column_type, pg_type
from btql_server.reading.running import run_query

if TYPE_CHECKING:
    from btql.execution.pinned import Pinned
    from btql.execution.stop import Stop
    from btql.result import Result
    from btql_planner.options import QueryOptions
    from btql_server.access.asker import Asker

Encode: TypeAlias = Callable[[pa.RecordBatch], Iterable[bytes | memoryview]]
PIECE_BYTES = 256 << 10
_SMALL_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that were encoded."""

    parts: Sequence[bytes | memoryview]
    rows: int
    done: bool
    """Whether no more will come."""


def _nothing() -> None:
    """Keep nothing."""


@dataclass(slots=True)
class Opened:
    """An answer."""

    names: Sequence[str]
    types: Sequence[PgType]
    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    asker: Asker | None = None
    stop: Stop | None = None
    warnings: Sequence[str] = ()
    verb: str = "SELECT"
    began: float | None = None
    """When somebody began to ask, by :func:`time.perf_counter`, until the first rows are handed out."""
    release: Callable[[], object] = _nothing
    reader: Reader = field(default_factory=Reader)
    has_begun: bool = False
    """Whether any of its rows were computed."""
    _waiting: list[pa.RecordBatch] = field(default_factory=list[pa.RecordBatch])
    _ended: bool = False
    _looked: bool = False
    _paused: float | None = None

    def look(self) -> None:
        """Compute the beginning of the rows; all of them, if they are few."""
        if not self._looked:
            self._looked = True
            while not self._ended and sum(each.nbytes for each in self._waiting) < _SMALL_BYTES:
                self._pull()

    @property
    def is_small(self) -> bool:
        """Whether what is left is here, and little."""
        return self._ended and sum(each.nbytes for each in self._waiting) < _SMALL_BYTES

    def piece(self, encode: Encode, rows: int | None) -> Piece:
        """Return the next rows, at most ``rows`` of them."""
        parts: list[bytes | memoryview] = []
        size = count = 0
        while size < PIECE_BYTES and (rows is None or count < rows):
            batch = self._next(None if rows is None else rows - count)
            if batch is None:
                return Piece(parts, count, done=True)
            if batch.num_rows:
                for part in encode(batch):
                    parts.append(part)
                    size += len(part)
                count += batch.num_rows
        return Piece(parts, count, done=False)

    def skip(self, rows: int | None) -> int:
        """Leave out the next rows; return how many there were."""
        count = 0
        while rows is None or count < rows:
            batch = self._next(None if rows is None else rows - count)
            if batch is None:
                break
            count += batch.num_rows
        return count

    def pause(self) -> None:
        """Stop counting time: nobody asks for rows at the moment."""
        self._paused = time.monotonic()
        self.reader.takes()
        self.reader.on_end = self._waiting.clear

    def resume(self) -> None:
        """Count time again; raise where the answer was ended meanwhile."""
        self.reader.asks()
        if self._paused is not None and self.stop is not None:
            self.stop.add(time.monotonic() - self._paused)
        self._paused = None

    def close(self) -> None:
        """Let go of what the answer is computed from; blocks."""
        self._ended = True
        self._waiting.clear()
        self.release()

    def _next(self, most: int | None) -> pa.RecordBatch | None:
        while not self._waiting:
            if self._ended:
                return None
            self._pull()
        batch = self._waiting.pop(0)
        if most is not None and batch.num_rows > most:
            self._waiting.insert(0, batch.slice(most))
            batch = batch.slice(0, most)
        return batch

    def _pull(self) -> None:
        batch = next(self.batches, None)
        self.has_begun = True
        if batch is None:
            self._ended = True
        else:
            self._waiting.append(batch)


@dataclass(frozen=True, slots=True)
class Question:
    """A statement that is to be run."""

    text: str
    asker: Asker
    stop: Stop
    options: QueryOptions
    parameters: Sequence[object] | None
    pinned: Pinned | None = None

    def run(self) -> Result:
        """Run it; its rows are computed while they are read."""
        return run_query(
            self.asker,
            self.text,
            self.stop,
            options=self.options,
            parameters=self.parameters or None,
            pinned=self.pinned,
        )


def open_answer(question: Question) -> Opened:
    """Ask, and return the answer with the beginning of its rows; blocks."""
    return _opened(question, question.run())


def known_answer(question: Question) -> Opened | None:
    """Return the answer to a statement that has only one and was asked before, at once; None for any other."""
    result = question.asker.state.database.known_answer(question.text, question.options)
    return None if result is None else _opened(question, result)


def _opened(question: Question, result: Result) -> Opened:
    outputs = result.outputs
    warnings = [*result.warnings, *(each.message for each in result.lints)]
    names = [each.name for each in outputs]
    types = [column_type(each) for each in outputs]
    opened = Opened(names, types, result.schema, result.batches(), question.asker, question.stop, warnings)
    opened.release, opened.reader = result.close, question.stop.reader
    if not result.is_bulk:
        opened.look()
    return opened


def write(question: Question) -> tuple[int, Sequence[str]]:
    """Run a statement that writes; return how many rows it has written, and what is to be said about it; blocks."""
    result = question.run()
    counts = [value for row in result for value in row.values()]
    return sum(each for each in counts if isinstance(each, int)), result.warnings


def fixed(table: pa.Table, types: Sequence[PgType] | None = None, verb: str = "SELECT") -> Opened:
    """Return an answer that is known already."""
    names = table.column_names
    types = types or [pg_type(each.type) for each in table.schema]
    opened = Opened(names, types, table.schema, iter(table.to_batches()), verb=verb)
    opened.look()
    return opened


def text_rows(names: Sequence[str], rows: Sequence[Sequence[str]], verb: str = "SELECT") -> Opened:
    """Return an answer of texts."""
    columns = [pa.array([row[place] for row in rows], pa.string()) for place in range(len(names))]
    return fixed(pa.table(columns, names=list(names)), [TEXT] * len(names), verb)
