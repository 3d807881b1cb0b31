"""The database against plain Python: every question in both languages, in three states of the storage.

The same 5,000 generated spans are stored three times: all of it still in the log, the
first half in parts and the rest merged with it from the log, and all of it in parts.
What is right is worked out from the events by ``oracle``, which shares no code with the database.
"""

from __future__ import annotations

from itertools import chain

import pytest
from oracle.model import model_of
from oracle.pair import OBJECT, Corpus
from oracle.queries import PAIRS

import btql
from btql.generate.stream import generate

SPANS = 5000
SEED = 7
STATES = ("before compaction", "half-way", "compacted")
EVENTS_PER_REQUEST = 2000
EMPTY = {"groups of nothing", "MATCH nothing", "LIKE is exact about case", "MATCH whole words only"}


@pytest.fixture(scope="module")
def lines():
    return list(chain.from_iterable(generate("small", SPANS, SEED)))


@pytest.fixture(scope="module")
def corpus(lines):
    return Corpus(model_of(lines).newest_first())


@pytest.fixture(scope="module", params=STATES)
def state(request):
    return request.param


@pytest.fixture(scope="module")
def connection(state, lines, tmp_path_factory):
    compact_after = {"before compaction": 0, "half-way": len(lines) // 2, "compacted": len(lines)}[state]
    with btql.connect(tmp_path_factory.mktemp("database")) as connection:
        for part in (lines[:compact_after], lines[compact_after:]):
            for start in range(0, len(part), EVENTS_PER_REQUEST):
                connection.ingest(OBJECT, part[start : start + EVENTS_PER_REQUEST])
            if part and part[-1] is lines[compact_after - 1]:
                connection.compact()
        yield connection


@pytest.mark.parametrize("name", PAIRS)
def test_the_answer_is_right(state, connection, corpus, name):
    pair = PAIRS[name]
    # In both languages where data are in both places; in one of them before, and in the other one after.
    places = (0, 1) if state == "half-way" else ((list(PAIRS).index(name) + (state == "compacted")) % 2,)
    for place in places:
        found = connection.query(corpus.fill((pair.btql, pair.sql)[place])).rows()

        assert pair.compare(corpus, found) is None, ("BTQL", "SQL")[place]


@pytest.mark.parametrize("name", PAIRS)
def test_the_question_is_telling(corpus, name):
    """An empty answer proves little; few questions are meant to have one."""
    pair = PAIRS[name]
    if pair.check is None:
        assert bool(corpus.answer(pair)) != (name in EMPTY)
