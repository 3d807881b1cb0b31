"""States: what the catalog knows of an object, as a file beside its data, so that a lost catalog can be made again.

Each compaction writes ``states/<object id>/<number>`` before the catalog is changed: which parts the object has
then, which of their rows are current, and which events are still to come. Parts and WAL files tell the rest
(:mod:`btql_storage.care.rebuild`). Numbers are those of parts, so they rise; of an object only the newest counts.

1. A state is complete: those before it are removed once the catalog has the change.
2. A state that was written for a change that did not come is right as well: its parts are there, they hold the events
   that it does not list, and what they replace is still there, too. Once another change has come instead, that
   one's state is newer.
3. That an object was deleted counts once it is its only state. As long as there are others the delete may not have come
   as far as the catalog, and what they list is there.
4. Events of files after ``processed_upto`` are to come, listed or not.

The file: eight bytes with the version, then MessagePack, compressed by zlib, whose checksum guards it. No value
that a client sent is in it, only names of objects and numbers.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from btql_storage.catalog import Assignment, ObjectInfo, RowNumbers, Swap
from btql_storage.errors import Damaged, NewerFormat, from_os_error
from btql_storage.later import np
from btql_storage.stores.interface import AlreadyThere

if TYPE_CHECKING:
    from btql_storage.folder import Folder
    from btql_storage.stores.interface import Store

STATES = "states"
_FORMAT_VERSION = 1
_MAGIC = b"btql-st"
_LEVEL = 1


class PartState(msgspec.Struct, frozen=True, array_like=True):
    """A live part."""

    id: int
    segment_id: int
    superseded: bytes = b""
    history: bool = False


class PendingState(msgspec.Struct, frozen=True, array_like=True):
    """Events of a WAL file that are not in a part."""

    xact_id: int
    segment_id: int
    rows: bytes
    json_bytes: int


class State(msgspec.Struct, frozen=True):
    """What is known of an object."""

    number: int
    object_id: int
    kind: str
    name: str
    processed_upto: int
    """The last WAL file whose events are in parts or pending."""
    compacted_upto: int
    segments: dict[int, int]
    """Each segment, with the events that were ever assigned to it."""
    parts: list[PartState]
    pending: list[PendingState]
    deleted_upto: int = 0
    """The last transaction whose events went with the object, where it was deleted as a whole."""
    deleted_at: int | None = None
    """When it was deleted, in Unix seconds; None where it is there."""

    def assignments(self) -> list[Assignment]:
        """Return the events that are not in a part."""
        return [Assignment(one.xact_id, one.segment_id, unpacked(one.rows), one.json_bytes) for one in self.pending]


# Made by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
_state = msgspec.msgpack.Decoder(State).decode


def commit_swap(folder: Folder, target: ObjectInfo, swap: Swap) -> None:
    """Make a compaction's outcome what queries see, and keep its state as a file; the compaction lock is held."""
    number = max((part.id for part in swap.new_parts), default=0) or folder.catalog.next_part_id()
    write_state(folder, _after(folder, target, swap, number))
    folder.catalog.commit_swap(swap, folder.clock.now_s())
    remove_older(folder.store, target.id, number)


def state_of(folder: Folder, target: ObjectInfo, number: int) -> State:
    """Return the state of an object as the catalog has it, deleted or not; the compaction lock is held."""
    state = _after(folder, target, Swap(target.id, 0, (), {}, (), (), ()), number)
    gone = folder.catalog.deleted.deleted(target.kind, target.name)
    return state if gone is None else replace(state, deleted_at=gone.deleted_at)


def write_state(folder: Folder, state: State) -> None:
    """Write a state durably."""
    folder.store.make_folder(STATES)
    folder.store.make_folder(f"{STATES}/{state.object_id}")
    name, content = _name(state.object_id, state.number), encode(state)
    try:
        folder.store.put(name, content)
    except AlreadyThere:
        # It is ours where the answer to a first attempt was lost. Numbers are used once, but by a catalog of before.
        if folder.store.read(name) != content:
            raise Damaged(
                f"`{name}` in `{folder.store.label}` is newer than the catalog", "run `btql repair` on the database"
            ) from None


def state_numbers(store: Store, object_id: int) -> list[int]:
    """Return the numbers of an object's states, oldest first."""
    return sorted(int(name) for name in store.list(f"{STATES}/{object_id}") if name.isdigit())


def objects_with_states(store: Store) -> list[int]:
    """Return the ids of objects that have states; a folder without any tells nothing."""
    ids = sorted(int(name) for name in store.list(STATES) if name.isdigit())
    return [object_id for object_id in ids if state_numbers(store, object_id)]


def read_state(store: Store, object_id: int, number: int) -> State:
    """Read a state; Damaged where it cannot be told."""
    path = store.file(_name(object_id, number))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise from_os_error(error, "read", path) from error
    version = content[len(_MAGIC) : len(_MAGIC) + 1]
    if content[: len(_MAGIC)] != _MAGIC or not version:
        raise _damaged(path)
    if version[0] > _FORMAT_VERSION:
        raise NewerFormat(
            f"`{path}` has format {version[0]}, this btql reads up to {_FORMAT_VERSION}", "install a newer btql"
        )
    try:
        state = _state(zlib.decompress(content[len(_MAGIC) + 1 :]))
    except (zlib.error, msgspec.DecodeError) as error:
        raise _damaged(path) from error
    if (state.object_id, state.number) != (object_id, number):
        raise _damaged(path)
    return state


def encode(state: State) -> bytes:
    """Return the bytes of a state's file."""
    return _MAGIC + bytes([_FORMAT_VERSION]) + zlib.compress(msgspec.msgpack.encode(state), _LEVEL)


def packed(rows: RowNumbers | Sequence[int]) -> bytes:
    """Return sorted row numbers in few bytes, as differences."""
    return np.diff(np.asarray(rows, dtype=np.int64), prepend=0).astype("<i4").tobytes()


def unpacked(content: bytes) -> RowNumbers:
    """Return what :func:`packed` was given."""
    return np.cumsum(np.frombuffer(content, "<i4"), dtype=np.int64)


def _after(folder: Folder, target: ObjectInfo, swap: Swap, number: int) -> State:
    """Return the state once a swap has been committed."""
    catalog = folder.catalog
    view = catalog.view(target.id)
    taken = {(one.xact_id, one.segment_id) for one in swap.taken}
    left = [one for one in view.assignments if (one.xact_id, one.segment_id) not in taken]
    parts = [
        PartState(part.id, part.segment_id, _superseded(part.superseded, swap.superseded.get(part.id)))
        for part in view.parts
    ]
    parts += [PartState(part_id, segment_id, history=True) for part_id, segment_id in catalog.history_ids(target.id)]
    replaced = set(swap.replaced)
    parts = [part for part in parts if part.id not in replaced]
    parts += [PartState(part.id, part.segment_in(swap), history=part.until is not None) for part in swap.new_parts]
    upto = 0 if swap.keeps_history else max((one.xact_id for one in swap.taken), default=0)
    return State(
        number,
        target.id,
        target.kind,
        target.name,
        view.processed_upto,
        max(upto, view.compacted_upto),
        {segment.id: segment.events for segment in catalog.segments(target.id)},
        parts,
        [_pending(one) for one in sorted((*left, *swap.left), key=lambda one: (one.xact_id, one.segment_id))],
        view.deleted_upto,
    )


def _superseded(before: Sequence[int], more: RowNumbers | None) -> bytes:
    rows = np.asarray(before, dtype=np.int64)
    return packed(rows if more is None else np.union1d(rows, more))


def _pending(one: Assignment) -> PendingState:
    return PendingState(one.xact_id, one.segment_id, packed(one.rows), one.json_bytes)


def remove_older(store: Store, object_id: int, number: int) -> None:
    """Remove the states of an object from before one that counts."""
    for older in state_numbers(store, object_id):
        if older < number:
            store.delete(_name(object_id, older))


def _name(object_id: int, number: int) -> str:
    return f"{STATES}/{object_id}/{number}"


def _damaged(path: object) -> Damaged:
    return Damaged(f"`{path}` is not the state of an object", "run `btql repair` on the database")
