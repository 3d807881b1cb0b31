"""The fields of a snapshot, as the planner asks for them.

A thousand parts with thousands of paths are added up once and not for each query: parts
never change, so what was found for a set of them is kept as long as the catalog keeps the set
in memory. The tail is small and changes with every write; it is looked at anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from weakref import WeakKeyDictionary

from btql.execution.directory import constants_of
from btql_planner.catalog import Availability
from btql_planner.types import Kind
from btql_storage.catalog.shapes import Mark
from btql_storage.kinds import FieldPath
from btql_storage.kinds import Kind as StoredKind
from btql_storage.part.format import PartStats
from btql_storage.snapshot import Snapshot


class StatsFields:
    """Statistics of several parts added up, path by path, as they are asked for."""

    def __init__(self, stats: Sequence[PartStats]) -> None:
        self._stats = stats
        self.rows = sum(each.rows for each in stats)
        self._known: dict[FieldPath, Availability] = {}
        self._keys: dict[FieldPath, frozenset[str]] = {}

    def availability(self, path: FieldPath) -> Availability:
        """Return what is known of ``path``."""
        if path not in self._known:
            self._known[path] = self._add_up(path)
        return self._known[path]

    def _add_up(self, path: FieldPath) -> Availability:
        kinds: set[StoredKind] = set()
        cut, bits, big = False, 0, False
        for stats in self._stats:
            found = stats.paths.get(path)
            if found is not None:
                kinds.update(found.counts)
                cut |= found.in_document
                big |= found.big > 0
                bits = max(bits, *(number.bit_length() for number in found.integers or (0,)))
            elif not stats.lists(path):
                cut = True
        marked = StoredKind.MARKER in kinds
        columns = frozenset(Kind(str(kind)) for kind in kinds if kind is not StoredKind.MARKER)
        return Availability(columns, marked, cut, bits, big)

    @cached_property
    def _paths(self) -> frozenset[FieldPath]:
        return frozenset(path for stats in self._stats for path in stats.paths)

    def paths(self) -> Collection[FieldPath]:
        """Return every path that was seen."""
        return self._paths

    def keys_below(self, above: FieldPath) -> frozenset[str]:
        """Return the keys that were seen directly below ``above``."""
        if above not in self._keys:
            self._keys[above] = frozenset().union(*(stats.keys_below(above) for stats in self._stats))
        return self._keys[above]


_fields: WeakKeyDictionary[Mark, StatsFields] = WeakKeyDictionary()
"""What was added up for the parts of each object."""


def _fields_of_parts(snapshot: Snapshot) -> StatsFields:
    """Return the fields of a snapshot's parts: those of the query before, nearly always."""
    found = _fields.get(snapshot.mark)
    if found is None:
        # Two threads may do this at once; either result is right.
        found = _fields[snapshot.mark] = StatsFields([entry.part.stats for entry in snapshot.parts])
    return found


class SnapshotFields:
    """The fields of one object as one snapshot has them: of its parts, and of its tail."""

    def __init__(self, snapshot: Snapshot, constants: Mapping[str, str | None] | None = None) -> None:
        self._constants = constants_of(snapshot.object) if constants is None else dict(constants)
        self._parts = _fields_of_parts(snapshot)
        self._tail = StatsFields([chunk.stats for chunk in snapshot.tail])

    def availability(self, path: FieldPath) -> Availability:
        """Return what is known of ``path``."""
        return _united(self._parts.availability(path), self._tail.availability(path))

    def paths(self) -> Collection[FieldPath]:
        """Return every path that was seen."""
        return frozenset().union(self._parts.paths(), self._tail.paths())

    def keys_below(self, above: FieldPath) -> Collection[str]:
        """Return the keys that were seen directly below ``above``."""
        return self._parts.keys_below(above) | self._tail.keys_below(above)

    def constants(self) -> dict[str, str | None]:
        """Return the fields that are the same in every row of the object."""
        return self._constants

    def varying(self) -> Collection[str]:
        """Return no fields: all rows are from one object."""
        return ()

    def rows(self) -> int:
        """Return how many rows the parts and the tail have, superseded ones too."""
        return self._parts.rows + self._tail.rows


class MergedFields:
    """The fields of several objects of a kind that are read as one."""

    def __init__(self, objects: Sequence[SnapshotFields]) -> None:
        self._objects = objects

    def availability(self, path: FieldPath) -> Availability:
        """Return what is known of ``path`` in any object."""
        return _united(*(each.availability(path) for each in self._objects))

    def paths(self) -> Collection[FieldPath]:
        """Return every path that was seen in any object."""
        return frozenset().union(*(each.paths() for each in self._objects))

    def keys_below(self, above: FieldPath) -> Collection[str]:
        """Return the keys that were seen directly below ``above`` in any object."""
        return frozenset().union(*(each.keys_below(above) for each in self._objects))

    def constants(self) -> dict[str, str | None]:
        """Return the fields that are the same in every row of all objects."""
        first, *others = (each.constants() for each in self._objects)
        return {name: value for name, value in first.items() if all(other.get(name) == value for other in others)}

    def varying(self) -> Collection[str]:
        """Return the fields that have one value in each object, and not the same in all."""
        same = self.constants()
        names = dict.fromkeys(name for each in self._objects for name in each.constants())
        return [name for name in names if name not in same]

    def rows(self) -> int:
        """Return how many rows all of them have."""
        return sum(each.rows() for each in self._objects)


def _united(*known: Availability) -> Availability:
    return Availability(
        frozenset().union(*(each.kinds for each in known)),
        any(each.marked for each in known),
        any(each.cut for each in known),
        max(each.bits for each in known),
        any(each.big for each in known),
    )
