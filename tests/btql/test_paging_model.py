"""Pages of every shape and order that has a cursor, against plain Python, while rows come, change, move and go."""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import btql
from btql.execution import first_rows, first_traces
from btql_planner.clauses.cursor import key_number

Row = Mapping[str, object]
OBJECT = "project_logs:demo"
FILTERS: Mapping[str, Callable[[Row], bool]] = {
    "": lambda _: True,
    "n < 5": lambda row: isinstance(n := row.get("n"), int) and n < 5,
    "is_root": lambda row: bool(row["is_root"]),
    "input match 'apple'": lambda row: "apple" in str(row.get("input")).split(),
    "is_root and n < 5": lambda row: bool(row["is_root"]) and isinstance(n := row.get("n"), int) and n < 5,
}


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path / "db") as connection:
        yield connection


@pytest.fixture(autouse=True)
def stop_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows are looked at first, so that these few are more."""
    for name in ("GUESS", "GUESS_MIN", "DOCUMENTS_GUESS", "DOCUMENTS_GUESS_MIN", "WHOLE_MAX"):
        monkeypatch.setattr(first_rows, name, 1)
    for name in ("GUESS", "GUESS_MIN"):
        monkeypatch.setattr(first_traces, name, 1)


def key(row: Row) -> int:
    return key_number(str(row["_pagination_key"]))


@dataclass
class Walk:
    """Somebody who goes through the pages of a query."""

    shape: str
    sort: str
    filter: str
    limit: int
    offset: int
    token: str | None = None
    last: tuple[int, ...] | None = None
    """The place of the last row of the page before, by the numbers that rows are in the order of."""
    newest: int | None = None
    found: list[object] = field(default_factory=list[object])

    @classmethod
    def drawn(cls, rng: random.Random) -> Walk:
        shape = rng.choice(["spans", "traces", "summary"])
        sorts = ["", "_pagination_key desc", "_pagination_key asc"]
        sorts += ["_xact_id desc", "_xact_id asc"] if shape == "spans" else []
        return cls(shape, rng.choice(sorts), rng.choice(list(FILTERS)), rng.randrange(1, 6), rng.choice([0, 0, 1, 2]))

    @property
    def name(self) -> str:
        """What the walk tells rows apart by."""
        return "root_span_id" if self.shape == "summary" else "id"

    @property
    def text(self) -> str:
        clauses = [f"select: {self.name}", f"from: project_logs('demo') {self.shape}", f"limit: {self.limit}"]
        clauses += [f"filter: {self.filter}"] * bool(self.filter) + [f"sort: {self.sort}"] * bool(self.sort)
        return " | ".join([*clauses, *[f"offset: {self.offset}"] * bool(self.offset)])

    def step(self, conn: btql.Connection) -> bool:
        """Look at a page, which has to be the right one; return whether there are more."""
        rows = conn.query("select: * | from: project_logs('demo')").rows()
        expected = self.page(rows)
        result = conn.query(self.text, cursor=self.token)
        found = [row[self.name] for row in result.rows()]
        assert found == expected, (self, rows)
        assert (result.cursor is None) == (not found)
        self.token = result.cursor
        self.found += found
        return bool(found)

    def page(self, rows: list[dict[str, object]]) -> list[object]:
        """Return what the next page has; go behind it."""
        passes, sign = FILTERS[self.filter], 1 if self.sort.endswith("asc") else -1
        traces: dict[object, list[dict[str, object]]] = defaultdict(list)
        for row in rows:
            traces[row["root_span_id"]].append(row)
        if self.shape == "traces":
            whole = [trace for trace in traces.values() if any(map(passes, trace))]
            return self._traces(whole, sign)
        if self.shape == "summary":
            whole = [trace for trace in traces.values() if any(map(passes, trace))]
            rows = [min(each, key=lambda row: (not row["is_root"], str(row["created"]), key(row))) for each in whole]
        else:
            rows = [row for row in rows if passes(row)]
        places = {self._place(row, sign): row for row in rows}
        mine = self._cut(sorted(places))
        return [places[place][self.name] for place in mine]

    def _place(self, row: Row, sign: int) -> tuple[int, ...]:
        # Of one transaction the newest rows come first, whichever way transactions go.
        return (sign * int(str(row["_xact_id"])), -key(row)) if "_xact_id" in self.sort else (sign * key(row),)

    def _traces(self, traces: list[list[dict[str, object]]], sign: int) -> list[object]:
        newest = self.newest
        if sign < 0 and newest is None:
            newest = max((key(row) for trace in traces for row in trace), default=None)
        places: dict[tuple[int, ...], list[dict[str, object]]] = {}
        for trace in traces:
            keys = [sign * key(row) for row in trace if sign > 0 or newest is None or key(row) <= newest]
            if keys:
                places[(min(keys),)] = trace
        mine = self._cut(sorted(places))
        self.newest = newest if mine else None
        spans = [row for place in mine for row in places[place]]
        return [row["id"] for row in sorted(spans, key=lambda row: sign * key(row))]

    def _cut(self, places: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
        rest = [place for place in places if self.last is None or place > self.last]
        mine = rest[self.offset : self.offset + self.limit]
        self.last = mine[-1] if mine else self.last
        return mine


class Writer:
    """Writes at random; rows whose ids begin with ``still``, and their traces, are left alone."""

    def __init__(self, conn: btql.Connection, rng: random.Random) -> None:
        self.conn, self.rng, self.made = conn, rng, 0
        for _ in range(5):
            self.insert()
        still = [self.event() | {"id": f"still{n}", "root_span_id": f"still{n // 2}"} for n in range(12)]
        for n in range(0, 12, 3):
            self.conn.ingest(OBJECT, still[n : n + 3])
            self.insert()

    def event(self) -> dict[str, object]:
        self.made += 1
        event: dict[str, object] = {"id": f"s{self.made}", "root_span_id": f"t{self.rng.randrange(10)}"} | self.fields()
        if self.rng.random() < 0.6:
            event["span_parents"] = ["p"]
        if self.rng.random() < 0.8:
            event["created"] = f"2024-01-0{self.rng.randrange(1, 10)}T00:00:00Z"
        return event

    def fields(self) -> dict[str, object]:
        return {"n": self.rng.randrange(10), "input": self.rng.choice(["apple pie", "pear", "an apple"])}

    def write(self) -> None:
        self.rng.choice([self.insert, self.insert, self.merge, self.replace, self.delete, self.update, self.compact])()

    def insert(self) -> None:
        self.conn.ingest(OBJECT, [self.event() for _ in range(self.rng.randrange(1, 6))])

    def some(self) -> str:
        return f"s{self.rng.randrange(1, self.made + 1)}"

    def merge(self) -> None:
        self.conn.ingest(OBJECT, [{"id": self.some(), "_is_merge": True} | self.fields() for _ in range(3)])

    def replace(self) -> None:
        self.conn.ingest(OBJECT, [self.event() | {"id": self.some()}])

    def delete(self) -> None:
        self.conn.ingest(OBJECT, [{"id": self.some(), "_object_delete": True} for _ in range(3)])

    def update(self) -> None:
        where = f"n = {self.rng.randrange(10)} AND NOT starts_with(id, 'still')"
        self.conn.query(f"UPDATE project_logs('demo') SET n = {self.rng.randrange(10)} WHERE {where}").rows()

    def compact(self) -> None:
        self.conn.compact()


@pytest.mark.parametrize("seed", range(6))
def test_pages_are_those_of_the_model(conn: btql.Connection, seed: int) -> None:
    rng = random.Random(seed)
    writer = Writer(conn, rng)
    walks = [Walk.drawn(rng) for _ in range(5)]
    for _ in range(40):
        if rng.random() < 0.5:
            writer.write()
        place = rng.randrange(len(walks))
        if not walks[place].step(conn):
            walks[place] = Walk.drawn(rng)


@pytest.mark.parametrize(
    ("shape", "sort"),
    [
        *itertools.product(["spans", "traces", "summary"], ["_pagination_key desc", "_pagination_key asc"]),
        *itertools.product(["spans"], ["_xact_id desc", "_xact_id asc"]),
    ],
)
def test_what_is_left_alone_comes_once_and_in_order(conn: btql.Connection, shape: str, sort: str) -> None:
    writer = Writer(conn, random.Random(7))
    everything = Walk(shape, sort, "", 10_000, 0).page(conn.query("select: * | from: project_logs('demo')").rows())
    walk = Walk(shape, sort, "", 3, 0)
    for _ in range(60):
        writer.write()
        if not walk.step(conn):
            break

    def still(found: list[object]) -> list[object]:
        return [each for each in found if str(each).startswith("still")]

    assert still(walk.found) == still(everything)
