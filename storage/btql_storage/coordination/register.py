r"""What :class:`~btql_storage.coordination.shared.SharedNumbers` asks of the service that counts transactions.

A register knows the last number that was handed out, and the numbers that are *flying*: taken, and not yet known to
have a file or to be void. Guarantees, cited by number elsewhere:

1. Every method happens as a whole at one moment, and moments of different callers come one after the other.
2. A number that :meth:`Register.take` returns is larger than any that was taken before, or shown to
   :meth:`Register.seen`; it is flying from that moment until it is confirmed or settled.
3. What :meth:`Register.flying` returns was all true at one moment. So once the overdue numbers of it are settled, every
   number up to :attr:`Flying.settled_upto` is over: no later call can bring one of them back.
4. A register that may have lost anything of this says of all numbers that were taken before that their fate is
   :attr:`Fate.UNKNOWN`, and hands out only numbers larger than any that a file has.
5. Time is the register's own: the clocks of the machines that ask do not matter.
6. It remembers for ``LISTS_LAG_S`` (:mod:`btql_storage.stores.interface`) which numbers have a file since they were
   confirmed or settled (:attr:`Flying.landed`). Where it may have lost any of these it says so
   (:attr:`Flying.unsure_ms`).
7. Failures are :class:`~btql_storage.errors.StorageError`\ s that name the service, without its password.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

VOIDS_KEPT_S = 7 * 24 * 3600
"""A writer that stood still for longer than this is not told what became of its transaction."""


class Fate(Enum):
    """What becomes of a number whose file was written."""

    READ = auto()
    """Its file will be read."""
    VOID = auto()
    """It was given up before its file was there: the file will never be read."""
    UNKNOWN = auto()
    """One of these, but nobody can tell which."""


@dataclass(frozen=True, slots=True)
class Flying:
    """The numbers that are on their way, at one moment."""

    last: int
    """The last number that was handed out."""
    oldest: int | None
    """The smallest flying number that still has time; None where there is none."""
    overdue: Sequence[int]
    """The flying numbers whose time is up."""
    landed: Sequence[int] = ()
    """Numbers whose files have been there for less than ``LISTS_LAG_S``, or a little longer; maybe others, too."""
    era: str = ""
    """Changes when the register may have lost something (guarantee 4)."""
    unsure_ms: int = 0
    """For how long it will not know all that have landed: it lost something less than ``LISTS_LAG_S`` ago."""

    @property
    def settled_upto(self) -> int:
        """The last number below every flying one, once those that are overdue are settled."""
        return self.last if self.oldest is None else self.oldest - 1


class Register(Protocol):
    """Counts transactions; safe from several threads."""

    @property
    def label(self) -> str:
        """What to call it in messages."""
        ...

    def take(self, lease_ms: int) -> int:
        """Hand out a number, which is overdue unless it is confirmed within this time."""
        ...

    def confirm(self, number: int) -> Fate:
        """Say that the file of a number is there, which was taken through this object; it flies no longer."""
        ...

    def flying(self, lease_ms: int) -> Flying:
        """Return what is on its way; nothing has more time left than this, whatever clocks did."""
        ...

    def settle(self, number: int, *, void: bool) -> Fate:
        """Say what became of a number that was overdue or given up; return its fate, which may be known already."""
        ...

    def seen(self, number: int) -> None:
        """Take note of a number that is in use."""
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...
