"""Read documents from files, URLs and standard input in batches of bounded size: NDJSON, and what exports are.

Gzip and Zstandard are known by their first bytes, not by the file's name, and
several members one after the other are read as one text. A batch ends after
10,000 lines or 16 MiB, whichever comes first, so memory never follows the
input's size; a line over the limit of a document is not kept at all, only reported. Empty
lines are passed over but counted, so that every line number is the editor's.
"""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol, cast

from btql.cli.console import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from _typeshed import WriteableBuffer

STDIN = "-"
LINES_MAX = 10_000
BATCH_BYTES_MAX = 16 << 20
CHUNK_BYTES = 1 << 20

_MAGIC: dict[bytes, Literal["gzip", "zstd"]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PARQUET = b"PAR1"
_ARROW_FILE = b"ARROW1"
_ARROW_STREAM = b"\xff\xff\xff\xff"
_MAGIC_BYTES = 8


class _FileSystem(Protocol):
    """What we use of fsspec's filesystems, which have no types."""

    def open(self, path: str, mode: str) -> BinaryIO: ...

    def size(self, path: str) -> int | None: ...


@dataclass(slots=True)
class Batch:
    """Lines that belong into one transaction, without the empty ones."""

    lines: list[bytes] = field(default_factory=list[bytes])
    numbers: list[int] = field(default_factory=list[int])
    """The number of each line in its file, from 1."""
    size_bytes: int = 0
    too_long: list[int] = field(default_factory=list[int])
    """Numbers of the lines over the limit; their text is gone."""

    def full(self) -> bool:
        """Return whether the next line must go into another batch."""
        return len(self.lines) >= LINES_MAX or self.size_bytes >= BATCH_BYTES_MAX


class Input(io.RawIOBase):
    """A source of bytes that counts what was read, for the progress bar."""

    def __init__(self, name: str, stream: BinaryIO, size_bytes: int | None) -> None:
        super().__init__()
        self.name = name
        self.size_bytes = size_bytes
        """None for standard input and for servers that do not say."""
        self.read_bytes = 0
        self._stream = stream
        # From a pipe, take what is there and do not wait for more.
        self._read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)

    def readable(self) -> bool:
        """Say that this can be read."""
        return True

    def seekable(self) -> bool:
        """Say whether this can be read in any order."""
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go on elsewhere."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return where this goes on."""
        return self._stream.tell()

    def buffered(self) -> io.BufferedReader:
        """Return this with a buffer, to be read once."""
        return io.BufferedReader(self, CHUNK_BYTES)

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into ``buffer`` and count."""
        view = memoryview(buffer).cast("B")
        data = self._read(len(view))
        view[: len(data)] = data
        self.read_bytes += len(data)
        return len(data)


@contextmanager
def opened(name: str) -> Generator[Input]:
    """Open a path, a URL or ``-``; what cannot be opened is a :class:`Failure`."""
    if name == STDIN:
        yield Input("<stdin>", sys.stdin.buffer, None)
        return
    try:
        stream, size_bytes = _open(name)
    except (OSError, ValueError, ImportError) as error:
        raise Failure(f"cannot read {name}: {_reason(error)}") from error
    with stream:
        yield Input(name, stream, size_bytes)


def _open(name: str) -> tuple[BinaryIO, int | None]:
    if "://" not in name:
        stream = open(name, "rb")  # noqa: PTH123, SIM115 - closed by opened()
        stat = stream.seek(0, io.SEEK_END) if stream.seekable() else None
        if stat is not None:
            stream.seek(0)
        return stream, stat
    import fsspec

    filesystem, path = cast("tuple[_FileSystem, str]", fsspec.core.url_to_fs(name))
    return filesystem.open(path, "rb"), filesystem.size(path)


def batches(source: Input, line_bytes_max: int) -> Iterator[Batch]:
    """Yield the lines of ``source``, decompressed, as batches in file order; longer ones are only counted."""
    raw = source.buffered()
    if raw.peek(_MAGIC_BYTES).startswith((_PARQUET, _ARROW_FILE, _ARROW_STREAM)):
        raise Failure(f"{source.name} is Parquet or Arrow, and no NDJSON: `btql import` reads it")
    return _gathered(_numbered(source.name, raw, line_bytes_max), line_bytes_max)


def batches_of_any(source: Input, line_bytes_max: int) -> Iterator[Batch]:
    """Yield the documents of a Parquet, Arrow or NDJSON file as batches; its first bytes say which it is."""
    raw = source.buffered()
    start = raw.peek(_MAGIC_BYTES)[:_MAGIC_BYTES]
    if start.startswith(_PARQUET):
        from btql.moving.files import read_parquet

        if not source.seekable():
            raise Failure(f"{source.name}: Parquet is read from its end: give a file instead of a pipe")
        return _gathered(_rows(source.name, read_parquet(raw)), line_bytes_max)
    if start.startswith((_ARROW_FILE, _ARROW_STREAM)):
        from btql.moving.files import read_arrow

        if start.startswith(_ARROW_FILE):
            # A file is a stream behind its magic, with a directory at the end that nobody needs here.
            raw.read(_MAGIC_BYTES)
        return _gathered(_rows(source.name, read_arrow(raw)), line_bytes_max)
    return _gathered(_numbered(source.name, raw, line_bytes_max), line_bytes_max)


def _gathered(documents: Iterator[tuple[int, bytes | None]], bytes_max: int) -> Iterator[Batch]:
    batch = Batch()
    for number, line in documents:
        if batch.full():
            yield batch
            batch = Batch()
        if line is None or len(line) > bytes_max:
            batch.too_long.append(number)
        elif line and not line.isspace():
            batch.lines.append(line)
            batch.numbers.append(number)
            batch.size_bytes += len(line)
    if batch.lines or batch.too_long:
        yield batch


def _numbered(name: str, raw: io.BufferedReader, line_bytes_max: int) -> Iterator[tuple[int, bytes | None]]:
    number = 0
    try:
        for number, line in enumerate(_lines(_decompressed(raw), line_bytes_max), start=1):
            if number == 1 and line is not None:
                yield number, line.removeprefix(_BYTE_ORDER_MARK)
            else:
                yield number, line
    except (OSError, EOFError, ValueError) as error:
        raise Failure(f"{name}: cannot be read after line {number}: {_reason(error)}") from error


def _rows(name: str, documents: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    from btql.moving.documents import NoDocuments

    number = 0
    try:
        for number, document in enumerate(documents, start=1):
            yield number, document
    except NoDocuments as error:
        raise Failure(f"{name}: {error}") from error
    except (OSError, EOFError, ValueError) as error:
        raise Failure(f"{name}: cannot be read after row {number}: {_reason(error)}") from error


def _decompressed(raw: io.BufferedReader) -> Iterator[bytes]:
    start = raw.peek(4)[:4]
    codec = _MAGIC.get(start) or _MAGIC.get(start[:2])
    if codec is None:
        return iter(lambda: raw.read1(CHUNK_BYTES), b"")
    # Arrow's reader goes on after the first member and complains about a cut end;
    # the usual Zstandard readers stop silently at either.
    import pyarrow as pa

    stream = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), codec)
    return iter(lambda: stream.read(CHUNK_BYTES), b"")


def _lines(chunks: Iterator[bytes], line_bytes_max: int) -> Iterator[bytes | None]:
    """Yield lines without their break; None stands for a line that is too long."""
    open_line: list[bytes] = []
    open_bytes = 0
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        open_bytes += len(first)
        if open_bytes <= line_bytes_max:
            open_line.append(first)
        else:
            open_line.clear()
        if others:
            yield b"".join(open_line) if open_bytes <= line_bytes_max else None
            yield from others[:-1]
            open_line = [others[-1]]
            open_bytes = len(others[-1])
    if open_bytes:
        yield b"".join(open_line) if open_bytes <= line_bytes_max else None


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).splitlines()[0] if str(error) else type(error).__name__
