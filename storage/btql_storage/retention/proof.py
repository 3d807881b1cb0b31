"""The proof of a purge: nothing of what was deleted is in any file, read again from the files themselves.

Three questions, each answered by reading:

- does any file of the object, part or log, have a row with an id that was deleted, or, of a row that was written
  again, a version from before?
- is there a part that the catalog does not count as live, a log file from before the purge with events of it, or
  anything that a repair has set aside?
- where texts are given: is any of them in any file, of this object or another, in whatever form
  (:mod:`~btql_storage.retention.search`), or in a table of the catalog?
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from btql_storage.catalog.shapes import ObjectInfo
from btql_storage.folder import Folder
from btql_storage.format import PARTS, WAL, part_name, wal_name
from btql_storage.keys import fingerprints
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROWS_FILE, TEXT_FOLDER
from btql_storage.part.objects import TEXT_FILE, is_there
from btql_storage.retention.answers import are_elsewhere
from btql_storage.retention.batches import batches_of
from btql_storage.retention.log import log_files
from btql_storage.retention.past import deleted_past
from btql_storage.retention.search import Found, Search
from btql_storage.retention.set_aside import files_set_aside
from btql_storage.stores.local import LocalStore

_UPLOADS = "uploads"
_FREED = "blocks of disks that were freed and not yet written over"
_COPIES = "copies made before: backups, exports, snapshots of the disk"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was read after a purge, and what was found."""

    files: int = 0
    """How many files were read."""
    bytes: int = 0
    ids: int = 0
    """How many ids of deleted rows were sought."""
    texts: int = 0
    """How many texts were sought."""
    found: Sequence[Found] = ()
    """What is still there; nothing where the purge is proved."""
    beyond: Sequence[str] = field(default=(_FREED, _COPIES))
    """What no program can see that reads files."""

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.found


def prove(folder: Folder, target: ObjectInfo, last: int, ids: Collection[str], texts: Sequence[str]) -> Proof:
    """Read all that is left."""
    found = [*_leftovers(folder, target, last), *_ids(folder, target, ids)]
    search = Search(texts)
    files = size = 0
    for name, path in _files(folder):
        # Files of others, a server's or a client's upload, come and go meanwhile.
        with suppress(FileNotFoundError):
            size += path.stat().st_size
            files += 1
            found += [Found(name, text) for text in (search.file(path) if texts else ())]
    if texts:
        tables = ((f"table {table} of the catalog", value) for table, value in folder.catalog.values())
        found += [Found(where, text) for where, value in (*_uploads(folder), *tables) for text in search.value(value)]
    return Proof(files, size, len(ids), len(texts), sorted(set(found)), (_FREED, _COPIES, *_beyond(folder)))


def _leftovers(folder: Folder, target: ObjectInfo, last: int) -> Iterator[Found]:
    """Yield parts and log files that should not be there."""
    live, replaced = folder.catalog.live_part_ids()
    known = {str(part_id) for part_id in live | (replaced - set(folder.catalog.deleted.replaced_parts(target.id)))}
    for name in folder.store.list(PARTS):
        if name not in known and is_there(folder.store, f"{PARTS}/{name}"):
            yield Found(f"{PARTS}/{name}", "a part that is no longer in use")
    for name, _ in batches_of(folder.store, target.name):
        yield Found(name, "rows of the object, as a client sent them")
    yield from (Found(name, "a repair has set it aside") for name, _ in files_set_aside(folder))
    for number in log_files(folder):
        if number < last and len(folder.wal.file(number).rows_of(target.id)):
            yield Found(f"{WAL}/{wal_name(number)}", "events from before the purge")
    for part in folder.catalog.view(target.id).parts:
        if len(part.superseded):
            yield Found(part_name(part.id), "rows that are no longer current")
    for past in deleted_past(folder, folder.catalog.view(target.id, 0)):
        for one in sorted(past.ids):
            yield Found(part_name(past.one.part.id), f"the id {one}, from before it was deleted")


def _ids(folder: Folder, target: ObjectInfo, ids: Collection[str]) -> Iterator[Found]:
    """Yield the files that have rows with ids that were deleted."""
    if not ids:
        return
    sought = fingerprints(ids)
    view = folder.catalog.view(target.id, 0)
    for info in (*view.parts, *(one.part for one in view.history)):
        part = folder.parts.get(info)
        candidates = part.lookup("id", sought)
        # Fingerprints may collide, so the ids themselves decide.
        if len(candidates):
            there = set(part.documents(candidates, ["id"]).column("id").to_pylist())
            yield from (Found(part_name(info.id), f"the id {one}") for one in sorted(there.intersection(ids)))


def _files(folder: Folder) -> Iterator[tuple[str, Path]]:
    """Yield every file with a name for it: of a folder all that is in it, of a bucket all that a database has there."""
    if isinstance(folder.store, LocalStore):
        root = folder.store.root
        yield from ((path.relative_to(root).as_posix(), path) for path in sorted(root.rglob("*")) if path.is_file())
        return
    for name in map(wal_name, log_files(folder)):
        yield f"{WAL}/{name}", folder.store.file(f"{WAL}/{name}")
    # What a list lacks is known from the catalog, and what it has may be gone.
    for part in sorted({*folder.store.list(PARTS), *map(str, set.union(*folder.catalog.live_part_ids()))}):
        for file in (COLUMNS_FILE, ROWS_FILE, KEYS_FILE):
            if folder.store.size(f"{PARTS}/{part}/{file}"):
                yield f"{PARTS}/{part}/{file}", folder.store.file(f"{PARTS}/{part}/{file}")
        if folder.store.size(f"{PARTS}/{part}/{TEXT_FILE}"):
            text = folder.store.folder(f"{PARTS}/{part}/{TEXT_FOLDER}")
            yield from ((f"{PARTS}/{part}/{TEXT_FOLDER}/{path.name}", path) for path in sorted(text.iterdir()))


def _uploads(folder: Folder) -> Iterator[tuple[str, bytes]]:
    """Yield what clients have uploaded to a bucket; in a folder it is among the other files."""
    if isinstance(folder.store, LocalStore):
        return
    for name in folder.store.sizes(_UPLOADS):
        content = folder.store.read(f"{_UPLOADS}/{name}")
        if content is not None:
            yield f"{_UPLOADS}/{name}", content


def _beyond(folder: Folder) -> Iterator[str]:
    if not isinstance(folder.store, LocalStore):
        yield "earlier versions of objects, where the bucket keeps them"
        yield "what was stored for nobody in the last seconds, where the bucket lists it late"
        yield "copies on other machines, until a process there that uses the database tidies up, for about a minute"
    if are_elsewhere(folder):
        yield "answers of queries in the background, which each server keeps for a day on its own disk"
    yield from folder.catalog.database.beyond_scrubbing
