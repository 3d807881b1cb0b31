"""Statements that are asked again and again."""

from __future__ import annotations

from threading import Thread

import pytest

import btql
from btql import repeated
from btql_grammar.parser import parse
from btql_planner.options import QueryOptions


@pytest.fixture
def connection(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:demo", [{"id": "a", "input": 1}])
        yield conn


@pytest.fixture
def database(connection):
    return connection._database


def test_a_constant_is_computed_once(database, monkeypatch):
    first = [database.query("select 1, 'a' as x, 1.5 * -2, null") for _ in range(2)]
    assert [list(result.rows()[0].values()) for result in first] == [[1, "a", -3.0, None]] * 2
    assert first[0].schema == first[1].schema
    monkeypatch.setattr("btql.database.run", None)
    assert database.query("select 1, 'a' as x, 1.5 * -2, null").arrow().num_rows == 1
    with pytest.raises(TypeError):
        database.query("select 2")


def test_what_may_change_is_asked_each_time(connection, database):
    texts = ["select now() as t", "select random() as t", "select count(*) as t from project_logs('demo')"]
    for text in texts:
        assert not repeated.has_one_answer(parse(text))
    assert not repeated.has_one_answer(parse("select 'now'::timestamp"))
    assert not repeated.has_one_answer(parse("select interval 1 day"))
    assert not repeated.has_one_answer(parse("select $1"))
    assert not repeated.has_one_answer(parse("select (select 1)"))
    count = "select count(*) as n from project_logs('demo')"
    assert database.query(count).rows() == [{"n": 1}]
    connection.ingest("project_logs:demo", [{"id": "b"}])
    assert database.query(count).rows() == [{"n": 2}]


def test_options_and_values_are_part_of_the_question(database):
    assert database.query("select $1 as x", parameters=[1]).rows() == [{"x": 1}]
    assert database.query("select $1 as x", parameters=[2]).rows() == [{"x": 2}]
    with pytest.raises(btql.QueryError):
        database.query("select 1 as x", parameters=[2])
    assert database.query("select 1 as x", options=QueryOptions(default_limit=0)).rows() == []
    assert database.query("select 1 as x").rows() == [{"x": 1}]


def test_no_more_are_kept_than_a_few(database, monkeypatch):
    monkeypatch.setattr(database._kept._answers, "_entries_max", 3)
    threads = [Thread(target=lambda n=n: [database.query(f"select {n}") for _ in range(2)]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(database._kept._answers) <= 3
    long = f"select '{'x' * 3000}' as x"
    assert len(database.query(long).rows()[0]["x"]) == 3000
    assert database._kept._answers.get((long, None)) is None
