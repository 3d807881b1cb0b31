"""The registry of functions: they are looked up by name, and loaded when they are first asked for.

A declaration leaves only its name here, and how to make the function. Modules of declarations are imported one after
the other until one has the name; :mod:`btql_planner.functions` says in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import RLock

from btql_planner.functions.function import Function


class Registry(Mapping[str, Function]):
    """Functions by name. One is made from its declaration, and its module loaded, when it is first asked for."""

    def __init__(self) -> None:
        self._declared: dict[str, Callable[[], Function]] = {}
        self._made: dict[str, Function] = {}
        self._loaders: list[Callable[[], object]] = []
        self._loading = RLock()

    def declare(self, name: str, make: Callable[[], Function]) -> None:
        """Add a function."""
        if name in self._declared:
            raise TypeError(f"function {name} is declared twice")
        self._declared[name] = make

    def load_from(self, loaders: Sequence[Callable[[], object]]) -> None:
        """Say what declares more functions, in the order in which it is to be asked."""
        self._loaders = list(loaders)

    def __getitem__(self, name: str) -> Function:
        """Return the function of a name."""
        found = self._made.get(name)
        if found is not None:
            return found
        if name not in self:
            raise KeyError(name)
        found = self._made[name] = self._declared[name]()
        return found

    def __contains__(self, name: object) -> bool:
        """Whether there is a function of that name."""
        if name not in self._declared:
            with self._loading:
                while name not in self._declared and self._loaders:
                    self._load_next()
        return name in self._declared

    def __iter__(self) -> Iterator[str]:
        """Yield every name."""
        self._load_all()
        return iter(self._declared)

    def __len__(self) -> int:
        """Return how many functions there are."""
        self._load_all()
        return len(self._declared)

    def _load_all(self) -> None:
        with self._loading:
            while self._loaders:
                self._load_next()

    def _load_next(self) -> None:
        # Another thread must not find the list empty while the last module is still being read.
        self._loaders[0]()
        del self._loaders[0]


REGISTRY = Registry()
