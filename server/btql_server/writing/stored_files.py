"""Files that clients upload to a database over services: in the store of its files, so that every server has them.

==============================================================  ============================================
``uploads/attachments/<organization>/<digest>/record-<n>.json``  what is known of an attachment, the last one counts
``uploads/attachments/<organization>/<digest>/<uuid>/file``      what was uploaded
``uploads/attachments/<organization>/<digest>/whole.json``       which of these is the attachment: :class:`Whole`
``uploads/overflow/<day>/<organization>/<uuid>/file``            batches of rows, for as long as a client may ask again
==============================================================  ============================================

Whoever writes ``whole.json`` first has made the attachment; nothing else is ever written twice.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, BinaryIO
from uuid import uuid4

import msgspec

from btql_server.http.errors import HttpError
from btql_server.writing.files import OVERFLOW_S, SWEEP_EVERY_S, Record, record_of
from btql_storage.errors import Damaged, from_os_error
from btql_storage.stores.interface import AlreadyThere, Store

if TYPE_CHECKING:
    from pathlib import Path

    from btql_server.http.upload import Upload

_ROOT = "uploads"
_FILE = "file"
_WHOLE = "whole.json"
_DAY_S = 24 * 3_600
_ATTEMPTS = 5


class Whole(msgspec.Struct, frozen=True):
    """Which upload is the attachment."""

    upload: str
    sha256: str
    bytes: int


# Made by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
_whole = msgspec.json.Decoder(Whole).decode


class StoredFiles:
    """The uploads of one database."""

    def __init__(self, store: Store, incoming: Path) -> None:
        self._store = store
        self._incoming = incoming
        self._swept = 0.0

    def record(self, org_id: str, key: str) -> Record | None:
        """Return what is known of an attachment; None for one that was never announced."""
        folder = _attachment(org_id, key)
        number = self._records(folder)
        content = self._store.read(_record(folder, number - 1)) if number else None
        return None if content is None else record_of(content)

    def announce(self, org_id: str, record: Record) -> None:
        """Note what is known of an attachment, durably. What was said of one that is there stays."""
        folder = _attachment(org_id, record.key)
        content = msgspec.json.encode(record)
        for _ in range(_ATTEMPTS):
            number = self._records(folder)
            if self._whole(folder) is not None:
                return
            self._store.make_folder(folder)
            # Somebody else may say something about the same attachment at the same time.
            with suppress(AlreadyThere):
                self._store.put(_record(folder, number), content)
                return
        raise HttpError(503, "others announce the same attachment", retry_after_s=1)

    def has(self, org_id: str, key: str) -> bool:
        """Return whether an attachment was uploaded."""
        return self._whole(_attachment(org_id, key)) is not None

    def opened(self, org_id: str, key: str) -> BinaryIO | None:
        """Return an attachment, open to be read; None where it was not uploaded."""
        folder = _attachment(org_id, key)
        whole = self._whole(folder)
        return None if whole is None else self._open(f"{folder}/{whole.upload}")

    def keep(self, org_id: str, key: str, upload: Upload) -> None:
        """Make what was uploaded the attachment, durably; a 409 where there is another one already."""
        folder = _attachment(org_id, key)
        mine = Whole(uuid4().hex, _sha256(upload.path), upload.size)
        there = self._whole(folder)
        if there is None:
            self._publish(f"{folder}/{mine.upload}", upload)
            try:
                self._store.put(f"{folder}/{_WHOLE}", msgspec.json.encode(mine))
            except AlreadyThere:
                self._store.delete(f"{folder}/{mine.upload}")
                there = self._whole(folder)
        # A client that got no answer sends the same again.
        if there is not None and there.sha256 != mine.sha256:
            raise HttpError(409, "there is another attachment with this key: they never change")

    def keep_overflow(self, org_id: str, overflow_id: str, upload: Upload) -> None:
        """Keep an uploaded batch for a while."""
        self._publish(f"{_ROOT}/overflow/{_day()}/{org_id}/{overflow_id}", upload)

    def overflow(self, org_id: str, overflow_id: str) -> bytes | None:
        """Return an uploaded batch; None where there is none."""
        for day in (_day(), _day() - 1):
            name = f"{_ROOT}/overflow/{day}/{org_id}/{overflow_id}"
            # Another server may have stored it just now, and a list of the store may lag.
            if self._store.size(f"{name}/{_FILE}"):
                with self._open(name) as file:
                    return file.read()
        return None

    def sweep(self) -> None:
        """Remove batches that nobody will ask for, and what a crash left half received; now and then."""
        now = time.time()
        if now < self._swept + SWEEP_EVERY_S:
            return
        self._swept = now
        for path in self._incoming.glob("*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < now - OVERFLOW_S:
                    path.unlink()
        for day in self._store.list(f"{_ROOT}/overflow"):
            if day.isdecimal() and int(day) < _day() - 1:
                self._store.delete(f"{_ROOT}/overflow/{day}")

    def _records(self, folder: str) -> int:
        """Count what was said of an attachment; by names, as another server may have been told just now."""
        return next(number for number in count() if not self._store.size(_record(folder, number)))

    def _whole(self, folder: str) -> Whole | None:
        content = self._store.read(f"{folder}/{_WHOLE}")
        return None if content is None else _whole(content)

    def _publish(self, name: str, upload: Upload) -> None:
        """Make an upload a file in a folder of its own."""
        parent = name.rpartition("/")[0]
        self._store.make_folder(parent)
        unfinished = self._store.unfinished(name)
        try:
            unfinished.mkdir()
            shutil.move(upload.path, unfinished / _FILE)
            with (unfinished / _FILE).open("rb") as file:
                os.fsync(file.fileno())
        except OSError as error:
            raise from_os_error(error, "write", unfinished) from error
        self._store.publish(name)

    def _open(self, name: str) -> BinaryIO:
        for attempt in range(_ATTEMPTS):
            try:
                with self._held(name) as path:
                    return path.open("rb")
            except FileNotFoundError as error:
                # Another thread let the copy go in this moment, and it had to make room.
                if attempt == _ATTEMPTS - 1:
                    raise Damaged(
                        f"`{name}` of `{self._store.label}` is missing", "restore it from a backup"
                    ) from error
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def _held(self, name: str) -> Generator[Path]:
        try:
            yield self._store.file(f"{name}/{_FILE}")
        finally:
            self._store.release(name)


def _record(folder: str, number: int) -> str:
    return f"{folder}/record-{number:06}.json"


def _attachment(org_id: str, key: str) -> str:
    """Return the folder of an attachment. The key is whatever the client says, so its digest is the name."""
    return f"{_ROOT}/attachments/{org_id}/{hashlib.sha256(key.encode()).hexdigest()}"


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise from_os_error(error, "read", path) from error


def _day() -> int:
    return int(time.time() // _DAY_S)
