"""The bytes of a new file in pieces, so that none is copied on its way there."""

from __future__ import annotations

import os
from zlib import crc32

_PIECES_AT_ONCE = 256
"""No system takes fewer in one call."""


class Gathered:
    """What was written, kept as it was handed over: who writes here changes none of it later."""

    closed = False
    """Asked by Arrow, as of any file."""

    def __init__(self) -> None:
        self.pieces: list[bytes | memoryview] = []
        self._size = 0

    @classmethod
    def of(cls, content: bytes | Gathered) -> Gathered:
        """Return the bytes of a file in pieces; mostly one."""
        if isinstance(content, Gathered):
            return content
        gathered = cls()
        gathered.write(content)
        return gathered

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return b"".join(self.pieces)

    def write(self, piece: bytes | memoryview) -> int:
        """Add a piece at the end; it may be a buffer of any kind."""
        self.pieces.append(piece if isinstance(piece, bytes) else memoryview(piece))
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Return how much was written."""
        return self._size

    def flush(self) -> None:
        """Do nothing: nobody sees what is here until it is asked for."""

    def close(self) -> None:
        """Do nothing: what was written is wanted."""

    def checksum(self) -> int:
        """Return the CRC-32 of all of it."""
        value = 0
        for piece in self.pieces:
            value = crc32(piece, value)
        return value

    def replace(self, old: bytes, new: bytes) -> int:
        """Put a text in place of another one as long, in pieces that are bytes; return in how many of them it was."""
        assert len(old) == len(new), "nothing else moves"
        found = 0
        for place, piece in enumerate(self.pieces):
            if isinstance(piece, bytes) and old in piece:
                self.pieces[place] = piece.replace(old, new)
                found += 1
        return found

    def write_to(self, descriptor: int) -> None:
        """Write all of it to an open file; raises OSError."""
        rest = [piece for piece in self.pieces if len(piece)]
        while rest:
            written = os.writev(descriptor, rest[:_PIECES_AT_ONCE])
            done = 0
            while done < len(rest) and written >= len(rest[done]):
                written -= len(rest[done])
                done += 1
            rest = rest[done:]
            if written:
                rest[0] = memoryview(rest[0])[written:]
