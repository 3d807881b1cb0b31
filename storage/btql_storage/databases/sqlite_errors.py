"""What the errors of SQLite mean."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from btql_storage.errors import (
    AccessDenied,
    Damaged,
    DiskFull,
    InputOutput,
    Locked,
    NoMoreFiles,
    ReadOnly,
    StorageError,
    from_os_error,
)
from btql_storage.format import CATALOG


def told(error: sqlite3.Error, path: Path) -> StorageError:
    """Return what an error of SQLite means for the reader."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = f"catalog `{path}`: {error}"
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
        # The side file that its users share cannot grow; SQLite calls that a disk that fails.
        code, text = sqlite3.SQLITE_FULL, f"cannot write `{path}-shm`: no space left on device"
    match code:
        case sqlite3.SQLITE_FULL:
            return DiskFull(text, "free some space and try again, nothing was changed")
        case sqlite3.SQLITE_READONLY:
            return ReadOnly(text, "open the database read-only or copy it elsewhere")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return Locked(text, "wait for the other process to finish and try again")
        case sqlite3.SQLITE_CANTOPEN if _is_on_read_only_disk(path):
            return ReadOnly(text, "open the database read-only or copy it elsewhere")
        case sqlite3.SQLITE_CANTOPEN if (why := _why_not_opened(path)) is not None:
            return why
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return AccessDenied(text, "check owner and permissions of the folder")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            # Of the other files that there are, such as a registry, nothing else has what is in them.
            is_catalog = path.name == CATALOG
            return Damaged(
                text, "`btql repair` makes it again from the files" if is_catalog else "restore it from a backup"
            )
        case _:
            return InputOutput(text, "check the disk and try again")


def _why_not_opened(path: Path) -> StorageError | None:
    """Return what keeps a file from being opened where it is not its permissions; SQLite does not say."""
    try:
        os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        why = from_os_error(error, "open", path)
        return why if isinstance(why, NoMoreFiles | InputOutput) else None
    return None


def _is_on_read_only_disk(path: Path) -> bool:
    with suppress(OSError):
        return bool(os.statvfs(path.parent).f_flag & os.ST_RDONLY)
    return False
