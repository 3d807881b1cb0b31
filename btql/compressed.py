"""Files that are compressed as the end of their name says: ``.gz`` or ``.zst``."""

from __future__ import annotations

import gzip
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, cast

if TYPE_CHECKING:
    from collections.abc import Generator

COMPRESSED = (".gz", ".zst")
_GZIP_LEVEL = 4
_ZSTD_LEVEL = 3


@contextmanager
def compressed(file: BinaryIO, suffix: str) -> Generator[BinaryIO]:
    """Give a stream whose bytes are in the file compressed, or as they are where the suffix is another."""
    match suffix:
        case ".gz":
            # Neither name nor time go into the header: the same content, the same bytes.
            with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as sink:
                yield cast("BinaryIO", sink)
        case ".zst":
            import zstandard

            with zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(file, closefd=False) as sink:
                yield cast("BinaryIO", sink)
        case _:
            yield file
