"""Probes of inputs that go on from each other (:mod:`btql_storage.part.deltas`).

The index has of each row what it says itself, and a row says what those say that it goes on from, too. So for each
leaf of a probe the rows are looked up that say it themselves, those that go on from them are added, and set algebra
on row numbers takes the place of Tantivy's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, TypeAlias

from btql_storage.later import np
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.row_numbers import are_among
from btql_storage.text.probe import AllOf, AnyOf, Phrase, Without, Word, is_about, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from btql_storage.part.deltas import DeltaBases
    from btql_storage.text.probe import TextProbe

Rows: TypeAlias = "NDArray[np.int64]"
Ranges: TypeAlias = "Sequence[tuple[int, int]]"
"""From which row to which, both included."""

NEAR_MAX = 200
"""Where other conditions leave so few rows, it is only asked whether these, or what they go on from, say something."""


@dataclass(frozen=True, slots=True)
class Chains:
    """Finds rows by what they say themselves."""

    bases: DeltaBases
    said: Callable[[TextProbe, Ranges | None], Rows | None]
    """Return which rows, in order, say something themselves, of all or of those in some ranges, or of more than these;
    None where it may be any."""
    bound: Callable[[TextProbe], int]
    """Return how many rows say something themselves, at most."""

    def rows(self, probe: TextProbe, near: Rows | None = None) -> Rows | None:
        """Return the rows for which a probe holds, in order; None where it may be any.

        Where some are ``near``, which are few, it is only of these that it need be known.
        """
        if not is_about(probe, DELTA_FIELD):
            return self.said(probe, None if near is None else [(row, row) for row in near.tolist()])
        if isinstance(probe, AllOf):
            return self._all_of(probe, near)
        if isinstance(probe, AnyOf):
            found = [self.rows(each, near) for each in _parted(probe)]
            known = [rows for rows in found if rows is not None]
            return reduce(np.union1d, known) if len(known) == len(found) else None
        assert isinstance(probe, Phrase | Word), "what is not there is beside what is"
        ranges = None if near is None else [(self.bases.first(row), row) for row in near.tolist()]
        rows = self.said(probe, ranges)
        return None if rows is None else self.bases.with_dependents(rows)

    def _all_of(self, probe: AllOf, near: Rows | None) -> Rows | None:
        known: Rows | None = None
        for each in sorted(_parted(probe), key=self._cost):
            if known is not None and len(known) <= NEAR_MAX:
                near = known
                if not len(known):
                    break
                if isinstance(each, Word):
                    # Whoever asks for parts of words checks the rows, and it takes a look through the dictionary.
                    continue
            rows = self.rows(each, near)
            if rows is not None:
                known = np.asarray(rows) if known is None else in_both(known, rows)
        if known is None or not len(known):
            return known
        for each in probe.probes:
            if isinstance(each, Without):
                without = self.rows(each.phrase, known if len(known) <= NEAR_MAX else near)
                known = known[~are_among(known, np.asarray(without))]
        return known

    def _cost(self, probe: TextProbe) -> tuple[bool, int]:
        """Return what to sort by: rare things first, and parts of words last, for which the dictionary is searched."""
        has_words = any(isinstance(leaf, Word) for leaf in leaves(probe))
        return has_words, 0 if has_words else self.bound(probe)


def _parted(probe: AllOf | AnyOf) -> list[TextProbe]:
    """Return what has to hold, with all that is not about inputs as one, which Tantivy answers at once."""
    asked = [each for each in probe.probes if not isinstance(each, Without)]
    plain = [each for each in asked if not is_about(each, DELTA_FIELD)]
    about: list[TextProbe] = [each for each in asked if is_about(each, DELTA_FIELD)]
    if plain:
        about.append(plain[0] if len(plain) == 1 else type(probe)(tuple(plain)))
    return about


def in_both(some: Rows, others: Rows) -> Rows:
    """Return the rows that are among both, which are in order, and so is what is found."""
    fewer, more = sorted((np.asarray(some), np.asarray(others)), key=len)
    return fewer[are_among(fewer, more)]
