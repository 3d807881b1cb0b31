"""Rare words and phrases with known frequencies, for tests of text search.

None of their words occurs in the generated vocabulary, so a word or phrase is
found exactly where it was planted. A share is the chance that one span has it;
each span has at most one planted text in its input and one in its output, and
later calls of a conversation do not repeat it.

======================  ========  ==========================================
in the input            share     for what
======================  ========  ==========================================
over the rainbow        1/1000    the phrase; one in five is ``Over the Rainbow!``
rainbow over the hill   1/1000    the same words in another order: must not match it
rainbow                 1/200     one of its words alone
zyxomma                 1/1000    a rare word
quokkalope              1/10000   a very rare word
value-added tax         1/500     a hyphen splits it into three tokens
50% off                 1/500     an escape in LIKE
snake_case_marker       1/500     an underscore splits a token, and is a LIKE wildcard
彩虹之上                 1/500     Chinese: each character is a token
فوق قوس قزح             1/500     Arabic
над радугой             1/1000    Cyrillic
======================  ========  ==========================================

======================  ========  ==========================================
in the output           share     for what
======================  ========  ==========================================
cromulent               1/200     a rare word
frabjous day            1/1000    a phrase; half of them ``Frabjous  DAY``
🦄                      1/500     not a token at all; LIKE finds it
======================  ========  ==========================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from btql.generate.dice import Dice


@dataclass(frozen=True, slots=True)
class Planted:
    """A text that is put into one span out of ``one_in``."""

    one_in: int
    spellings: tuple[str, ...]
    """Each is as likely as the others."""


INPUTS = (
    Planted(1000, ("over the rainbow",) * 4 + ("Over the Rainbow!",)),
    Planted(1000, ("rainbow over the hill",)),
    Planted(200, ("rainbow",)),
    Planted(1000, ("zyxomma",)),
    Planted(10_000, ("quokkalope",)),
    Planted(500, ("value-added tax",)),
    Planted(500, ("50% off",)),
    Planted(500, ("snake_case_marker",)),
    Planted(500, ("彩虹之上",)),
    Planted(500, ("فوق قوس قزح",)),
    Planted(1000, ("над радугой",)),
)
OUTPUTS = (
    Planted(200, ("cromulent",)),
    Planted(1000, ("frabjous day", "Frabjous  DAY")),
    Planted(500, ("🦄",)),
)
_RESERVED = (
    "rainbow hill zyxomma quokkalope tax off snake case marker cromulent frabjous 彩 虹 فوق قوس قزح над радугой 🦄"
)
RESERVED_WORDS = frozenset(_RESERVED.split())
"""Words that the vocabulary must not contain. A CJK word counts by each of its characters."""

_TEN_THOUSANDTHS = 10_000


def _slots(planted: tuple[Planted, ...]) -> tuple[tuple[bytes, ...], ...]:
    """Lay the texts out side by side: one slot for each ten-thousandth of a chance."""
    slots: list[tuple[bytes, ...]] = []
    for text in planted:
        slots += [tuple(spelling.encode() for spelling in text.spellings)] * (_TEN_THOUSANDTHS // text.one_in)
    return tuple(slots)


_INPUT_SLOTS = _slots(INPUTS)
_OUTPUT_SLOTS = _slots(OUTPUTS)


def draw_for_input(dice: Dice) -> bytes | None:
    """Draw what to plant in one span's input: nothing in most."""
    place = int(dice.unit() * _TEN_THOUSANDTHS)
    return dice.pick(_INPUT_SLOTS[place]) if place < len(_INPUT_SLOTS) else None


def draw_for_output(dice: Dice) -> bytes | None:
    """Draw what to plant in one span's output: nothing in most."""
    place = int(dice.unit() * _TEN_THOUSANDTHS)
    return dice.pick(_OUTPUT_SLOTS[place]) if place < len(_OUTPUT_SLOTS) else None
