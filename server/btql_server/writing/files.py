"""Files that clients upload, beside the data; of a database over services they are in its store (:mod:`.stored_files`).

========================================================  ==================================================
``uploads/incoming/``                                     files that are being received
``uploads/overflow/<organization>/<uuid>``                batches of rows, for as long as a client may ask again
``uploads/attachments/<organization>/<xx>/<digest>.json`` what is known of an attachment: :class:`Record`
``uploads/attachments/<organization>/<xx>/<digest>``      the attachment itself, from the moment it is whole
========================================================  ==================================================

The key of an attachment is whatever the client says, so the name of its file is a digest of it, and nothing a client
says is ever part of a path; the ids of organizations and of overflows are our own. An attachment never changes once
it is there: rows refer to it.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import uuid4

import msgspec

from btql_server.http.errors import HttpError
from btql_server.http.upload import INCOMING, Upload
from btql_storage.errors import from_os_error

OVERFLOW_S = 24 * 3_600
"""How long an uploaded batch is kept: an SDK that got no answer sends its request again."""
SWEEP_EVERY_S = 600


class Record(msgspec.Struct, frozen=True):
    """What a client says about an attachment."""

    key: str
    filename: str
    content_type: str
    error: str | None = None
    """Why its upload failed, as the client saw it."""


# Made by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
record_of = msgspec.json.Decoder(Record).decode


class Uploads(Protocol):
    """The uploads of one database; safe from several threads."""

    def record(self, org_id: str, key: str) -> Record | None:
        """Return what is known of an attachment; None for one that was never announced."""
        ...

    def announce(self, org_id: str, record: Record) -> None:
        """Note what is known of an attachment, durably. What was said of one that is there stays."""
        ...

    def has(self, org_id: str, key: str) -> bool:
        """Return whether an attachment was uploaded."""
        ...

    def opened(self, org_id: str, key: str) -> BinaryIO | None:
        """Return an attachment, open to be read; None where it was not uploaded."""
        ...

    def keep(self, org_id: str, key: str, upload: Upload) -> None:
        """Make what was uploaded the attachment, durably; a 409 where there is another one already."""
        ...

    def keep_overflow(self, org_id: str, overflow_id: str, upload: Upload) -> None:
        """Keep an uploaded batch for a while."""
        ...

    def overflow(self, org_id: str, overflow_id: str) -> bytes | None:
        """Return an uploaded batch; None where there is none."""
        ...

    def sweep(self) -> None:
        """Remove batches that nobody will ask for, and what a crash left half received; now and then."""
        ...


class Files:
    """The uploads of a database in a folder."""

    def __init__(self, data: Path) -> None:
        self._root = data / "uploads"
        self._incoming = data / INCOMING
        self._swept = 0.0

    def record(self, org_id: str, key: str) -> Record | None:
        """Return what is known of an attachment; None for one that was never announced."""
        try:
            return record_of(self._record_path(org_id, key).read_bytes())
        except FileNotFoundError:
            return None

    def announce(self, org_id: str, record: Record) -> None:
        """Note what is known of an attachment, durably. What was said of one that is there stays."""
        path = self._record_path(org_id, record.key)
        if not self.has(org_id, record.key):
            self._write(path, msgspec.json.encode(record))

    def has(self, org_id: str, key: str) -> bool:
        """Return whether an attachment was uploaded."""
        return self._attachment_path(org_id, key).exists()

    def opened(self, org_id: str, key: str) -> BinaryIO | None:
        """Return an attachment, open to be read; None where it was not uploaded."""
        try:
            return self._attachment_path(org_id, key).open("rb")
        except FileNotFoundError:
            return None

    def keep(self, org_id: str, key: str, upload: Upload) -> None:
        """Make what was uploaded the attachment, durably; a 409 where there is another one already."""
        path = self._attachment_path(org_id, key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with upload.path.open("rb") as file:
                os.fsync(file.fileno())
            try:
                path.hardlink_to(upload.path)
            except FileExistsError:
                # A client that got no answer sends the same again.
                if not filecmp.cmp(path, upload.path, shallow=False):
                    raise HttpError(409, "there is another attachment with this key: they never change") from None
            self._sync_folders(path)
        except OSError as error:
            raise from_os_error(error, "write", path) from error

    def keep_overflow(self, org_id: str, overflow_id: str, upload: Upload) -> None:
        """Keep an uploaded batch for a while."""
        path = self._root / "overflow" / org_id / overflow_id
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            upload.path.replace(path)
        except OSError as error:
            raise from_os_error(error, "write", path) from error

    def overflow(self, org_id: str, overflow_id: str) -> bytes | None:
        """Return an uploaded batch; None where there is none."""
        try:
            return (self._root / "overflow" / org_id / overflow_id).read_bytes()
        except FileNotFoundError:
            return None

    def sweep(self) -> None:
        """Remove batches that nobody will ask for, and what a crash left half received; now and then."""
        now = time.time()
        if now < self._swept + SWEEP_EVERY_S:
            return
        self._swept = now
        for path in (*self._incoming.glob("*"), *(self._root / "overflow").glob("*/*")):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < now - OVERFLOW_S:
                    path.unlink()

    def _sync_folders(self, path: Path) -> None:
        """Make the name of a file durable, and the names of the folders that it is in, which may be new."""
        for folder in path.parents:
            _sync_folder(folder)
            if folder == self._root.parent:
                return

    def _record_path(self, org_id: str, key: str) -> Path:
        return self._attachment_path(org_id, key).with_suffix(".json")

    def _attachment_path(self, org_id: str, key: str) -> Path:
        digest = hashlib.sha256(key.encode()).hexdigest()
        return self._root / "attachments" / org_id / digest[:2] / digest

    def _write(self, path: Path, content: bytes) -> None:
        """Write or replace a small file, durably."""
        unfinished = self._incoming / uuid4().hex
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._incoming.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            self._sync_folders(path)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise from_os_error(error, "write", path) from error


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
