"""What all files of a part have in common: their format version, and how they fail."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_storage.errors import Damaged, NewerFormat, from_os_error
from btql_storage.part.format import FORMAT_KEY, FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

FORMAT_METADATA: dict[bytes | str, bytes | str] = {FORMAT_KEY: str(FORMAT_VERSION)}


def check_format(path: Path, metadata: Mapping[bytes, bytes] | None) -> None:
    """Raise unless this version of btql can read a file with this Arrow metadata."""
    text = (metadata or {}).get(FORMAT_KEY, b"").decode(errors="replace")
    if not text.isdecimal():
        raise Damaged(f"`{path}` does not say which format it has", "restore it from a backup")
    if int(text) > FORMAT_VERSION:
        raise NewerFormat(
            f"`{path}` has format {text} and this version of btql reads formats up to {FORMAT_VERSION}",
            "install a newer btql",
        )


@contextmanager
def read_errors(path: Path) -> Generator[None]:
    """Turn what can go wrong in reading ``path`` into an error that names it."""
    try:
        yield
    except pa.ArrowException as error:
        raise cannot_read(path, error) from error
    except OSError as error:
        # Without a number it is Arrow that cannot make sense of what it read.
        if error.errno is None:
            raise cannot_read(path, error) from error
        raise from_os_error(error, "read", path) from error


def read_columns(path: Path, names: Sequence[str]) -> pa.Table:
    """Return some columns of a Parquet file, of all its rows."""
    import pyarrow.parquet as pq

    # `read_table` imports Arrow's package for datasets first.
    with read_errors(path), pq.ParquetFile(path, memory_map=True) as file:
        return file.read(columns=list(names))


def cannot_read(path: Path, why: object) -> Damaged:
    """Return the error for a file whose content makes no sense."""
    reason = " ".join(str(why).split())
    return Damaged(f"cannot read `{path}`: {reason}", "`btql repair` says what can be done")


@contextmanager
def write_errors(path: Path) -> Generator[None]:
    """Turn what can go wrong in writing ``path`` into an error that names it."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, "write", path) from error


def sync_tree(folder: Path) -> None:
    """Make a folder durable: all files in it, their names, and its own name."""
    for path in sorted(folder.rglob("*")):
        _sync(path)
    _sync(folder)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
