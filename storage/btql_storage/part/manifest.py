"""``part.json``: what a part's folder holds, and whose it is.

It is the last file that is written, so a folder with one is complete. It says of every other file how large it is
and what its SHA-256 is, and it repeats what the catalog knows of the part and no other file tells: the object, the
segment and the statistics. So damage to any file can be found, and a catalog that was lost can be made again
(:mod:`btql_storage.care`). Each block of documents has a checksum of its own: when some are damaged, the others
can still be told to be sound. Parts that were written before there were manifests have none, and are read all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

import msgspec
import pyarrow as pa

from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.checksums import file_checksum, is_sealed, open_seal, seal
from btql_storage.errors import Damaged, NewerFormat, from_os_error
from btql_storage.part.documents import DOCUMENT_SCHEMA
from btql_storage.part.files import FORMAT_METADATA, check_format, read_errors
from btql_storage.part.format import FORMAT_VERSION, ROWS_FILE, PartStats

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from btql_storage.part.format import StatsJson

MANIFEST_FILE = "part.json"
_MAGIC_BYTES = 8
UNTIL_FILE = "until.arrow"
"""Of a part of the history: when each of its rows ended."""


class FileNote(msgspec.Struct, frozen=True):
    """What a file is."""

    bytes: int
    sha256: str


class BlockNote(msgspec.Struct, frozen=True, array_like=True):
    """Where a block of ``rows.arrow`` is, as a message of Arrow's stream format."""

    offset: int
    bytes: int
    rows: int
    crc32: int


class Owner(msgspec.Struct, frozen=True):
    """Whose a part is."""

    object_id: int
    kind: str
    name: str
    segment_id: int


class Manifest(msgspec.Struct, frozen=True):
    """What ``part.json`` says."""

    format: int
    part: int
    owner: Owner
    history: bool
    """Whether its rows are of the past."""
    stats: dict[str, Any]
    file_bytes: dict[str, int]
    files: dict[str, FileNote]
    """Every other file of the folder, by its path there."""
    seal: str
    blocks: list[BlockNote] = []

    def part_stats(self) -> PartStats:
        """Return the statistics."""
        return PartStats.from_json(cast("StatsJson", self.stats))


# Made by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
_manifest = msgspec.json.Decoder(Manifest).decode


def write_manifest(
    folder: Path, part_id: int, owner: Owner, stats: PartStats, file_bytes: Mapping[str, int], *, history: bool
) -> None:
    """Write what the files of a finished part are; raises OSError."""
    content = manifest_of(folder, part_id, owner, stats, file_bytes, history=history)
    (folder / MANIFEST_FILE).write_bytes(content)


def manifest_of(
    folder: Path, part_id: int, owner: Owner, stats: PartStats, file_bytes: Mapping[str, int], *, history: bool
) -> bytes:
    """Return the manifest of the files of a part; raises OSError."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
    files = {path.relative_to(folder).as_posix(): FileNote(path.stat().st_size, file_checksum(path)) for path in paths}
    opened = open_seal()
    known, sizes = dict(stats.to_json()), dict(file_bytes)
    manifest = Manifest(
        FORMAT_VERSION, part_id, owner, history, known, sizes, files, opened.decode(), _blocks(folder / ROWS_FILE)
    )
    content = bytearray(msgspec.json.encode(manifest) + b"\n")
    seal(content, opened)
    return bytes(content)


def write_until(folder: Path, until: NDArray[np.int64]) -> None:
    """Write when the rows of a part of the history ended; raises OSError."""
    (folder / UNTIL_FILE).write_bytes(until_bytes(until))


def until_bytes(until: NDArray[np.int64]) -> bytes:
    """Return the bytes of the file that says when rows ended."""
    batch = pa.record_batch([from_numpy(until)], names=["until"])
    schema = batch.schema.with_metadata(FORMAT_METADATA)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, schema, options=options) as file:
        file.write_batch(batch.replace_schema_metadata(FORMAT_METADATA))
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read_until(path: Path) -> NDArray[np.int64]:
    """Return when the rows of a part of the history ended."""
    with read_errors(path):
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        check_format(path, file.schema.metadata)
        return to_numpy(file.get_batch(0).column(0)).astype("<i8")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest; Damaged where it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise from_os_error(error, "read", path) from error
    try:
        manifest = _manifest(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(path, str(error)) from error
    if not is_sealed(content, manifest.seal.encode()):
        raise _damaged(path, "its checksum does not hold")
    if manifest.format > FORMAT_VERSION:
        raise NewerFormat(
            f"`{path}` has format {manifest.format}, this btql reads up to {FORMAT_VERSION}", "install a newer btql"
        )
    return manifest


def _blocks(path: Path) -> list[BlockNote]:
    """Return where the blocks of documents are, and their checksums."""
    options = pa.ipc.IpcReadOptions(included_fields=[DOCUMENT_SCHEMA.get_field_index("xact_id")])
    source = pa.memory_map(str(path))
    rows = pa.ipc.open_file(source, options=options)
    content = memoryview(source.read_buffer())
    source.seek(_MAGIC_BYTES)
    messages = pa.ipc.MessageReader.open_stream(source)
    messages.read_next_message()
    notes: list[BlockNote] = []
    for number in range(rows.num_record_batches):
        start = source.tell()
        messages.read_next_message()
        end = source.tell()
        notes.append(BlockNote(start, end - start, rows.get_batch(number).num_rows, crc32(content[start:end])))
    return notes


def _damaged(path: Path, reason: str) -> Damaged:
    return Damaged(f"the manifest `{path}` is damaged: {reason}", "run `btql repair` on the database")
