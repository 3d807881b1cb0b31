"""Checksums: how it is known that a file is what was written.

A *sealed* file has its checksum inside: a text of :data:`SEAL_CHARS` characters, drawn anew for each file so that it
occurs nowhere else, whose last eight give the CRC-32 of the whole file with zeros in their places. An Arrow file
repeats its metadata at its end, so the text may be there twice. Files that are made in a folder of their own have
their SHA-256 in its manifest (:mod:`btql_storage.part.manifest`).
"""

from __future__ import annotations

import hashlib
import mmap
import os
from pathlib import Path
from typing import TypeAlias
from zlib import crc32

from btql_storage.gathered import Gathered

_NONCE_BYTES = 8
_CRC_CHARS = 8
SEAL_CHARS = 2 * _NONCE_BYTES + _CRC_CHARS
_ZEROS = b"0" * _CRC_CHARS
Content: TypeAlias = "bytes | bytearray | mmap.mmap"


def open_seal() -> bytes:
    """Return the text to write into a file where its seal will be."""
    return os.urandom(_NONCE_BYTES).hex().encode() + _ZEROS


def seal(content: bytearray, opened: bytes) -> None:
    """Write the checksum into a file that has an open seal, once or twice."""
    checksum = b"%08x" % crc32(content)
    holes = _holes(content, opened)
    assert holes, "the file has the seal"
    for hole in holes:
        content[hole : hole + _CRC_CHARS] = checksum


def seal_gathered(content: Gathered, opened: bytes) -> None:
    """Write the checksum into a file that is still in pieces; the seal is in some that are bytes."""
    found = content.replace(opened, opened[:-_CRC_CHARS] + b"%08x" % content.checksum())
    assert found, "the file has the seal"


def is_sealed(content: Content, sealed: bytes) -> bool:
    """Return whether a file is what was sealed; ``sealed`` is the text as the file has it."""
    if len(sealed) != SEAL_CHARS:
        return False
    value = start = 0
    with memoryview(content) as view:
        for hole in _holes(content, sealed):
            value = crc32(_ZEROS, crc32(view[start:hole], value))
            start = hole + _CRC_CHARS
        return b"%08x" % crc32(view[start:], value) == sealed[-_CRC_CHARS:]


def is_file_sealed(path: Path, sealed: bytes) -> bool:
    """Return whether a file on disk is what was sealed; raises OSError."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return is_sealed(content, sealed)


def file_checksum(path: Path) -> str:
    """Return the SHA-256 of a file; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of some bytes."""
    return hashlib.sha256(content).hexdigest()


def _holes(content: Content, sealed: bytes) -> list[int]:
    """Return where the checksum stands, in order."""
    found = {content.find(sealed), content.rfind(sealed)} - {-1}
    return [place + len(sealed) - _CRC_CHARS for place in sorted(found)]
