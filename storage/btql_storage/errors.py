"""Everything that can go wrong in storage, as one tree.

::

    StorageError                 what every caller may catch
    ├── NotADatabase   S0101     the folder holds something else, or nothing
    ├── NewerFormat    S0102     written by a later version of btql
    ├── ReadOnly       S0103     the folder, or the way it was opened, forbids writing
    ├── Locked         S0104     another process held a lock for too long
    ├── DiskFull       S0105     no space, quota or file-size limit left
    ├── AccessDenied   S0106     the operating system refused
    ├── InputOutput    S0107     any other failure of a disk; a BadFile, too
    ├── NoMoreFiles    S0107     as many files are open as may be
    ├── Damaged        S0108     a file is not what it should be; a BadFile, too
    ├── TailTooLarge   S0109     too much is waiting for compaction to be read in memory
    ├── TooFarBehind   S0110     too much is waiting for compaction to take in more
    ├── BadLocation    S0111     the address or the configuration of a database is wrong
    ├── Unreachable    S0112     a service does not answer: a bucket, PostgreSQL or Redis
    ├── NotInstalled   S0113     a library for a service is missing
    ├── OtherDatabase  S0114     services that were given belong to different databases
    ├── Quarantined    S0115     a part was found damaged and is not read; it is Damaged, too
    ├── BadEvent       S0201     one event of a request cannot be stored
    ├── TooManyEvents  S0202     a request is larger than one transaction may be
    ├── UnknownObject  S0203     no such object
    ├── Closed         S0204     the storage or snapshot was closed
    ├── VersionGone    S0205     rows as they were before a compaction
    ├── LimitExceeded  S0206     one event of a request is beyond a limit; a BadEvent, too
    ├── BadSetting     S0207     a setting has a value that it cannot have
    └── BadText        S0208     a name has a character that the catalog's database cannot keep

Every error is one line: ``message; help``. After any of them the database is as
it was before the call, so the call may simply be repeated. The exceptions say so in
their line: a disk that fails in the middle of a failure, a service that goes away in the
middle of a write.
"""

# ruff: noqa: N818  the names are read in `except` clauses, where Error says nothing more

from __future__ import annotations

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import ClassVar

MAYBE_STORED = "what the request holds may be stored or not: look before repeating the call"
"""The way out where nobody can tell what became of a write."""


class Error(Exception):
    """What btql raises on purpose, here and on the floors above: ``btql.Error``."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle it as it is, for another process: what it was made from is not kept."""
        return _made_again, (type(self), self.args), vars(self)


def _made_again(kind: type[Error], args: tuple[object, ...]) -> Error:
    return kind.__new__(kind, *args)


class StorageError(Error):
    """A storage call that did not happen, with the reason and the way out."""

    default_code: ClassVar[str] = "S0100"

    def __init__(self, message: str, way_out: str | None = None, *, code: str | None = None) -> None:
        self.code = code or self.default_code
        self.message = message
        self.help = way_out
        super().__init__(message if way_out is None else f"{message}; {way_out}")


class NotADatabase(StorageError):
    """The folder holds something else, or nothing."""

    default_code = "S0101"


class NotYetMade(NotADatabase):
    """Nobody has made the tables yet that are asked for."""


class NewerFormat(StorageError):
    """The files were written by a later version of btql."""

    default_code = "S0102"


class ReadOnly(StorageError):
    """The folder, or the way it was opened, forbids writing."""

    default_code = "S0103"


class Locked(StorageError):
    """Another process held a lock for longer than we wait."""

    default_code = "S0104"


class DiskFull(StorageError):
    """No space, quota or file-size limit is left."""

    default_code = "S0105"


class AccessDenied(StorageError):
    """The operating system refused the access."""

    default_code = "S0106"


class BadFile(StorageError):
    """Something is wrong with a file itself; the other errors are of what is in the way to it, or to what is in it."""


class InputOutput(BadFile):
    """A disk failed in some other way."""

    default_code = "S0107"


class NoMoreFiles(StorageError):
    """As many files are open as the process or the machine may have."""

    default_code = "S0107"


class Damaged(BadFile):
    """A file is missing or is not what it should be."""

    default_code = "S0108"


class Quarantined(Damaged):
    """A part was found damaged before, and is not read until it is repaired."""

    default_code = "S0115"


class TailTooLarge(StorageError):
    """Too much is waiting for compaction to be read in memory."""

    default_code = "S0109"


class TooFarBehind(StorageError):
    """Too much is waiting for compaction to take in more; nothing was written."""

    default_code = "S0110"


class BadLocation(StorageError):
    """The address or the configuration of a database is wrong."""

    default_code = "S0111"


class Unreachable(StorageError):
    """A service does not answer, or says that it cannot just now: a bucket, PostgreSQL or Redis."""

    default_code = "S0112"


class NotInstalled(StorageError):
    """A library is missing that a service is used through."""

    default_code = "S0113"

    def __init__(self, library: str, what_for: str, extra: str = "cloud") -> None:
        super().__init__(f"{what_for} needs the library `{library}`", f"pip install 'btql[{extra}]'")


class OtherDatabase(StorageError):
    """The services that were given belong to different databases, or are not all that this one needs."""

    default_code = "S0114"


class BadEvent(StorageError):
    """One event of a request cannot be stored, so nothing of the request was."""

    default_code = "S0201"

    def __init__(self, index: int, reason: str, field: str | None = None, way_out: str | None = None) -> None:
        self.index = index
        self.reason = reason
        self.field = field
        """The top-level key that is wrong, where it is one."""
        super().__init__(f"event {index + 1} of the request: {reason}", way_out)


class LimitExceeded(BadEvent):
    """One event of a request is larger, deeper or wider than a limit allows."""

    default_code = "S0206"

    def __init__(self, index: int, reason: str, limit: str, way_out: str) -> None:
        super().__init__(index, reason, None, way_out)
        self.limit = limit
        """The name of the limit (:mod:`btql_storage.limits`)."""


class TooManyEvents(StorageError):
    """A request is larger than one transaction may be."""

    default_code = "S0202"


class UnknownObject(StorageError):
    """No object has that kind and name."""

    default_code = "S0203"


class Closed(StorageError):
    """The storage or snapshot was closed before this call."""

    default_code = "S0204"


class VersionGone(StorageError):
    """Rows as they were at an earlier version cannot be told any more."""

    default_code = "S0205"

    def __init__(self, version: int, oldest: int) -> None:
        self.oldest = oldest
        """The oldest version that can be read."""
        super().__init__(f"version {version} is gone", f"the oldest that can still be read is {oldest}")


class BadSetting(StorageError):
    """A setting has a value that it cannot have."""

    default_code = "S0207"


class BadText(StorageError):
    """A name or text has a character that the database of the catalog cannot keep."""

    default_code = "S0208"


@contextmanager
def explained(action: str, path: str | os.PathLike[str]) -> Generator[None]:
    """Let an operating system error out of the block as what it means."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, action, path) from error


@contextmanager
def values_of_catalog() -> Generator[None]:
    """Let out of the block, as damage, what values of the catalog cannot be: nothing has checksums of these."""
    try:
        yield
    except (ValueError, KeyError, TypeError, IndexError) as error:
        message = f"the catalog has values that nobody wrote: {error}"
        raise Damaged(message, "`btql repair --catalog` makes it again from the files") from error


def from_os_error(error: OSError, action: str, path: str | os.PathLike[str]) -> StorageError:
    """Say in one line what an operating system error means for the reader."""
    text = f"cannot {action} `{os.fspath(path)}`"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return DiskFull(f"{text}: {reason_of(error)}", "free some space and try again, nothing was changed")
    if error.errno == errno.EROFS:
        return ReadOnly(f"{text}: {reason_of(error)}", "open the database read-only or copy it elsewhere")
    if error.errno in (errno.EACCES, errno.EPERM):
        return AccessDenied(f"{text}: {reason_of(error)}", "check owner and permissions of the folder")
    if error.errno == errno.ENOENT:
        return Damaged(f"{text}: {reason_of(error)}", "restore the folder from a backup")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return NoMoreFiles(f"{text}: {reason_of(error)}", "let the process have more files open (`ulimit -n`)")
    return InputOutput(f"{text}: {reason_of(error)}", "check the disk and try again")


def reason_of(error: OSError) -> str:
    """Return what the system says of an error, without its number, in lower case."""
    return (error.strerror or str(error)).lower()
