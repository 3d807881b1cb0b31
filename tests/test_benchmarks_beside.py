"""What compares answers and writes reports for the benchmarks beside other systems, without the systems.

SQLite is always there: on a few spans its answers must be btql's, question by question.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from benchmarks.beside import growth
from benchmarks.beside.chart import dots
from benchmarks.beside.comparison import wrong
from benchmarks.beside.figures import Figures, Loaded, Times
from benchmarks.beside.question import Plain, Question
from benchmarks.beside.recipe import Pages
from benchmarks.beside.report import page
from benchmarks.beside.runner import Budget
from benchmarks.beside.spans.questions import QUESTIONS
from benchmarks.beside.spans.recipes import in_btql, in_chdb, in_duckdb, in_postgres, in_sqlite
from benchmarks.beside.spans.suite import SUITE
from benchmarks.beside.suite import Wanted

RECIPES = {
    "btql": in_btql.RECIPE,
    "chDB": in_chdb.RECIPE,
    "DuckDB": in_duckdb.JSON,
    "DuckDB VARIANT": in_duckdb.VARIANT,
    "PostgreSQL": in_postgres.RECIPE,
    "SQLite": in_sqlite.RECIPE,
}
NEWEST = Question("newest", {"id": "text", "created": "time"}, "created")
NUMBERS = Question("numbers", {"name": "text", "mean": "number"})
DOCUMENTS = Question("documents", {"doc": "json", "paths": "paths"})


@pytest.mark.parametrize(
    ("question", "expected", "found", "difference"),
    [
        (NUMBERS, [("a", 1), ("b", 2.0)], [("b", "2"), ("a", 1.0000001)], ""),
        (NUMBERS, [("a", 1)], [("a", 1.001)], "1 of 1 rows differ, the first in mean 1.001 instead of 1.0"),
        (NUMBERS, [("a", None)], [("a", float("nan"))], ""),
        (NUMBERS, [("a", 1)], [("a", 1), ("a", 1)], "2 rows instead of 1"),
        (NUMBERS, [("a", 1), ("a", 1), ("b", 1)], [("a", 1), ("b", 1), ("b", 1)], "1 of 3 rows differ"),
        (NUMBERS, [(None, 1)], [("None", 1)], "name 'None' instead of None"),
        # In the middle rows with the same time come in any order; at the end any of them are right.
        (NEWEST, [("a", 3), ("b", 2), ("c", 2), ("d", 1)], [("a", 3), ("c", 2), ("b", 2), ("e", 1)], ""),
        (NEWEST, [("a", 3), ("b", 2), ("d", 1)], [("a", 3), ("c", 2), ("d", 1)], "id 'c' instead of 'b'"),
        (NEWEST, [("a", 3), ("b", 2)], [("b", 2), ("a", 3)], "row 0 has created"),
        (NEWEST, [("a", "2026-11-01T00:00:00.250Z")], [("a", 1793491200250)], ""),
        (DOCUMENTS, [('{"a":1,"b":[1.0]}', None)], [('{"b": [1], "a": 1.0}', "")], ""),
        (DOCUMENTS, [('{"a":null}', None)], [("{}", None)], "1 of 1 rows differ"),
        (DOCUMENTS, [('"text"', None)], [("text", None)], ""),
        (DOCUMENTS, [(None, '{"a.b":1,"c":null,"d":{}}')], [("null", '{"a":{"b":1}}')], ""),
        (DOCUMENTS, [(None, '{"a":18446744073709551863}')], [(None, '{"a":"18446744073709551863"}')], ""),
        (DOCUMENTS, [(None, '{"a":1}')], [(None, '{"a":2}')], "the first in paths"),
    ],
)
def test_answers_are_the_same_where_they_say_the_same(question, expected, found, difference):
    told = question.difference(question.plain(expected), question.plain(found))

    assert (difference in told) if difference else (told == "")


def test_right_is_what_most_systems_answer():
    one: list[Plain] = [("a", 1.0)]
    other: list[Plain] = [("a", 2.0)]

    assert wrong(NUMBERS, {"x": other, "y": one, "z": one}).keys() == {"x"}
    assert wrong(NUMBERS, {"x": one, "y": other}).keys() == {"x", "y"}
    assert wrong(NUMBERS, {"x": one}) == {}
    assert wrong(NUMBERS, {}) == {}


def test_slow_systems_get_fewer_rounds():
    budget = Budget(rounds=7, patience=20)

    assert [budget.rounds_at(seconds) for seconds in (0.001, 2.0, 4.0, 8.0, 50.0)] == [7, 7, 5, 3, 1]


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_answer_the_questions_of_the_suite(name):
    known = {"span", "session", "user", "from", "to", "trace_10", "trace_1000", "trace_10000"}
    texts = RECIPES[name].texts

    assert texts.keys() == {question.name for question in QUESTIONS}
    for text in texts.values():
        words = text.text if isinstance(text, Pages) else text
        assert set(re.findall(r"\{(\w+)\}", words)) - {"after"} <= known


def test_sqlite_answers_as_btql_does(tmp_path: Path):
    wanted = Wanted(200, "small", 7)
    (tmp_path / "data").mkdir()
    inputs = SUITE.make(tmp_path / "data", wanted)
    systems = [SUITE.systems[name](tmp_path / name) for name in ("btql", "SQLite")]
    systems[0].folder.mkdir()
    systems[0].load(inputs, "")
    data = SUITE.finish(tmp_path / "data", wanted, inputs, systems[0].folder)
    systems[1].folder.mkdir()
    systems[1].load(data.inputs, "")
    for system in systems:
        system.open("")

    differences = {}
    for question in QUESTIONS:
        answers = [
            question.plain(system.rows(system.ask(question.name, data.parameters), list(question.columns)))
            for system in systems
        ]
        if told := question.difference(*answers):
            differences[question.name] = told
    steps = [systems[0].steps(question.name, data.parameters) for question in QUESTIONS]
    for system in systems:
        system.close()

    assert differences == {}
    assert [each for each in steps if not {"compile", "open", "answer"} <= each.keys() or each["compile"] <= 0] == []


def test_a_report_has_every_figure_and_says_what_failed():
    figures = _figures(1_000)

    text = page(figures, SUITE, "picture.svg")

    assert "| one span | **2.00** <sub>1.00-3.00</sub> | 4.00 <sub>4.00-4.00</sub> | ✗ | 0.50 | chDB |" in text
    assert "| btql | 2.0 | 500 | 1 | 50% |" in text
    assert "- one span, SQLite: another answer: 2 rows instead of 1" in text
    assert "- DuckDB: not here" in text


def test_a_report_says_where_time_goes_where_somebody_is_ahead():
    ahead, behind = _figures(1_000), _figures(1_000)
    for figures in (ahead, behind):
        figures.steps["one span"] = {"compile": 0.001, "open": 0.0002, "newest": 0.003, "answer": 0.004}
    behind.times["one span"]["chDB"] = Times(warm=[0.001], rows=1)

    assert "Where btql's time goes" not in page(ahead, SUITE, "picture.svg")
    assert "| one span | 1.00 | 0.20 | newest 3.00, answer 4.00 |" in page(behind, SUITE, "picture.svg")


def test_pictures_are_well_formed():
    dotted = dots("A & B", {"<one>": {"btql": 0.001, "chDB": 12.0}}, ["btql", "chDB"])
    lined = growth.picture({1_000: _figures(1_000), 10_000: _figures(10_000)}, SUITE)

    assert len(ET.fromstring(dotted).findall("{*}circle")) == 4
    assert len(ET.fromstring(lined).findall("{*}polyline")) == 1
    assert "| one span | 2.00 | 2.00 | 1.00 |" in growth.page({1: _figures(1), 2: _figures(2)}, SUITE, "growth")


def _figures(rows: int) -> Figures:
    return Figures(
        suite="spans",
        systems={"btql": "1", "chDB": "2", "SQLite": "3"},
        absent={"DuckDB": "not here"},
        about={"rows": rows, "bytes of rows": 2_000_000},
        parameters={},
        loaded=dict.fromkeys(("btql", "chDB", "SQLite"), Loaded(2.0, 1_000_000)),
        times={
            "one span": {
                "btql": Times(warm=[0.001, 0.002, 0.003], rows=1),
                "chDB": Times(warm=[0.004, 0.004, 0.004], rows=1),
                "SQLite": Times(warm=[0.001], failed="another answer: 2 rows instead of 1"),
            }
        },
    )
