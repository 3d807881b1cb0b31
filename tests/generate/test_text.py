"""What the generated texts hold: several scripts, Zipf's law, and planted words as often as documented."""

from __future__ import annotations

import json
import re
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from btql.generate.dice import Dice
from btql.generate.planted import INPUTS, OUTPUTS, RESERVED_WORDS
from btql.generate.stream import generate
from btql.generate.vocabulary import pools

SPANS = 20_000
SCRIPTS = {
    "latin": "[a-z]{4}",
    "accents": "é|ö",
    "han": "[\u4e00-\u9fff]",
    "kana": "[\u3040-\u30ff]",
    "hangul": "[\uac00-\ud7a3]",
    "arabic": "[\u0600-\u06ff]{2}",
    "cyrillic": "[\u0430-\u044f]{2}",
    "emoji": "🚀|🤖",
}


@cache
def texts(field: str) -> list[str]:
    """The JSON text of the field, one for each span."""
    lines = (line for batch in generate("small", SPANS, 11) for line in batch)
    return [json.dumps(event[field], ensure_ascii=False) for line in lines if field in (event := json.loads(line))]


@pytest.mark.parametrize(
    ("field", "planted"), [*(("input", text) for text in INPUTS), *(("output", text) for text in OUTPUTS)]
)
def test_planted_texts_are_as_frequent_as_documented(field, planted):
    spelling = planted.spellings[0].casefold()
    found = sum(spelling in re.sub(r"  +", " ", text.casefold()) for text in texts(field))
    expected = SPANS / planted.one_in
    if planted.spellings == ("rainbow",):
        expected += 2 * SPANS / 1000  # The two phrases have the word as well.

    # Four standard deviations of a Poisson distribution.
    assert abs(found - expected) <= 4 * expected**0.5 + 1


def test_the_vocabulary_has_no_planted_word():
    for pool in pools():
        text = pool.data.decode()
        for word in RESERVED_WORDS:
            assert word not in text


def test_words_follow_zipf():
    words = Counter(re.findall(r"[^\W\d_]+", pools()[0].data.decode().replace("\\n", " ")))
    ranked = [count for _, count in words.most_common()]

    assert len(ranked) > 20_000
    assert 0.02 < ranked[0] / sum(ranked) < 0.08
    # A tenth of the rank, ten times the frequency.
    assert 6 < ranked[100] / ranked[1000] < 14


@pytest.mark.parametrize("letters", SCRIPTS.values(), ids=SCRIPTS)
def test_texts_in_every_script(letters):
    found = sum(re.search(letters, text) is not None for text in texts("input"))

    assert found > 20


@pytest.mark.parametrize("size", [16, 200, 5000, 3_000_000])
@pytest.mark.parametrize("place", range(4))
def test_a_cut_is_whole_words_and_about_as_long_as_asked_for(place, size):
    pool, dice = pools()[place], Dice(1)
    cut = pool.cutter(dice)
    for _ in range(20 if size < 10_000 else 2):
        text = cut(size)

        assert size * 0.9 - 10 <= len(text) <= size * 1.02 + 600
        # A text cut inside a character or an escape would not be JSON.
        json.loads(b'"%b"' % text)


def test_conversations_repeat_what_was_said_before():
    calls: dict[str, list[list[Any]]] = {}
    for batch in generate("small", 2000, 4):
        for line in batch:
            event = json.loads(line)
            if event.get("span_attributes", {}).get("type") == "llm" and isinstance(event.get("input"), list):
                calls.setdefault(event["root_span_id"], []).append(event["input"])
    longer = repeated = 0
    for inputs in calls.values():
        for before, after in pairwise(inputs):
            if len(after) > len(before):
                longer += 1
                repeated += after[: len(before)] == before

    assert longer > 300
    assert repeated / longer > 0.9
