"""Adds up what is known about a part while its rows go by, and decides which columns it keeps.

Memory is bounded whatever clients send. At most :data:`TRACKED_MAX` paths are
followed: the first that appear. At the end the ``PATHS_MAX`` paths with most
values stay in the statistics, and of their columns the ``COLUMNS_MAX`` with
most values are written. A path that was followed was followed from its first
value, so what the statistics say of it holds for all rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from btql_storage.part.format import COLUMNS_MAX, PATHS_MAX, PartStats, PathStats, PathStatsMerger

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from btql_storage.kinds import FieldPath, Kind
    from btql_storage.row import Row

T = TypeVar("T", int, str)

TRACKED_MAX = 4 * PATHS_MAX


class StatsBuilder:
    """Statistics of a part that grows chunk by chunk."""

    def __init__(self) -> None:
        self._rows = 0
        self._json_bytes = 0
        self._created_us: list[int] = []
        self._xact_ids: list[int] = []
        self._pagination_keys: list[str] = []
        self._paths: dict[FieldPath, PathStatsMerger] = {}
        self._complete = True

    def add(self, rows: Sequence[Row], json_bytes: int, paths: Mapping[FieldPath, PathStats]) -> None:
        """Take in further rows, how much JSON they have, and what they hold under each path."""
        self._rows += len(rows)
        self._json_bytes += json_bytes
        self._created_us = _bounds([*self._created_us, *(row.created_us for row in rows)])
        self._xact_ids = _bounds([*self._xact_ids, *(row.xact_id for row in rows)])
        self._pagination_keys = _bounds([*self._pagination_keys, *(row.pagination_key for row in rows)])
        # Once a path was turned away, none may begin: it could be that one.
        for path, stats in paths.items():
            merger = self._paths.get(path)
            if merger is None:
                self._complete &= len(self._paths) < TRACKED_MAX
                if not self._complete:
                    continue
                merger = self._paths[path] = PathStatsMerger()
            merger.add(stats)

    def tracks(self, path: FieldPath) -> bool:
        """Return whether the path may still get columns."""
        return path in self._paths

    def result(self) -> tuple[PartStats, set[tuple[FieldPath, Kind]]]:
        """Return the statistics, and the columns to keep."""
        chosen = choose({path: merger.result() for path, merger in self._paths.items()})
        return self._part_stats(chosen.paths, complete=self._complete and chosen.complete), chosen.columns

    def _part_stats(self, paths: Mapping[FieldPath, PathStats], *, complete: bool) -> PartStats:
        created_us = self._created_us or [0]
        xact_ids = self._xact_ids or [0]
        pagination_keys = self._pagination_keys or [""]
        return PartStats(
            rows=self._rows,
            json_bytes=self._json_bytes,
            created_us_min=created_us[0],
            created_us_max=created_us[-1],
            xact_id_min=xact_ids[0],
            xact_id_max=xact_ids[-1],
            pagination_key_min=pagination_keys[0],
            pagination_key_max=pagination_keys[-1],
            paths=paths,
            complete=complete,
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """What is kept of many paths."""

    paths: Mapping[FieldPath, PathStats]
    columns: set[tuple[FieldPath, Kind]]
    complete: bool
    """Whether these are all paths that there were."""


def choose(paths: Mapping[FieldPath, PathStats]) -> Chosen:
    """Choose the paths to list, and the columns to keep, by how many values they have."""
    complete = len(paths) <= PATHS_MAX
    if not complete:
        widest = sorted(paths.items(), key=lambda item: (-item[1].count, item[0]))
        paths = dict(widest[:PATHS_MAX])
    columns = [(-count, path, kind) for path, stats in paths.items() for kind, count in stats.counts.items()]
    kept = {(path, kind) for _, path, kind in sorted(columns)[:COLUMNS_MAX]}
    if len(kept) < len(columns):
        paths = {path: _mark_cut(path, stats, kept) for path, stats in paths.items()}
    return Chosen(paths, kept, complete)


def _mark_cut(path: FieldPath, stats: PathStats, kept: set[tuple[FieldPath, Kind]]) -> PathStats:
    if all((path, kind) in kept for kind in stats.counts):
        return stats
    return replace(stats, in_document=True)


def _bounds(values: list[T]) -> list[T]:
    """Return the smallest and largest value; nothing where there are none."""
    return [min(values), max(values)] if values else []
