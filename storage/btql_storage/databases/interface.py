"""What the catalog asks of a database that speaks SQL.

Statements are the same for every database: ``?`` stands for a value, and only what all of them understand is used:
``on conflict``, ``returning``, ``cast(? as bigint)`` where a value alone does not tell its type. Guarantees, cited by
number elsewhere:

1. **Reads are of one moment.** All statements of one :meth:`Database.reading` see the same state.
2. **Writers are alone.** A :meth:`Database.writing` runs while no other one of the same schema does, in this process
   or any other. It happens as a whole or not at all, and survives a power failure once it has returned.
3. **Nobody is waited for without end**: where others keep the turn for too long it is
   :class:`~btql_storage.errors.Locked`.
4. Every failure is a :class:`~btql_storage.errors.StorageError` that names the database, without its password.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Value: TypeAlias = "int | float | str | bytes | None"
Row: TypeAlias = "tuple[Any, ...]"
"""The types of its columns are known to whoever wrote the statement."""
Statement: TypeAlias = "tuple[str, Sequence[Value]]"


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables that belong together, and how older ones become as these."""

    name: str
    version: int
    whole: str
    """The statements that make the tables, in SQLite's words, each ended by ``;``."""
    steps: Mapping[int, str]
    """For each older version the statements that make the next one of it."""

    def since(self, version: int) -> Iterator[str]:
        """Yield the statements that bring tables of a version up to date; 0 where there are none."""
        parts = [self.whole] if version == 0 else [self.steps[older] for older in range(version, self.version)]
        for part in parts:
            yield from (statement.strip() for statement in part.split(";") if statement.strip())


class Answer(Protocol):
    """What a statement returned."""

    @property
    def rowcount(self) -> int:
        """How many rows a statement changed."""
        ...

    def fetchone(self) -> Row | None:
        """Return the next row."""
        ...

    def fetchall(self) -> list[Row]:
        """Return the rows that are left."""
        ...

    def __iter__(self) -> Iterator[Row]: ...


class Run(Protocol):
    """An open transaction."""

    def execute(self, statement: str, values: Sequence[Value] = (), /) -> Answer:
        """Run one statement."""
        ...

    def executemany(self, statement: str, rows: Sequence[Sequence[Value]], /) -> Answer:
        """Run one statement for each of many rows; the answer has no rows, but counts those of all."""
        ...


class Database(Protocol):
    """A database that holds the tables of one schema; safe from several threads."""

    @property
    def label(self) -> str:
        """What to call it in messages: a path or an address."""
        ...

    @property
    def now_ms(self) -> str:
        """The expression for the milliseconds since 1970 by the database's own clock."""
        ...

    def reading(self) -> AbstractContextManager[Run]:
        """Begin a transaction that reads (guarantee 1)."""
        ...

    def writing(self) -> AbstractContextManager[Run]:
        """Begin a transaction that may write (guarantee 2), committed at the end and rolled back after an error."""
        ...

    def read(self, statements: Callable[[int], Sequence[Statement]]) -> list[list[Row]]:
        """Return the rows of statements that see the same state, in as few round trips as the database allows.

        They may depend on the schema's version, which is older than ours only where it is opened to read.
        """
        ...

    def check_place(self) -> None:
        """Raise where what is open is not what is at its place any more, as a folder was moved, or made anew.

        What is beside it then is not what it knows. Whoever reads is told anyway.
        """
        ...

    @property
    def beyond_scrubbing(self) -> Sequence[str]:
        """Where something of what was removed may stay whatever :meth:`scrub` does."""
        ...

    def scrub(self, *, thorough: bool) -> None:
        """Leave nothing of rows that were removed in the database's files; ``thorough`` writes them anew."""
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...
