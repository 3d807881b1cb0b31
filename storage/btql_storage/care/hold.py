"""Holds: while one is in force, nobody removes files that are no longer needed, as a backup may be copying them.

A hold is a setting of the catalog with the second at which it ends; who has it moves that on while it works. One
that was left by a process that died ends by itself, also where its clock was ahead: one that would last too long does
not count. A purge does not wait for holds: what is to be gone is gone, and the backup begins anew.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

from btql_storage.errors import DiskFull, ReadOnly, StorageError

if TYPE_CHECKING:
    from btql_storage.folder import Folder

PREFIX = "hold."
_LASTS_S = 120
_RENEWED_S = 30
_AHEAD_S_MAX = 3_600
"""No hold lasts longer. One that does was left before the clock was set back; clocks of machines differ by less."""


def is_held(folder: Folder) -> bool:
    """Return whether files that are no longer needed are to stay."""
    now_s = folder.clock.now_s()
    ends = [int(value) for value in folder.catalog.settings(PREFIX).values() if value.isdigit()]
    return any(now_s < end <= now_s + _AHEAD_S_MAX for end in ends)


@contextmanager
def held(folder: Folder) -> Generator[None]:
    """Keep all files that are there now."""
    # Whoever is removing files now removes none that what is read from now on needs: parts are only replaced under
    # the lock that it has.
    name = PREFIX + folder.clock.new_id()
    if not _begin(folder, name):
        # Nothing can be said to others; who copies looks whether files are still needed.
        yield
        return
    over = Event()

    def renew() -> None:
        while not over.wait(_RENEWED_S):
            try:
                _write(folder, name)
            except StorageError:
                # It lasts for some attempts; without it the copies are checked all the same.
                continue

    thread = Thread(target=renew, name="btql-hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        with suppress(StorageError):
            # It ends by itself.
            folder.catalog.put_setting(name, None)


def _begin(folder: Folder, name: str) -> bool:
    """Return whether the hold is in force: a disk that takes nothing any more is what one makes a backup of."""
    if folder.read_only:
        return False
    try:
        _write(folder, name)
    except (DiskFull, ReadOnly):
        return False
    return True


def _write(folder: Folder, name: str) -> None:
    folder.catalog.put_setting(name, str(folder.clock.now_s() + _LASTS_S))
