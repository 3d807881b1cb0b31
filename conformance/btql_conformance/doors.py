"""Doors: ways into a database that cases are held against.

A door opens a database with some data in it and gives a :class:`Session`. To hold another
implementation, or another protocol, to the cases, write these few methods for it and add it to :data:`DOORS`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast, get_args

from btql_conformance.dataset import DataSet, Event, requests
from btql_conformance.values import Value

if TYPE_CHECKING:
    from btql.result import Result

State = Literal["before", "half", "after"]
STATES: tuple[State, ...] = get_args(State)


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that a query gave."""

    code: str
    position: tuple[int, int] | None
    """Line and column, both from 1."""
    message: str


@dataclass(frozen=True, slots=True)
class Page:
    """The rows of an answer, columns in order, and the cursor that goes on behind them."""

    rows: Sequence[Mapping[str, Value]]
    cursor: str | None = None


Answer = Page | Failure


class Unsuitable(Exception):  # noqa: N818  the data is, and that is nobody's error
    """Data that cannot be brought through a door."""


class Session(Protocol):
    """A database with data, ready to be asked."""

    def query(self, language: str, text: str, options: Mapping[str, Value]) -> Answer:
        """Return the answer to a query in ``btql``, ``sql``, or as ``json`` text of its tree.

        Options are what a protocol sends beside the text: ``tz_offset``, ``lint``, ``cursor``.
        """
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...


class Door(Protocol):
    """A way in."""

    def open(self, data: DataSet, state: State) -> Session:
        """Return a database that the events were written to.

        ``before``: nothing of it is compacted. ``half``: the first half is, the rest is written
        after that. ``after``: all of it is. A door that cannot steer compaction may treat them alike.
        Unsuitable is for data that cannot be written this way; its cases are left out.
        """
        ...


class Embedded:
    """The library itself, in this process."""

    def open(self, data: DataSet, state: State) -> Session:
        """Return a database in a folder of its own, which goes away with the session."""
        import btql

        folder = Path(tempfile.mkdtemp(prefix="btql-conformance-"))
        connection = btql.connect(folder)
        middle = {"before": 0, "half": len(data.events) // 2, "after": len(data.events)}[state]
        _write(connection, data.events[:middle])
        if middle:
            connection.compact()
        _write(connection, data.events[middle:])
        return _EmbeddedSession(connection, folder)


class _Connection(Protocol):
    def ingest(self, target: str, events: Sequence[Mapping[str, object]]) -> object: ...


def _write(connection: _Connection, events: Sequence[Event]) -> None:
    for target, documents in requests(events):
        connection.ingest(target, documents)


class _EmbeddedSession:
    def __init__(self, connection: object, folder: Path) -> None:
        from btql.connection import Connection

        assert isinstance(connection, Connection)
        self._connection = connection
        self._folder = folder

    def query(self, language: str, text: str, options: Mapping[str, Value]) -> Answer:
        import btql
        from btql_grammar.span import Source

        asked: object = json.loads(text) if language == "json" else text
        ask = cast("Callable[..., Result]", self._connection.query)
        try:
            result = ask(asked, **options)
            return Page(result.rows(), result.cursor)
        except btql.QueryError as error:
            first = error.diagnostics[0]
            place = None if first.primary is None else Source(text).line_column(first.primary.span.start)
            return Failure(first.code, place, str(error))
        except btql.Error as error:
            return Failure(type(error).__name__, None, str(error))

    def close(self) -> None:
        self._connection.close()
        shutil.rmtree(self._folder, ignore_errors=True)


DOORS: dict[str, Callable[[], Door]] = {"embedded": Embedded}
"""By the name that ``--door`` takes."""
