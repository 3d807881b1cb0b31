"""Where a result goes: standard output, or a file that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from btql.cli.console import Failure
from btql_storage.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def output(path: Path | None) -> Generator[BinaryIO]:
    """Open the place for a result; a file gets its name only when everything is in it, and keeps its mode."""
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif path.exists() and not path.is_file():
        # A pipe or a device has no half-written state to hide.
        with _named(path), create(path, path) as stream:
            yield stream
    else:
        yield from _whole(path)


def _whole(path: Path) -> Generator[BinaryIO]:
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with _named(path), create(part, path) as stream:
            if target.exists():
                # Whoever may not read the file may not read what takes its place, from its first byte on.
                part.chmod(stat.S_IMODE(target.stat().st_mode))
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Generator[None]:
    """Say what could not be written, where a full disk does not."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise Failure(f"cannot write {path}: {reason_of(error)}") from error


def create(path: Path, shown: Path) -> BinaryIO:
    """Open a file for writing, or say by the name that is shown why it cannot be."""
    try:
        return path.open("wb")
    except OSError as error:
        raise Failure(f"cannot write {shown}: {reason_of(error)}") from error
