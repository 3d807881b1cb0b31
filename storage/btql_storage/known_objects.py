"""Objects that were there a moment ago, so that not every call looks them up again."""

from __future__ import annotations

import time
from collections.abc import Callable

from btql_storage.catalog import ObjectInfo
from btql_storage.errors import UnknownObject

_KNOWN_S = 10.0
"""How long an object is taken to be there after it was looked up."""


class KnownObjects:
    """The objects of one open database."""

    def __init__(self, find: Callable[[str, str], ObjectInfo]) -> None:
        self._find = find
        """Returns the object of a kind and a name; UnknownObject where there is none."""
        self._known: set[ObjectInfo] = set()
        self._until = 0.0

    def forget(self) -> None:
        """Look all of them up anew."""
        self._known = set()

    def check(self, target: ObjectInfo) -> None:
        """Raise where an object is no more: another process may have deleted it."""
        now = time.monotonic()
        if now > self._until:
            self._known, self._until = set(), now + _KNOWN_S
        if target not in self._known:
            if not self._is_there(target):
                raise UnknownObject(f"`{target.kind}:{target.name}` is no object of this database", "create it first")
            self._known.add(target)

    def _is_there(self, target: ObjectInfo) -> bool:
        try:
            return self._find(target.kind, target.name) == target
        except UnknownObject:
            return False
