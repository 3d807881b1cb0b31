"""The folders of a cache of copies that a process holds, so that nothing in them is removed to make room."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from btql_storage.stores.cache import DiskCache


@dataclass(slots=True)
class _Held:
    """A folder that is held, and which of its files are surely there."""

    descriptor: int
    paths: dict[str, Path] = field(default_factory=dict[str, Path])


class HeldFolders:
    """Folders by the names that they have in a store; safe from several threads."""

    def __init__(self, cache: DiskCache) -> None:
        self._cache = cache
        self._guard = Lock()
        self._held: dict[str, _Held] = {}

    def paths(self, name: str, key: str) -> dict[str, Path]:
        """Hold a folder, if it is not held yet; return which of its files are surely there, to be added to."""
        held = self._held.get(name)
        if held is None:
            with self._guard:
                held = self._held.get(name)
                if held is None:
                    held = self._held[name] = _Held(self._cache.hold(key))
        return held.paths

    def has(self, name: str, leaf: str) -> bool:
        """Return whether a folder is held, and a file of it surely there."""
        held = self._held.get(name)
        return held is not None and leaf in held.paths

    def let_go(self, name: str) -> None:
        """Let a folder go, if it is held."""
        with self._guard:
            held = self._held.pop(name, None)
        if held is not None:
            self._cache.let_go(held.descriptor)

    def let_all_go(self) -> None:
        """Let all of them go."""
        for name in list(self._held):
            self.let_go(name)
