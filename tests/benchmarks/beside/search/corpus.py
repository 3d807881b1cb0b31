"""A corpus for text search: words as frequent as in a language, with phrases planted whose frequencies are known.

Documents are lower-case words between spaces, so that all systems see the same tokens. Most are of a vocabulary of
50,000 made-up words, the word at rank r drawn with a weight of 1 / r ** 1.07. Into these, words and phrases are planted
that occur nowhere else: a phrase is in a known share of the documents, and each of its words, by itself, in a share
that is 3 to 30 times as large. That is what makes phrases and intersections work: their words are often in a document
that has not the phrase.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
from numpy.typing import NDArray

VOCABULARY = 50_000
_EXPONENT = 1.07
_WORDS_MEDIAN = 50
_WORDS_MAX = 600
_ROOM = (3.0, 30.0)
"""How many times as many documents have a word of a phrase by itself."""
_SHARE_MAX = 0.3
_CHUNK = 20_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_ONSETS = ("b", "br", "c", "d", "dr", "f", "g", "gl", "h", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v")
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "ou")


@dataclass(frozen=True, slots=True)
class Planted:
    """Some words that occur together and apart."""

    name: str
    words: tuple[str, ...]
    share: float
    """Of the documents that have the phrase."""


def planted(seed: int = 7) -> list[Planted]:
    """Return the phrases that questions are about, and others that only make the corpus less regular."""
    dice = np.random.Generator(np.random.PCG64([seed, 1]))
    shares = {"rare": 1e-4, "medium": 1e-3, "common": 1e-2}
    asked = [Planted(name, (f"x{name}", f"y{name}"), share) for name, share in shares.items()]
    lengths = [2] * 20 + [3] * 8 + [5] * 2
    others = [
        Planted("", tuple(f"q{number}{'abcde'[place]}" for place in range(length)), float(10 ** dice.uniform(-6, -2)))
        for number, length in enumerate(lengths)
    ]
    return asked + others


def vocabulary() -> list[str]:
    """Return made-up words; the first ones are the shortest."""
    syllables = [onset + nucleus for onset in _ONSETS for nucleus in _NUCLEI]
    first = len(syllables)
    words: list[str] = []
    for number in range(VOCABULARY):
        rest, word = number, ""
        while True:
            word += syllables[rest % first]
            rest = rest // first - 1
            if rest < 0:
                break
        words.append(word)
    return words


def documents(count: int, seed: int = 7) -> Iterator[bytes]:
    """Yield documents as JSON, without line ends, the oldest first."""
    dice = np.random.Generator(np.random.PCG64([seed, 2]))
    additions = _additions(count, seed)
    words = vocabulary()
    weights = np.cumsum(1 / np.arange(1, VOCABULARY + 1) ** _EXPONENT)
    for first in range(0, count, _CHUNK):
        size = min(_CHUNK, count - first)
        lengths = np.clip(np.exp(dice.normal(np.log(_WORDS_MEDIAN), 0.8, size)), 5, _WORDS_MAX).astype(int).tolist()
        drawn = np.searchsorted(weights, dice.random(sum(lengths)) * weights[-1]).tolist()
        start = 0
        for number, length in enumerate(lengths, first):
            text = [words[rank] for rank in drawn[start : start + length]]
            start += length
            for place, added in additions.get(number, ()):
                text.insert(int(place * len(text)), added)
            yield orjson.dumps({"id": f"d{number:08}", "created": _time(number), "input": " ".join(text)})


def _time(number: int) -> str:
    return (BEGIN + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _additions(count: int, seed: int) -> dict[int, list[tuple[float, str]]]:
    """Return what is planted in which documents, and where in each."""
    dice = np.random.Generator(np.random.PCG64([seed, 3]))
    found: dict[int, list[tuple[float, str]]] = {}

    def plant(share: float, text: str) -> None:
        chosen: NDArray[np.int64] = dice.choice(count, max(round(share * count), 1), replace=False)
        for number, place in zip(chosen.tolist(), dice.random(len(chosen)).tolist(), strict=True):
            found.setdefault(number, []).append((place, text))

    for phrase in planted(seed):
        for word in phrase.words:
            apart = phrase.share * float(np.exp(dice.uniform(*np.log(_ROOM))))
            plant(min(apart, _SHARE_MAX), word)
        plant(phrase.share, " ".join(phrase.words))
    return found
