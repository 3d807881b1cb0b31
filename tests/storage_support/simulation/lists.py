"""What a store held some time ago, for lists that lag: they lack what was put since, and have what was removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from btql_storage.gathered import Gathered
from btql_storage.stores.interface import Store


class History:
    """The names that came and went, of a store that all processes of a play share."""

    def __init__(self) -> None:
        self._changes: list[tuple[int, str, bool]] = []
        """When, which name, and whether it came."""

    def note(self, now_us: int, name: str, *, came: bool) -> None:
        """Note that a name came or went."""
        self._changes.append((now_us, name, came))

    def as_of(self, then_us: int, folder: str, names: Sequence[str], after: str) -> list[str]:
        """Return the entries of a folder as they were, given those that it has now."""
        found = set(names)
        for at_us, name, came in reversed(self._changes):
            if at_us <= then_us:
                break
            parent, _, leaf = name.rpartition("/")
            if parent != folder or leaf <= after:
                continue
            if came:
                found.discard(leaf)
            else:
                found.add(leaf)
        return sorted(found)


class NotedStore:
    """A store that notes what comes and goes."""

    def __init__(self, inner: Store, history: History, now_us: Callable[[], int]) -> None:
        self._inner = inner
        self._history = history
        self._now_us = now_us

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def put(self, name: str, content: bytes | Gathered) -> int:
        size = self._inner.put(name, content)
        self._history.note(self._now_us(), name, came=True)
        return size

    def publish(self, name: str) -> None:
        self._inner.publish(name)
        self._history.note(self._now_us(), name, came=True)

    def delete(self, name: str) -> None:
        was_there = bool(self._inner.size(name) or self._inner.list(name))
        self._inner.delete(name)
        if was_there:
            self._history.note(self._now_us(), name, came=False)

    def delete_files(self, names: Sequence[str]) -> None:
        for name in names:
            self.delete(name)
