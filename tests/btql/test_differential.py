"""What makes a query faster changes no answer: each rule off, the engine's pushdown, rows in memory, what is kept.

The questions are those of the oracle; half of the spans are in parts, the rest is merged with them from the log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import chain

import pytest
from oracle.model import model_of
from oracle.pair import OBJECT, Corpus
from oracle.queries import PAIRS

import btql
from btql import plans
from btql.database import Database
from btql.execution import in_memory, piece_reader, run, sessions
from btql.generate.stream import generate
from btql_planner.plan import Plan
from btql_planner.rules import OPTIONAL
from btql_storage.part import kept_columns
from btql_storage.store import Storage

SPANS = 2000
SEED = 11


@pytest.fixture(scope="module")
def corpus_and_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Corpus, Database]]:
    lines = list(chain.from_iterable(generate("small", SPANS, SEED)))
    path = tmp_path_factory.mktemp("differential") / "db"
    with btql.connect(path) as conn:
        conn.ingest(OBJECT, lines[: len(lines) // 2])
        conn.compact()
        conn.ingest(OBJECT, lines[len(lines) // 2 :])
    with Storage.open(path) as storage:
        yield Corpus(model_of(lines).newest_first()), Database(storage)


def alike(rows: list[dict[str, object]], ordered: bool) -> list[str]:
    """Rows ready to be compared: in one order, and sums without the last digits that depend on theirs."""
    plain = [
        {name: float(f"{value:.9g}") if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    ]
    texts = list(map(repr, plain))
    return texts if ordered else sorted(texts)


def plan(database: Database, text: str, disabled: Collection[str] = ()) -> Plan:
    compiled = database.compile(text, disabled)
    compiled.sources.close()
    return compiled.rewritten


@pytest.mark.parametrize("name", PAIRS)
def test_rules_do_not_change_the_answer(corpus_and_database: tuple[Corpus, Database], name: str) -> None:
    corpus, database = corpus_and_database
    pair = PAIRS[name]
    text = corpus.fill(pair.btql)
    expected = alike(database.query(text).rows(), pair.in_order)
    asked = plan(database, text)

    for disabled in [*({rule} for rule in sorted(OPTIONAL)), OPTIONAL]:
        if plan(database, text, disabled) == asked:
            continue
        found = alike(database.query(text, disabled).rows(), pair.in_order)
        assert found == expected, f"without {', '.join(sorted(disabled))}"


@pytest.mark.parametrize("name", PAIRS)
def test_pushdown_does_not_change_the_answer(
    corpus_and_database: tuple[Corpus, Database], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, database = corpus_and_database
    pair = PAIRS[name]
    text = corpus.fill(pair.btql)
    expected = alike(database.query(text).rows(), pair.in_order)

    monkeypatch.setattr(run, "sessions", sessions.Sessions())
    monkeypatch.setitem(sessions.SETTINGS, "datafusion.execution.parquet.pushdown_filters", "false")
    monkeypatch.setitem(sessions.SETTINGS, "datafusion.execution.parquet.pruning", "false")

    assert alike(database.query(text).rows(), pair.in_order) == expected


@pytest.mark.parametrize("name", PAIRS)
def test_few_rows_in_memory_do_not_change_the_answer(
    corpus_and_database: tuple[Corpus, Database], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, database = corpus_and_database
    pair = PAIRS[name]
    text = corpus.fill(pair.btql)
    expected = alike(database.query(text).rows(), pair.in_order)

    monkeypatch.setattr(in_memory, "ROWS_MAX", -1)

    assert alike(database.query(text).rows(), pair.in_order) == expected


@pytest.mark.parametrize("name", PAIRS)
def test_columns_that_are_kept_do_not_change_the_answer(
    corpus_and_database: tuple[Corpus, Database], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, database = corpus_and_database
    pair = PAIRS[name]
    text = corpus.fill(pair.btql)
    monkeypatch.setattr(kept_columns, "WANTED_MIN", 1)
    monkeypatch.setattr(kept_columns, "DIFFERENT_MAX", 1)
    monkeypatch.setattr(piece_reader, "CODED_MIN", 0)
    kept = [alike(database.query(text).rows(), pair.in_order) for _ in range(2)]

    monkeypatch.setattr(kept_columns, "WANTED_MIN", 0)

    assert kept == [alike(database.query(text).rows(), pair.in_order)] * 2


@pytest.mark.parametrize("name", PAIRS)
def test_a_plan_that_is_kept_does_not_change_the_answer(
    corpus_and_database: tuple[Corpus, Database], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus, database = corpus_and_database
    pair = PAIRS[name]
    text = corpus.fill(pair.btql)
    kept = [alike(database.query(text).rows(), pair.in_order) for _ in range(2)]

    monkeypatch.setattr(plans, "KEPT_MAX", 0)

    assert kept == [alike(database.query(text).rows(), pair.in_order)] * 2
