"""The data of the benchmarks beside other systems are what their reports say."""

from __future__ import annotations

import orjson
import pytest
from benchmarks.beside.jsonbench.records import BEGIN_US, TABLE, Collection, check, counted, records, scaled
from benchmarks.beside.search.corpus import documents, planted
from benchmarks.beside.search.searches import SEARCHES

COUNT = 2_000


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return list(records(COUNT))


def test_records_have_the_cardinalities_of_the_table(lines: list[bytes]):
    check(lines, COUNT)


def test_a_million_is_the_table_itself():
    assert scaled(1_000_000) == list(TABLE)
    assert sum(collection.events for collection in TABLE) == 1_000_000


@pytest.mark.parametrize("count", [0, 1, 7, 999, 123_457])
def test_any_number_of_records_can_be_asked_for(count: int):
    table = scaled(count)

    assert sum(collection.events for collection in table) == count
    assert all(c.users <= c.creates <= c.events for c in table)


def test_records_are_in_the_order_of_their_times_and_none_shares_one(lines: list[bytes]):
    times = [orjson.loads(line)["time_us"] for line in lines]

    assert times == sorted(set(times))
    assert times[0] == BEGIN_US


def test_the_same_seed_makes_the_same_records(lines: list[bytes]):
    assert list(records(COUNT)) == lines
    assert list(records(COUNT, seed=8)) != lines


def test_a_check_fails_where_a_user_is_missing(lines: list[bytes]):
    swapped = [line.replace(b'"operation":"create"', b'"operation":"update"') for line in lines[:100]]

    with pytest.raises(AssertionError, match="cardinalities"):
        check(swapped + lines[100:], COUNT)


def test_a_count_looks_at_commits_only():
    found = counted([b'{"did":"a","time_us":5,"kind":"identity"}'])

    assert found.table == [Collection("", 1, 0, 0)]


def test_phrases_are_as_frequent_as_they_are_planted():
    texts = [f" {orjson.loads(line)['input']} " for line in documents(COUNT)]
    for phrase in planted()[:3]:
        together = sum(f" {' '.join(phrase.words)} " in text for text in texts)
        assert max(round(phrase.share * COUNT), 1) <= together <= phrase.share * COUNT * 1.5 + 2
        for word in phrase.words:
            assert sum(f" {word} " in text for text in texts) >= together


def test_every_form_is_searched_for_at_every_frequency():
    assert len(SEARCHES) == 3 * (1 + 5 * 3)
