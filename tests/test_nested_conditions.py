"""Random conditions inside conditions, as values: the database against the evaluator of the conformance suite.

A condition is a value that may be null, and may stand on either side of any operator. Where a piece of the engine's
SQL binds otherwise than the question does, or takes null for false, an answer here differs.
"""

from __future__ import annotations

from random import Random

import pytest

from btql_conformance.cases import ExpectedRows, own_corpus
from btql_conformance.dataset import read_data
from btql_conformance.doors import Embedded, Failure
from btql_conformance.evaluate import answer
from btql_conformance.rows import difference, plain

PATHS = ("metadata.v", "metadata.nowhere", "input", "metadata.v.a", "tags", "id", "root_span_id", "metadata")
LITERALS = ("1", "0.5", "'a'", "'1'", "true", "false", "''")
REFUSED = ("B0301", "B0302", "B0303")
SEEDS = range(200)


class Conditions:
    """Conditions of SQL, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._dice = Random(seed)

    def condition(self, depth: int) -> str:
        one = self._value(depth)
        match self._dice.randrange(10):
            case 0 | 1:
                return f"({one} {self._dice.choice(('=', '!=', '<', '>='))} {self._value(depth)})"
            case 2 | 3:
                word = self._dice.choice(("IS DISTINCT FROM", "IS NOT DISTINCT FROM"))
                return f"({one} {word} {self._value(depth)})"
            case 4:
                return f"({one} IS {self._dice.choice(('', 'NOT '))}NULL)"
            case 5:
                items = ", ".join(f"'{letter}'" for letter in "abcdefghi"[: self._dice.choice((2, 9))])
                return f"({one} {self._dice.choice(('', 'NOT '))}IN ({items}))"
            case 6:
                return f"({one} BETWEEN {self._value(0)} AND {self._value(0)})"
            case 7:
                word = self._dice.choice(("LIKE", "ILIKE", "NOT LIKE"))
                return f"({self._dice.choice(PATHS)} {word} '{self._dice.choice(('%a%', '_', '[%', '%'))}')"
            case 8:
                inside = self._dice.choice(
                    ("@> '{\"v\": 1}'", '@> \'{"v": {"a": []}}\'', "? 'v'", "?| ARRAY['v', 'a']")
                )
                return f"(metadata{self._dice.choice(('', '.v', '.nowhere'))} {inside})"
            case _:
                word = self._dice.choice(("AND", "OR"))
                return f"(NOT {self._boolean(depth)} {word} {self._boolean(depth)})"

    def _boolean(self, depth: int) -> str:
        return self.condition(depth - 1) if depth else f"({self._dice.choice(PATHS)} IS NULL)"

    def _value(self, depth: int) -> str:
        if depth and self._dice.random() < 0.6:
            return self._boolean(depth)
        return self._dice.choice(PATHS if self._dice.random() < 0.8 else LITERALS)


@pytest.fixture(scope="module")
def data():
    return read_data([own_corpus() / "data" / "kinds.ndjson"])


@pytest.fixture(scope="module")
def session(data):
    opened = Embedded().open(data, "half")
    yield opened
    opened.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_value_and_the_rows_are_the_evaluators(session, data, seed):
    written = Conditions(seed).condition(3)
    for question in (
        f"SELECT id, {written} AS v FROM project_logs('kinds')",
        f"SELECT id FROM project_logs('kinds') WHERE {written}",
    ):
        found = session.query("sql", question, {})
        if isinstance(found, Failure) and found.code in REFUSED:
            continue
        table = answer(question, data.objects())
        rows = tuple({name: plain(value) for name, value in row.items()} for row in table.as_rows())

        assert difference(found, ExpectedRows(rows, table.in_order)) is None, question


def test_few_conditions_are_refused(session):
    found = [
        session.query("sql", f"SELECT {Conditions(seed).condition(3)} AS v FROM project_logs('kinds')", {})
        for seed in SEEDS
    ]

    assert sum(isinstance(each, Failure) for each in found) < len(SEEDS) / 2
