"""Compression of answers: zstd where the client takes it, else gzip; small answers go as they are."""

from __future__ import annotations

import re
import zlib
from typing import Protocol

from btql_server.http.answer import Answer

SMALLEST = 1_024
"""A body with fewer bytes is not worth it."""
_TEXTUAL = re.compile(r"text/|application/(json|x-jsonlines|x-ndjson|javascript|vnd.apache.arrow)|image/svg")
_ACCEPTED = re.compile(r"\s*([\w*-]+)\s*(?:;\s*q=(\d+(?:\.\d*)?))?", re.ASCII)


class Compressor(Protocol):
    """A stream compressor."""

    name: str

    def add(self, data: bytes) -> bytes:
        """Take bytes, and return what can be sent already."""
        ...

    def end(self) -> bytes:
        """Return the rest."""
        ...


class Gzip:
    """gzip at a low level: loopback and local networks are fast."""

    name = "gzip"

    def __init__(self) -> None:
        self._stream = zlib.compressobj(1, zlib.DEFLATED, 31)

    def add(self, data: bytes) -> bytes:
        """Take bytes, and return what can be sent already."""
        return self._stream.compress(data)

    def end(self) -> bytes:
        """Return the rest."""
        return self._stream.flush()


class Zstd:
    """zstd at its fastest ordinary level."""

    name = "zstd"

    def __init__(self) -> None:
        import zstandard

        self._stream = zstandard.ZstdCompressor(level=1).compressobj()

    def add(self, data: bytes) -> bytes:
        """Take bytes, and return what can be sent already."""
        return self._stream.compress(data)

    def end(self) -> bytes:
        """Return the rest."""
        return self._stream.flush()


def compress(compressor: Compressor, data: bytes) -> bytes:
    """Return all of some bytes, compressed."""
    return compressor.add(data) + compressor.end()


def compressor_for(accepted: str, answer: Answer) -> Compressor | None:
    """Return a compressor that the client takes, where it pays."""
    if "content-encoding" in answer.headers or not _TEXTUAL.match(answer.media):
        return None
    if "no-transform" in answer.headers.get("cache-control", ""):
        return None
    if isinstance(answer.body, bytes) and len(answer.body) < SMALLEST:
        return None
    names = {name.lower() for name, quality in _ACCEPTED.findall(accepted) if quality == "" or float(quality or 0) > 0}
    if "zstd" in names:
        return Zstd()
    return Gzip() if "gzip" in names else None
