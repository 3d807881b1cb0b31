"""Probes: what the text index of a part can be asked, as a tree.

A probe holds for a row, or not; only a :class:`Word` looks into the dictionary
of terms, and it may say of more rows than the text it was made from that they
have it. Whoever asks with one checks the rows that are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Phrase:
    """One text of the field has the tokens, one right after the other. No tokens match nothing."""

    field: str
    tokens: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as one would ask for it."""
        return f"{self.field} MATCH '{' '.join(self.tokens)}'"


@dataclass(frozen=True, slots=True)
class Piece:
    """Characters that stand next to each other in a term."""

    letters: tuple[str, ...]
    """Each place as every character that may be there: ``("s\u017f", "t")``."""
    starts: bool
    """The term begins with them."""
    ends: bool
    """The term ends with them."""

    def __str__(self) -> str:
        """Return it with stars where a term may go on."""
        return f"{'' if self.starts else '*'}{''.join(each[0] for each in self.letters)}{'' if self.ends else '*'}"


@dataclass(frozen=True, slots=True)
class Word:
    """The field has a term with one of the pieces, also where the term was cut because it is too long."""

    field: str
    pieces: tuple[Piece, ...]

    def __str__(self) -> str:
        """Return it as a list of patterns."""
        return f"{self.field} LIKE {' or '.join(map(str, self.pieces))}"


@dataclass(frozen=True, slots=True)
class Without:
    """The phrase is not there; only ever beside others in an :class:`AllOf`, of whose rows it takes some away."""

    phrase: Phrase

    def __str__(self) -> str:
        """Return it with what it negates."""
        return f"not {self.phrase}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of the probes hold, of which there are some."""

    probes: tuple[TextProbe, ...]

    def __str__(self) -> str:
        """Return them joined."""
        return " and ".join(map(_inside, self.probes))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of the probes holds, of which there are some."""

    probes: tuple[TextProbe, ...]

    def __str__(self) -> str:
        """Return them joined."""
        return " or ".join(map(_inside, self.probes))


@dataclass(frozen=True, slots=True)
class Found:
    """What a probe has found in a part, or in a chunk of the tail."""

    rows: NDArray[np.int64] | None
    """Their numbers, in order; None where they were too many, or cannot be told from the others: it may be any."""
    rows_max: int
    """How many there might be at most, as was known before they were looked up."""
    hits: int | None = None
    """Where they were too many, how many there are; None where they cannot be told from the others."""

    def answers(self, rows_max: int | None) -> bool:
        """Whether the same is found where no more rows than that are wanted; None are any."""
        if self.rows is not None:
            return rows_max is None or len(self.rows) <= rows_max
        return self.hits is None or (rows_max is not None and self.hits > rows_max)


TextProbe: TypeAlias = Phrase | Word | AllOf | AnyOf | Without


def leaves(probe: TextProbe) -> Iterator[Phrase | Word]:
    """Yield what a probe is made of."""
    if isinstance(probe, Phrase | Word):
        yield probe
    elif isinstance(probe, Without):
        yield probe.phrase
    else:
        for each in probe.probes:
            yield from leaves(each)


def is_about(probe: TextProbe, field: str) -> bool:
    """Whether a probe asks for anything in a field."""
    return any(leaf.field == field for leaf in leaves(probe))


def asks_for_order(probe: TextProbe) -> bool:
    """Whether a probe asks how words follow each other, and not only which there are."""
    return any(isinstance(leaf, Phrase) and len(leaf.tokens) > 1 for leaf in leaves(probe))


def in_any_order(probe: TextProbe) -> TextProbe:
    """Return a probe that asks for the same words and for no order: it holds for the same rows, and for others."""
    if isinstance(probe, Phrase) and len(probe.tokens) > 1:
        return AllOf(tuple(Phrase(probe.field, (token,)) for token in dict.fromkeys(probe.tokens)))
    if isinstance(probe, AllOf):
        # A row that has all words of a phrase need not have the phrase.
        asked = [each for each in probe.probes if not (isinstance(each, Without) and asks_for_order(each))]
        return AllOf(tuple(map(in_any_order, asked)))
    return AnyOf(tuple(map(in_any_order, probe.probes))) if isinstance(probe, AnyOf) else probe


def _inside(probe: TextProbe) -> str:
    return f"({probe})" if isinstance(probe, AllOf | AnyOf) else str(probe)
