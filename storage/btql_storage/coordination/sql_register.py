"""A register in a database that speaks SQL: where several machines share PostgreSQL and there is no Redis.

Each call is one transaction, and writers are alone (guarantee 2 of :mod:`btql_storage.databases.interface`), which is
as long as it takes to change a row. The tables are a schema of their own, so they never wait for the catalog's. What
was committed is not lost, so there is nothing to be looked up again; whoever restores the database from a backup opens
it for writing, which shows it the numbers that files have.

A call whose connection was lost is repeated once: confirming and settling twice is like once, and whoever asks for a
number again gets the one that was already taken.

Numbers that have landed (guarantee 6) stay in the table of those that fly, without a call. A btql of before takes them
for flying ones whose time is up, and finds that they have their files.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from threading import Lock
from typing import TypeVar, cast
from uuid import uuid4

from btql_storage.coordination.register import VOIDS_KEPT_S, Fate, Flying
from btql_storage.databases.interface import Database, Run, Schema
from btql_storage.errors import Unreachable
from btql_storage.stores.interface import LISTS_LAG_S
from btql_storage.transactions import PREFIX

T = TypeVar("T")
_LISTS_LAG_MS = int(LISTS_LAG_S * 1000)
_A_SECOND = 1 << 16
"""Numbers of one second."""
_TABLES = """
create table xacts (name text primary key, value integer not null) without rowid;
insert into xacts values ('last', 0), ('forgotten', 0);
create table xacts_flying (
    number integer primary key, ends_at integer not null, call text not null
) without rowid;
create table xacts_void (number integer primary key) without rowid;
"""
SCHEMA = Schema("xacts", 1, _TABLES, {})


class SqlRegister:
    """Counts the transactions of one database in tables; safe from several threads."""

    def __init__(self, label: str, connect: Callable[[], Database]) -> None:
        """Connect when something is asked: who only reads asks nothing."""
        self.label = label
        self._connect = connect
        self._guard = Lock()
        self._database: Database | None = None

    def take(self, lease_ms: int) -> int:
        """Hand out a number."""
        call = uuid4().hex
        attempts = count()

        def take(run: Run, now_ms: str) -> int:
            if next(attempts):
                found = run.execute("select number from xacts_flying where call = ?", (call,)).fetchone()
                if found is not None:
                    return cast("int", found[0])
            query = (
                f"with clock (first) as (select cast(? as bigint) + {now_ms} / 1000 * 65536)"  # noqa: S608  our words
                " update xacts set value = case when value < (select first from clock)"
                " then (select first from clock) else value + 1 end where name = 'last' returning value"
            )
            number = _number(run, query, PREFIX)
            query = f"insert into xacts_flying values (?, {now_ms} + cast(? as bigint), ?)"  # noqa: S608  our words
            run.execute(query, (number, lease_ms, call))
            if number % _A_SECOND == 0:
                # Once a second at most.
                query = f"delete from xacts_flying where call = '' and ends_at < {now_ms} - cast(? as bigint)"  # noqa: S608  our words
                run.execute(query, (_LISTS_LAG_MS,))
            return number

        return self._write(take)

    def confirm(self, number: int) -> Fate:
        """Say that the file of a number is there."""

        def confirm(run: Run, now_ms: str) -> Fate:
            _land(run, now_ms, number)
            return _fate(run, number)

        return self._write(confirm)

    def settle(self, number: int, *, void: bool) -> Fate:
        """Say what became of a number."""

        def settle(run: Run, now_ms: str) -> Fate:
            if not void:
                _land(run, now_ms, number)
            elif run.execute("delete from xacts_flying where number = ? and call <> ''", (number,)).rowcount == 1:
                run.execute("insert into xacts_void values (?)", (number,))
                _forget(run, now_ms)
            return _fate(run, number)

        return self._write(settle)

    def flying(self, lease_ms: int) -> Flying:
        """Return what is on its way."""
        last, now, rows = self._flying()
        if any(ends_at > now + lease_ms for _, ends_at, _ in rows):
            self._write(lambda run, now_ms: _shorten(run, now_ms, lease_ms))
            last, now, rows = self._flying()
        flying = [(number, ends_at) for number, ends_at, has_landed in rows if not has_landed]
        overdue = [number for number, ends_at in flying if ends_at <= now]
        oldest = min((number for number, ends_at in flying if ends_at > now), default=None)
        return Flying(last, oldest, sorted(overdue), [number for number, _, has_landed in rows if has_landed])

    def seen(self, number: int) -> None:
        """Take note of a number that is in use."""
        query = "update xacts set value = ? where name = 'last' and value < ?"
        self._write(lambda run, _: run.execute(query, (number, number)))

    def close(self) -> None:
        """Let go of all connections."""
        with self._guard:
            if self._database is not None:
                self._database.close()

    def _flying(self) -> tuple[int, int, list[tuple[int, int, bool]]]:
        """Return the last number, the time, and when the time of each flying number is up; all at one moment.

        With those that have landed, and when that was.
        """
        database = self._opened()
        last, now, rows = database.read(
            lambda _: [
                ("select value from xacts where name = 'last'", ()),
                (f"select {database.now_ms}", ()),
                ("select number, ends_at, call from xacts_flying", ()),
            ]
        )
        return last[0][0], now[0][0], [(number, ends_at, call == "") for number, ends_at, call in rows]

    def _write(self, change: Callable[[Run, str], T]) -> T:
        database = self._opened()
        try:
            with database.writing() as run:
                return change(run, database.now_ms)
        except Unreachable:
            with database.writing() as run:
                return change(run, database.now_ms)

    def _opened(self) -> Database:
        with self._guard:
            if self._database is None:
                self._database = self._connect()
            return self._database


def _land(run: Run, now_ms: str, number: int) -> None:
    """Note that the file of a number is there, if the number flew."""
    query = f"update xacts_flying set ends_at = {now_ms}, call = '' where number = ? and call <> ''"  # noqa: S608  our words
    run.execute(query, (number,))


def _fate(run: Run, number: int) -> Fate:
    """Return what became of a number that does not fly."""
    if run.execute("select 1 from xacts_void where number = ?", (number,)).fetchone() is not None:
        return Fate.VOID
    forgotten = _number(run, "select value from xacts where name = 'forgotten'")
    return Fate.UNKNOWN if number <= forgotten else Fate.READ


def _forget(run: Run, now_ms: str) -> None:
    """Forget voids that are so old that nobody will ask."""
    query = (
        f"select coalesce(max(number), 0) from xacts_void where number / 65536 < cast(? as bigint) + {now_ms} / 1000"  # noqa: S608  our words
    )
    largest = _number(run, query, (PREFIX >> 16) - VOIDS_KEPT_S)
    if largest:
        run.execute("delete from xacts_void where number <= ?", (largest,))
        run.execute("update xacts set value = ? where name = 'forgotten'", (largest,))


def _shorten(run: Run, now_ms: str, lease_ms: int) -> None:
    """Let nothing have more time left than a lease: the clock may have been set back."""
    latest = f"{now_ms} + cast(? as bigint)"
    query = f"update xacts_flying set ends_at = {latest} where ends_at > {latest}"  # noqa: S608  our words
    run.execute(query, (lease_ms, lease_ms))


def _number(run: Run, query: str, *values: int) -> int:
    row = run.execute(query, values).fetchone()
    assert row is not None
    return cast("int", row[0])
