"""Random questions over values of every kind: the database against the evaluator of the conformance suite.

A question that compares what can never be equal is refused by name, whatever the data is, and proves nothing here.
"""

from __future__ import annotations

import pytest
from support.random_sql import RandomSql

from btql_conformance.cases import ExpectedRows, own_corpus
from btql_conformance.dataset import read_data
from btql_conformance.doors import STATES, Embedded, Failure
from btql_conformance.evaluate import answer
from btql_conformance.rows import difference, plain
from btql_conformance.scope import EvaluationError

NAMES = ("kinds", "calls", "traces", "odd")
SEEDS = range(400)
REFUSED = ("B0301", "B0302", "B0303")


@pytest.fixture(scope="module")
def data():
    return read_data([own_corpus() / "data" / f"{name}.ndjson" for name in NAMES])


@pytest.fixture(scope="module")
def objects(data):
    return data.objects()


@pytest.fixture(scope="module")
def sessions(data):
    opened = [Embedded().open(data, state) for state in STATES]
    yield opened
    for session in opened:
        session.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_answer_is_the_evaluators(sessions, objects, seed):
    question = RandomSql(seed).question()
    found = sessions[seed % len(sessions)].query("sql", question, {})
    if isinstance(found, Failure) and found.code in REFUSED:
        return
    try:
        table = answer(question, objects)
    except EvaluationError as error:
        pytest.skip(str(error))
    rows = tuple({name: plain(value) for name, value in row.items()} for row in table.as_rows())

    assert difference(found, ExpectedRows(rows, table.in_order)) is None, question
