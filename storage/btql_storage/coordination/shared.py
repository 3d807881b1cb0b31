"""Numbers for writers on any number of machines, which take no turns.

Writing a transaction takes three steps, each of which may be the last one that a writer does:

1. :meth:`SharedNumbers.next` takes a number from the register (:mod:`.register`). It is *flying* now, for at most its
   lease.
2. The writer puts the WAL file of that number, where the name is free.
3. :meth:`SharedNumbers.confirm` says so to the register, and the number flies no longer. Only then is the request
   acknowledged.

:mod:`btql_storage.process` takes files in the order of their numbers and never looks back, so it asks before it lists
the WAL (:meth:`SharedNumbers.settling`) up to which number everything is *over*. Numbers whose lease has run out are
settled first: a void (:mod:`.voids`) is put under their name. Where it could be put the writer came too late, and the
register notes that; where the writer's file is there, the transaction happened, though its writer may be dead.

**What decides is the store**: a transaction happened exactly if its file was put before a void was. So readers ask
nobody: what they list is what happened, and reading goes on while the register is away. The register only says how
far one may go; and it remembers voids, since their files are removed some time after they were processed.

Why this is right, with the guarantees of the register (R) and of the store (S) by their numbers:

**Nothing acknowledged is lost.** Let a request be acknowledged under number *n*. Its file was put, and then *n* was
confirmed: the register said that *n* was still flying or had been settled as one whose file is there, and not that it
is void. Let a processing pass beyond *n*; it counted on everything up to some *m* >= *n* being over, and listed the WAL
afterwards.

- If *n* was taken after the register was asked, it is larger than *m* (R2, R3).
- If *n* had been confirmed when the register was asked, its file was there before. It is in the list, or the register
  named it because lists may still lack it (R6).
- If *n* was flying, it was overdue (else *m* < *n*) and was settled before the list was made. Had a void been put, our
  put would have failed, or come after the void was removed. But that is removed only after it was processed, so after
  the register had noted it, and we would have been told. So our file was there, and whoever settled *n* knows it.
- If the register may have forgotten something (R4), nothing that was taken before is confirmed any more, and new
  numbers are larger than those of all files. A processing that asked before and listed after starts over; one that
  had listed before goes no further than to the last file of its list. One that asks after it waits until lists have
  all that was there (R6).

**Nothing is seen twice.** A writer writes its events under another number only after it was told that the first one is
void, or found a void under its name, so never while a file of the first one is read. Where an answer of the store is
lost, the writer finds its own file when it tries again, and goes on with that (:mod:`btql_storage.wal.group_commit`);
or it gives the number up and learns whether a void could be put (:meth:`SharedNumbers.withdraw`). What it finds under
the number it holds against what it wrote: a register that has forgotten may have given the number to two. Where nobody
can tell what became of a number the request fails, saying so, and is not written again. And processing is a
compare-and-swap of the last number that was processed, so of two that do the same work one fails.

**Nothing comes late.** A file that is put after the void of its number was removed has a number that was processed, and
neither readers nor processing look at those. Its writer is told to start over, and removes it; what a dead one leaves
is removed with all that nobody needs (:mod:`btql_storage.compaction.run`).

**Nobody is waited for longer than a lease**, by the register's clock: whoever is paused, cut off or dead by then is
settled by whoever processes.

**The order of numbers is the order of time**, as far as anybody can tell: a request that begins after another one was
acknowledged has a larger number (R2, R4). Requests at the same time may appear in any order, so a number may appear
after a larger one; who needs all up to a number asks for that (:meth:`SharedNumbers.settle`).

What this counts on: a store that puts a name only where it is free, and lists what was put after
:data:`~btql_storage.stores.interface.LISTS_LAG_S` at the latest; and a single register. Readers ask nobody, so
where lists do lag they see that late what others have written, and at once what their own process wrote or has seen
(:class:`~btql_storage.wal.files.WalFiles`). Who names a version asks the register anyway, and sees everything. Two
that both believe to be the one (a Redis that was cut off with some of the writers, while its replica took over with
the others) know nothing of each other's flying numbers; docs/adr/0020 says how to run one. A register that forgets
(R4) while a file is put that a processing has passed by then can show that file to readers until the processing
commits, and nobody waits for its number who names a version, so that its rows may join the version; its writer is told
that nobody can tell what became of it.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import replace

from btql_storage.coordination.numbers import NEVER_LAST, Settled
from btql_storage.coordination.register import Fate, Flying, Register
from btql_storage.coordination.voids import make_void
from btql_storage.errors import MAYBE_STORED, Locked, StorageError, Unreachable
from btql_storage.format import WAL, wal_name
from btql_storage.stores.interface import Store

LEASE_S = 30.0
"""How long a writer may take to put a file. Who is slower starts over; who is dead keeps processing waiting as long."""
_POLL_FIRST_S = 0.002
_POLL_LAST_S = 0.1


class SharedNumbers:
    """Numbers from a register that all machines reach; safe from several threads."""

    def __init__(self, register: Register, store: Store, *, lease_s: float = LEASE_S, read_only: bool = False) -> None:
        self._register = register
        self._store = store
        self._read_only = read_only
        self._lease_ms = int(lease_s * 1000)

    def turn(self) -> AbstractContextManager[None]:
        """Wait for nobody."""
        return nullcontext()

    def next(self) -> int:
        """Take the next number; its file has to be confirmed before the lease is over."""
        return self._register.take(self._lease_ms)

    def confirm(self, xact_id: int) -> bool:
        """Return whether the file of a number, which is durable, will be read; false where it came too late."""
        if not self._store.has_conditional_put:
            # A void and the file could both be there, one of them for a moment.
            raise StorageError(
                f"`{self._store.label}` may put a name twice, so writers that take no turns cannot share it",
                "use a store that has conditional puts (If-None-Match)",
            )
        try:
            fate = self._register.confirm(xact_id)
        except StorageError as error:
            raise Unreachable(error.message, MAYBE_STORED) from error
        if fate is Fate.UNKNOWN:
            raise self._lost_track()
        if fate is Fate.VOID:
            # It is ours, and nobody reads it; whoever removes what is not needed would find it, too.
            with suppress(StorageError):
                self._store.delete(f"{WAL}/{wal_name(xact_id)}")
        return fate is Fate.READ

    def withdraw(self, xact_id: int) -> bool:
        """Give up a number whose file may be there or not; return whether none is, nor ever will be."""
        fate = self._register.settle(xact_id, void=make_void(self._store, xact_id))
        if fate is Fate.UNKNOWN:
            raise self._lost_track()
        return fate is Fate.VOID

    @contextmanager
    def settling(self) -> Generator[Settled]:
        """Return the last number up to which everything is over; more may appear meanwhile, but none up to it."""
        flying = self._settle_overdue()
        while flying.unsure_ms:
            # Nobody knows which files a list may lack, until it has all that were put before.
            time.sleep(flying.unsure_ms / 1000)
            flying = self._settle_overdue()
        yield Settled(flying.settled_upto, flying.landed)
        if self._register.flying(self._lease_ms).era != flying.era:
            # Numbers of before and after may be mixed in what was listed.
            raise Unreachable(f"{self._register.label} lost its state", "try again, nothing was changed")

    def check_known(self, newest: int) -> None:
        """Do nothing: the register is where the catalog is, so there is one."""

    def settle(self, upto: int) -> Sequence[int]:
        """Wait until no file with a number up to this one will appear any more: at most for a lease.

        Return numbers whose files a list may lack. Who only reads puts no void, so where a writer died it is Locked
        until somebody else did.
        """
        deadline, pause_s = time.monotonic() + self._lease_ms / 1000, _POLL_FIRST_S
        while True:
            flying = self._register.flying(self._lease_ms) if self._read_only else self._settle_overdue()
            awaited = [*flying.overdue, *(() if flying.oldest is None else (flying.oldest,))]
            if min(awaited, default=NEVER_LAST) > upto:
                return flying.landed
            if self._read_only and time.monotonic() > deadline:
                raise Locked(
                    f"{self._register.label} waits for a writer that is gone",
                    "try again when somebody has processed or compacted the database, or open it for writing",
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, _POLL_LAST_S)

    def seen(self, xact_id: int) -> None:
        """Take note of a number that is in use: all that are handed out from now on are larger."""
        self._register.seen(xact_id)

    def close(self) -> None:
        """Let go of the register."""
        self._register.close()

    def _lost_track(self) -> Unreachable:
        return Unreachable(f"{self._register.label} lost track of a transaction on its way", MAYBE_STORED)

    def _settle_overdue(self) -> Flying:
        """Settle what is overdue, and return what is on its way without it."""
        flying = self._register.flying(self._lease_ms)
        settled = {one: self._register.settle(one, void=make_void(self._store, one)) for one in flying.overdue}
        landed = [number for number, fate in settled.items() if fate is Fate.READ]
        return replace(flying, overdue=(), landed=[*flying.landed, *landed])
