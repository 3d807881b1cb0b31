"""Text in several scripts, cut from prepared pools.

A pool is a few megabytes of made-up sentences over a Zipf vocabulary, already
escaped for JSON, so that a text of any length costs one search for a gap between
words and one copy. The pools are the same for every seed; the seed decides where
they are cut.

The word at rank r is drawn with a weight of 1/(r + 2.7), computed in whole
numbers, so that no rounding of a processor can change a pool.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from btql.generate.planted import RESERVED_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from btql.generate.dice import Dice

    Cutter = Callable[[int], bytes]

_COMMON = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had "
    "an they which one you were her all she there would their we him been has when who will more no if "
    "out so said what up its about into than them can only other new some could time these two may then "
    "do first any my now such like our over man me even most made after also did many before must through "
    "back years where much your way well down should because each just those people how too little state "
    "good very make world still own see men work long get here between both life being under never day "
    "same another know while last might us great old year come since against go came right used take "
    "three answer question model agent tool context token prompt search result document user request "
    "response system error please provide tool_call step_by_step gpt-5 json ).split("
)
_ONSETS = ("b", "br", "c", "d", "dr", "f", "g", "gl", "h", "l", "m", "n", "p", "pl", "r", "s", "st", "t", "tr", "v")
_NUCLEI = ("a", "e", "i", "o", "u", "ai", "é", "ö")
_CODAS = ("", "n", "r", "s", "l", "nt")
_CYRILLIC = "оеаинтсрвлкмдпуязыбгчйхжшюцщэф"
_ARABIC = "ايلمنرتبوهدسعفقحكشجصخذضطغثزظ"
_KANA_FIRST, _HAN_FIRST, _HANGUL_FIRST = 0x3042, 0x4E00, 0xAC00
_EMOJI = ("😀", "🚀", "🤖", "✅", "🔥", "👍🏽", "👩‍💻", "🇺🇳", "💡", "📈", "🎉", "⚠️", "❤️", "🧠", "🌍", "1️⃣")


@dataclass(frozen=True, slots=True)
class Pool:
    """A long text to cut from, and the bytes after which it may be cut."""

    data: bytes
    gap: bytes

    def cutter(self, dice: Dice) -> Cutter:
        """Return a function that cuts a text of about the given size from a place drawn by lot."""
        find, data, gap, unit, skipped = self.data.find, self.data, self.gap, dice.unit, len(self.gap)
        # The last quarter is no place to begin: a text never runs over the end.
        longest = len(data) // 4
        places = len(data) - longest - 4096

        def cut(size: int) -> bytes:
            if size > longest:
                return gap.join([*(cut(longest) for _ in range(size // longest)), cut(size % longest)])
            begin = find(gap, int(unit() * places)) + skipped
            return data[begin : find(gap, begin + size)]

        return cut


@cache
def pools() -> tuple[Pool, ...]:
    """Return the pools by how often a trace uses each: see ``POOL_OF_TRACE``."""
    return (_latin(), _han(), _arabic(), _cyrillic())


POOL_OF_TRACE = (0,) * 17 + (1, 2, 3)
"""Of twenty traces seventeen are in Latin script, one each in CJK, Arabic and Cyrillic."""


def _latin() -> Pool:
    made = (_syllables(number) for number in range(30_000))
    words = [*_COMMON.split(), *_EMOJI, *_allowed(made)]
    return _pool(words, seed=11, count=600_000)


def _cyrillic() -> Pool:
    return _pool(_allowed(_letters(_CYRILLIC, number) for number in range(8000)), seed=12, count=120_000)


def _arabic() -> Pool:
    words = _allowed(_letters(_ARABIC, number) for number in range(8000))
    return _pool(words, seed=13, count=150_000, comma="،")


def _han() -> Pool:
    """Words of one to three characters without spaces between them; Kana and Hangul among them."""
    words = _allowed(_han_word(number) for number in range(6000))
    return _pool(words, seed=14, count=200_000, comma="\uff0c", stop="。", space="")


def _allowed(words: Iterable[str]) -> list[str]:
    """Drop repeated words, and words that are planted."""
    return [word for word in dict.fromkeys(words) if not any(reserved in word for reserved in RESERVED_WORDS)]


def _scattered(number: int, size: int) -> int:
    """Map whole numbers onto each other so that neighbours do not look alike; 7919 is prime."""
    return (number * 7919 + 104_729) % size


def _syllables(number: int) -> str:
    syllables = len(_ONSETS) * len(_NUCLEI) * len(_CODAS)
    code = _scattered(number, syllables * syllables)
    text = ""
    for part in divmod(code, syllables):
        front, coda = divmod(part, len(_CODAS))
        onset, nucleus = divmod(front, len(_NUCLEI))
        text += _ONSETS[onset] + _NUCLEI[nucleus] + _CODAS[coda]
    return text


def _letters(alphabet: str, number: int) -> str:
    """Return a word of two to six letters."""
    code, text = _scattered(number, len(alphabet) ** 4), ""
    for _ in range(2 + number % 5):
        code, place = divmod(code * 31 + 7, len(alphabet))
        text += alphabet[place]
    return text


def _han_word(number: int) -> str:
    code = _scattered(number, 1_000_003)
    if number % 12 == 0:
        return "".join(chr(_KANA_FIRST + (code // 80**place) % 80) for place in range(3))
    if number % 17 == 0:
        return "".join(chr(_HANGUL_FIRST + (code // 97**place) % 9000) for place in range(2))
    return "".join(chr(_HAN_FIRST + (code // 41**place) % 3000) for place in range(1 + number % 3))


def _pool(words: list[str], *, seed: int, count: int, comma: str = ",", stop: str = ".", space: str = " ") -> Pool:
    """Draw ``count`` words and join them into sentences.

    The words stand in the table four times: plain, at the end of a clause, at the
    end of a sentence, in quotes; what is drawn is a place in that table.
    """
    gap = space or stop
    forms: tuple[Callable[[str], str], ...] = (
        lambda word: word + space,
        lambda word: word + comma + space,
        lambda word: word + stop + space,
        lambda word: f'\\"{word}\\"{space}',
    )
    table = [form(word).encode() for form in forms for word in words]
    bits = np.random.PCG64(seed)
    weights = np.array([10**13 // (10 * rank + 37) for rank in range(len(words))], dtype=np.uint64)
    totals = np.cumsum(weights, dtype=np.uint64)
    chance: NDArray[np.uint64] = np.asarray(bits.random_raw(count), dtype=np.uint64) % totals[-1]
    chosen: NDArray[np.int64] = np.searchsorted(totals, chance, side="right").astype(np.int64)
    # Of 64 words four end a clause, five a sentence, one stands in quotes.
    form_of = np.array([0] * 54 + [1] * 4 + [2] * 5 + [3], dtype=np.int64)
    sixty_fourth = (np.asarray(bits.random_raw(count), dtype=np.uint64) >> np.uint64(58)).astype(np.int64)
    places: list[int] = (chosen + form_of[sixty_fourth] * len(words)).tolist()
    parts = [table[place] for place in places]
    # A new line now and then; the gap goes first, so that a cut never splits the escape.
    for place in range(97, count, 131):
        parts[place] += b"\\n\\n" if not space else b"\\n- "
    return Pool(b"".join(parts), gap.encode())
