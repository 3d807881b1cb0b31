"""A folder as one object: a plain tar file, made and taken apart in passing.

A text index has some ten small files, and each request to a bucket takes as long as reading megabytes. Nothing is
compressed: the index is.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from shutil import copyfileobj
from typing import IO, cast

ARCHIVE = ".tar"
"""Ends the name of such an object, after that of the folder."""
_CHUNK_BYTES = 1 << 20
_LEFT_OUT = ".lock"
"""Ends the names of files that mean something to processes of one machine only."""


def packed(folder: Path) -> Iterator[bytes]:
    """Yield the tar file of a folder's files, piece by piece."""
    for path in sorted(folder.iterdir()):
        if path.suffix == _LEFT_OUT:
            continue
        header = tarfile.TarInfo(path.name)
        header.size = path.stat().st_size
        yield header.tobuf(tarfile.USTAR_FORMAT)
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
        yield bytes(-header.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def packed_bytes(sizes: Iterable[int]) -> int:
    """Return how large the tar file of files with these sizes is."""
    blocks = sum(1 + -(-size // tarfile.BLOCKSIZE) for size in sizes)
    return (blocks + 2) * tarfile.BLOCKSIZE


def unpack(chunks: Iterator[bytes], folder: Path) -> None:
    """Write the files of a tar file to a new folder; raises tarfile.TarError where it is none."""
    folder.mkdir()
    stream = cast("IO[bytes]", _Stream(chunks))
    with tarfile.open(fileobj=stream, mode="r|", bufsize=_CHUNK_BYTES) as archive:
        for member in archive:
            source = archive.extractfile(member)
            # Only the plain files of one folder were packed; a name that leads elsewhere is not ours.
            if source is None or Path(member.name).name != member.name:
                continue
            with (folder / member.name).open("wb") as file:
                copyfileobj(source, file, _CHUNK_BYTES)


class _Stream:
    """Pieces as a file that can be read once, from front to back."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return the next bytes; fewer only at the end."""
        pieces: list[bytes] = []
        while size:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                if not self._rest:
                    break
            pieces.append(self._rest[:size])
            self._rest = self._rest[size:]
            size -= len(pieces[-1])
        return b"".join(pieces)
