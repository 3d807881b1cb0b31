"""Plans that are kept: used again where nothing they depend on has changed, and nowhere else."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import btql
from btql import plans
from btql.database import Database
from btql.errors import QueryError
from btql.execution.directory import Everything
from btql.explain import explained
from btql_planner.options import QueryOptions
from btql_planner.prices import Price
from btql_planner.rules import OPTIONAL
from btql_storage.catalog import ObjectInfo

LOGS = "project_logs('demo')"
ANY = f"select: * | from: {LOGS} | filter: metadata.kind = 'odd'"


@pytest.fixture
def conn(tmp_path: Path) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path / "db") as conn:
        events = [{"id": f"r{n}", "metadata": {"kind": "odd" if n % 2 else "even", "n": n}} for n in range(6)]
        conn.ingest("project_logs:demo", events)
        yield conn


@pytest.fixture
def database(conn: btql.Connection) -> Database:
    return conn._database


def is_kept(database: Database, query: str, parameters: object = None, **options: object) -> bool | None:
    asked = QueryOptions(lint="off", **options) if options else None  # type: ignore[arg-type]
    compiled = database.compile(query, options=asked, parameters=parameters)  # type: ignore[arg-type]
    compiled.sources.close()
    return compiled.plan_was_kept


def ids(conn: btql.Connection, query: str) -> list[str]:
    return sorted(str(row["id"]) for row in conn.query(query).rows())


def test_a_plan_is_made_once(database: Database) -> None:
    first, second = database.compile(ANY), database.compile(ANY)
    assert (first.plan_was_kept, second.plan_was_kept) == (False, True)
    assert second.rewritten is first.rewritten
    assert second.sources is not first.sources


def test_what_matters_to_no_field_of_the_plan_is_no_reason_for_another(conn: btql.Connection) -> None:
    assert ids(conn, ANY) == ["r1", "r3", "r5"]
    conn.ingest("project_logs:demo", [{"id": "r7", "metadata": {"kind": "odd", "n": 7}}])
    assert is_kept(conn._database, ANY)
    assert ids(conn, ANY) == ["r1", "r3", "r5", "r7"]
    conn.compact()
    assert ids(conn, ANY) == ["r1", "r3", "r5", "r7"]


@pytest.mark.parametrize(
    "event",
    [
        {"id": "new", "metadata": {"kind": 5}},
        {"id": "new", "metadata": {"kind": ["odd"]}},
        {"id": "new", "a_field_of_its_own": 1},
    ],
)
def test_new_kinds_and_fields_need_another_plan(conn: btql.Connection, event: dict[str, object]) -> None:
    assert len(conn.query(ANY).rows()) == 3
    assert is_kept(conn._database, ANY)
    conn.ingest("project_logs:demo", [event])
    assert is_kept(conn._database, ANY) is False
    everything = conn.query(f"select: * | from: {LOGS}").rows()
    assert next(row for row in everything if row["id"] == "new").keys() >= event.keys()


def test_a_name_that_nobody_had_is_found_once_somebody_has_it(conn: btql.Connection) -> None:
    query = f"SELECT id FROM {LOGS} WHERE colour = 'red'"
    assert (ids(conn, query), conn.query(query).warnings != []) == ([], True)
    conn.ingest("project_logs:demo", [{"id": "red", "metadata": {"colour": "red"}}])
    assert (ids(conn, query), conn.query(query).warnings) == (["red"], [])


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT id, now() AS n FROM {LOGS}",
        f"SELECT id FROM {LOGS} WHERE created > current_timestamp - interval '1 day'",
        f"SELECT id FROM {LOGS} WHERE created > current_date",
        f"SELECT id FROM {LOGS} WHERE id IN (SELECT id FROM {LOGS} WHERE created < now())",
        f"select: * | from: {LOGS} | sample: 2",
        f"select: * | from: {LOGS} traces | sample: 50%",
    ],
)
def test_what_depends_on_the_moment_is_planned_each_time(database: Database, query: str) -> None:
    assert [is_kept(database, query) for _ in range(3)] == [False] * 3


@pytest.mark.parametrize(
    "query",
    [
        f"select: estimated_cost() as c | from: {LOGS}",
        f"select: * | from: {LOGS} summary | limit: 3",
        f"SELECT sum(estimated_cost()) AS c FROM {LOGS}",
    ],
)
def test_prices_that_are_the_same_are_no_reason_for_another(database: Database, query: str) -> None:
    assert [is_kept(database, query) for _ in range(3)] == [False, True, True]


def test_a_price_that_is_another_needs_another_plan(tmp_path: Path) -> None:
    prices = {"odd": Price(1.0, 0.0)}
    cost, count = f"SELECT sum(estimated_cost()) AS n FROM {LOGS}", f"SELECT count(1) AS n FROM {LOGS}"
    with btql.connect(tmp_path / "db", background=False) as conn:
        event = {"id": "a", "metadata": {"model": "odd"}, "metrics": {"prompt_tokens": 1_000_000}}
        conn.ingest("project_logs:demo", [event])
        database = Database(conn._database.storage, lambda: dict(prices))
        assert [is_kept(database, each) for each in (cost, count, cost, count)] == [False, False, True, True]
        assert database.query(cost).rows() == [{"n": 1.0}]
        prices["odd"] = Price(2.0, 0.0)
        assert database.query(cost).rows() == [{"n": 2.0}]
        assert [is_kept(database, each) for each in (cost, count)] == [True, True]


def test_a_sample_with_a_seed_is_the_same_each_time(database: Database) -> None:
    query = f"select: * | from: {LOGS} | sample: 2 seed 7"
    assert [is_kept(database, query) for _ in range(2)] == [False, True]


def test_the_present_goes_on(conn: btql.Connection) -> None:
    first, second = (conn.query(f"SELECT now() AS n FROM {LOGS} LIMIT 1").rows()[0]["n"] for _ in range(2))
    assert first < second  # type: ignore[operator]


def test_options_rules_and_values_are_part_of_the_question(database: Database) -> None:
    query = f"SELECT id FROM {LOGS} WHERE metadata.n = ?"
    instant = datetime(2026, 11, 1, tzinfo=UTC)
    values: list[object] = [
        1,
        1.0,
        True,
        "1",
        None,
        -0.0,
        0.0,
        instant,
        instant.astimezone(timezone(timedelta(hours=1))),
    ]
    assert not any(is_kept(database, query, [value]) for value in values)
    assert all(is_kept(database, query, [value]) for value in values)
    assert is_kept(database, query.replace("?", ":n"), {"n": 1}) is False
    assert is_kept(database, query, [[1]]) is None

    assert [is_kept(database, ANY, **options) for options in ({}, {"tz_offset": 60}, {"default_limit": 2})] == [
        False
    ] * 3
    assert [is_kept(database, ANY, **options) for options in ({}, {"tz_offset": 60}, {"default_limit": 2})] == [
        True
    ] * 3
    compiled = database.compile(ANY, OPTIONAL)
    compiled.sources.close()
    assert compiled.plan_was_kept is False


def test_a_kept_plan_says_what_a_new_one_does(conn: btql.Connection) -> None:
    query = f"SELECT id, nowhere FROM {LOGS} LIMIT 900"
    for _ in range(2):
        result = conn._database.query(query, options=QueryOptions(lint="default", limit_max=2))
        assert (len(result.rows()), len(result.warnings), len(result.lints)) == (2, 2, 1)
        with pytest.raises(QueryError, match="strict lint"):
            conn._database.query(query, options=QueryOptions(lint="strict"))


class _Renamed(Everything):
    """Everything, but objects say that they are of another project."""

    def constants(self, target: ObjectInfo) -> Mapping[str, str | None]:
        return {**super().constants(target), "project_id": "another"}


class _Nothing(Everything):
    """As somebody sees it who may read nothing."""

    def find(self, kind: str, name: str) -> tuple[ObjectInfo, ...]:
        return ()


def test_who_may_not_read_an_object_gets_no_plan_of_it(database: Database) -> None:
    assert len(database.query(ANY).rows()) == 3
    with pytest.raises(QueryError, match="no project_logs called"):
        database.for_one(directory=_Nothing(database.storage)).query(ANY)
    assert is_kept(database, ANY)


def test_what_an_object_is_called_is_asked_each_time(database: Database) -> None:
    query = f"SELECT project_id FROM {LOGS} LIMIT 1"
    other = database.for_one(directory=_Renamed(database.storage))
    for _ in range(2):
        assert database.query(query).rows() == [{"project_id": "demo"}]
        assert other.query(query).rows() == [{"project_id": "another"}]


def test_a_bare_name_may_mean_something_else(conn: btql.Connection) -> None:
    query = "SELECT id FROM demo"
    assert len(conn.query(query).rows()) == 6
    assert is_kept(conn._database, query)
    conn.ingest("dataset:demo", [{"id": "other"}])
    with pytest.raises(QueryError, match="ambiguous"):
        conn.query(query)


def test_an_object_that_is_gone_is_gone(conn: btql.Connection) -> None:
    assert len(conn.query(ANY).rows()) == 3
    conn._database.storage.retention.delete_object(conn._database.storage.object("project_logs", "demo"))
    with pytest.raises(QueryError, match="no project_logs called"):
        conn.query(ANY)


def test_no_more_are_kept_than_a_few(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database._plans._kept, "_entries_max", 3)
    for number in range(5):
        is_kept(database, f"SELECT id FROM {LOGS} WHERE metadata.n = {number}")
    assert len(database._plans) == 3
    assert database.storage.cache.sizes["plans"] > 0
    assert is_kept(database, f"SELECT id FROM {LOGS} WHERE metadata.n = 4")
    assert not is_kept(database, f"SELECT id FROM {LOGS} WHERE metadata.n = 0")


def test_they_make_room_for_other_caches(database: Database) -> None:
    is_kept(database, ANY)
    budget = database.storage.cache
    budget.used("others", 1, budget.bytes_max, lambda: None)
    assert (len(database._plans), budget.sizes["plans"]) == (0, 0)
    assert is_kept(database, ANY) is False


@pytest.mark.parametrize(
    "query",
    [
        ANY,
        "SELECT id FROM demo",
        f"select: id, metrics.duration | from: {LOGS} traces | filter: any_span(metadata.n = 3)",
        f"dimensions: k, metadata.kind | measures: avg(v) as a | from: {LOGS} | unpivot: scores as (k, v)",
        f"select: id, metrics.estimated_cost | from: {LOGS} summary",
        f"SELECT (SELECT max(b.id) FROM {LOGS} b WHERE b.id = a.id) m FROM {LOGS} a, {LOGS} c WHERE a.id = c.id",
    ],
)
def test_a_kept_plan_holds_no_snapshot(database: Database, query: str) -> None:
    compiled = database.compile(query)
    compiled.sources.close()
    sources = weakref.ref(compiled.sources)
    del compiled
    gc.collect()
    assert sources() is None
    assert len(database._plans) == 1


def test_none_are_kept_where_that_is_switched_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "KEPT_MAX", 0)
    assert [is_kept(database, ANY) for _ in range(2)] == [None, None]


def test_explain_tells(database: Database) -> None:
    found = [explained(database, ANY, analyze=True).caches for _ in range(2)]
    assert [[(each.hits, each.misses) for each in caches if each.name == "plans"] for caches in found] == [
        [(0, 1)],
        [(1, 0)],
    ]
