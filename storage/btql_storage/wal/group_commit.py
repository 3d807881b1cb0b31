"""Requests that wait for the disk at the same time become durable together.

Making a file durable takes as long for one request as for ten. So whoever finds the disk free writes
everything that waits by then, as one transaction; the others find theirs done. Nobody ever waits for company:
a single writer has each request in a file of its own.

A group shares its fate: if its file cannot be written, none of its requests is stored, and each is told. What is
wrong with a single request was found before. No group has two requests with events of one row, so that a row never
changes twice within a transaction because of others: whoever asks for the row as of the transaction that a receipt
names, gets what that request wrote. Nor has one requests that leave out different keys, as a file has one such list.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from btql_storage.errors import (
    MAYBE_STORED,
    AccessDenied,
    DiskFull,
    InputOutput,
    Locked,
    NotADatabase,
    ReadOnly,
    StorageError,
    Unreachable,
)
from btql_storage.folder import Folder
from btql_storage.format import WAL, wal_name
from btql_storage.stores.interface import AlreadyThere
from btql_storage.transactions import ROWS_MAX
from btql_storage.wal.files import WalSize

if TYPE_CHECKING:
    from btql_storage.wal.writer import Columns

_ATTEMPTS = 10
"""How often a request is written under yet another number."""
_JSON_BYTES_MAX = 16 << 20
"""Larger groups save nothing more, and keep everyone waiting for the slowest."""


class _Waiting:
    """A request, and what became of it."""

    __slots__ = ("error", "request", "xact_id")

    def __init__(self, request: Columns) -> None:
        self.request = request
        self.xact_id: int | None = None
        self.error: Exception | None = None

    @property
    def is_over(self) -> bool:
        return self.xact_id is not None or self.error is not None


class GroupCommit:
    """Writes the requests of one process; safe from several threads."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._queue: list[_Waiting] = []
        self._turn = Lock()
        """Held by the thread that writes."""

    def commit(self, request: Columns) -> int:
        """Return the transaction that made a request durable."""
        mine = _Waiting(request)
        # A list's methods are atomic: what is in it when a thread gets its turn is its group.
        self._queue.append(mine)
        try:
            with self._turn:
                while not mine.is_over:
                    self._write_next()
        except BaseException:
            # Interrupted while it waited.
            self._forget([mine])
            raise
        if mine.error is not None:
            raise mine.error
        assert mine.xact_id is not None
        return mine.xact_id

    def _write_next(self) -> None:
        from btql_storage.wal.writer import together

        # Should others keep the lock for too long, all who waited for it are told.
        group = self._queue.copy()
        try:
            with self._folder.numbers.turn():
                group = _first_group(self._queue)
                written = together([waiting.request for waiting in group])
                xact_id = _write(self._folder, written)
            self._folder.wal.note_written(xact_id, WalSize(written.rows_by_object, written.json_bytes))
            for waiting in group:
                waiting.xact_id = xact_id
        except Exception as error:  # noqa: BLE001  each thread raises it for itself
            for waiting in group:
                waiting.error = error
        except BaseException:
            for waiting in group:
                waiting.error = _interrupted()
            raise
        finally:
            self._forget(group)

    def _forget(self, group: Sequence[_Waiting]) -> None:
        for waiting in group:
            with suppress(ValueError):
                self._queue.remove(waiting)


def _write(folder: Folder, request: Columns) -> int:
    """Make columns durable and return their transaction; for whoever has the turn."""
    from btql_storage.wal.writer import encode

    folder.catalog.database.check_place()
    folder.need_numbers()
    for _ in range(_ATTEMPTS):
        xact_id = folder.numbers.next()
        name = f"{WAL}/{wal_name(xact_id)}"
        content = encode(request, xact_id, compress=folder.store.keeps_copies)
        try:
            folder.store.put(name, content)
        except AlreadyThere:
            if folder.store.read(name) != bytes(content):
                # Somebody removed the counter, or was tired of waiting for us: the files themselves know better.
                folder.recover_numbers()
                continue
            # It is ours: the answer to a first attempt was lost.
        except (DiskFull, ReadOnly):
            raise
        except StorageError as error:
            if _is_withdrawn(folder, xact_id, error):
                raise
            if _is_ours(folder, name, bytes(content), error):
                return xact_id
            # Who numbers forgot that the number was handed out, and did so twice: another one was quicker.
            folder.recover_numbers()
            continue
        # Whoever was overtaken while the file was made starts over: nobody will read that file.
        if folder.numbers.confirm(xact_id):
            return xact_id
    raise Locked(
        f"others did not wait for {_ATTEMPTS} files that were being written to `{folder.store.label}`",
        "look why writing takes so long, and try again; nothing was stored",
    )


def _is_withdrawn(folder: Folder, xact_id: int, error: StorageError) -> bool:
    """Return whether a file that could not be written is not there, and will not be; the answer alone may be lost."""
    try:
        return folder.numbers.withdraw(xact_id)
    except StorageError:
        if isinstance(error, AccessDenied | NotADatabase):
            # It was refused, as whatever settles the number is; others do so once its lease is over.
            return True
        raise Unreachable(error.message, MAYBE_STORED) from error


def _is_ours(folder: Folder, name: str, content: bytes, error: StorageError) -> bool:
    """Return whether the file that was found under a number is the one that was to be written."""
    with suppress(StorageError):
        found = folder.store.read(name)
        if found is not None:
            return found == content
    raise Unreachable(error.message, MAYBE_STORED) from error


def write_nothing(folder: Folder) -> int:
    """Make a transaction without events durable and return it.

    All that was acknowledged before has a smaller number, and no other file with a smaller one will appear any more.
    """
    from btql_storage.wal.empty_request import nothing

    with folder.numbers.turn():
        xact_id = _write(folder, nothing())
    folder.numbers.settle(xact_id)
    return xact_id


def _first_group(queue: Sequence[_Waiting]) -> list[_Waiting]:
    """Return the requests from the front of a queue that may share a transaction; at least one."""
    group = [queue[0]]
    if len(queue) == 1:
        return group
    rows, json_bytes = group[0].request.rows, group[0].request.json_bytes
    ids = set(group[0].request.ids)
    for waiting in queue[1:]:
        request = waiting.request
        rows, json_bytes = rows + request.rows, json_bytes + request.json_bytes
        if rows > ROWS_MAX or json_bytes > _JSON_BYTES_MAX or not ids.isdisjoint(request.ids):
            break
        if request.leave_out != group[0].request.leave_out:
            break
        ids.update(request.ids)
        group.append(waiting)
    return group


def _interrupted() -> InputOutput:
    return InputOutput("the process was interrupted while it wrote", MAYBE_STORED)
