"""One value of a JSON document together with its path: what every check of the JSON form starts from.

A :class:`Node` never trusts its value. Each method says what it must be and raises
B0114 with the path where it is something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
from typing import NoReturn, TypeVar, cast

from btql_grammar.build import INTEGER_MAX
from btql_grammar.diagnostic import BtqlError, shorten
from btql_grammar.scan import DEPTH_MAX, PIECES_MAX

_T = TypeVar("_T")
_WORD = re.compile(r"[A-Za-z_]\w*")
_ONLY_EXPRESSIONS = (
    'only expressions are written as `{"btql": "…"}`: write the whole query as text, or this in the JSON form'
)
_BITS_MAX = 996
"""Numbers of up to 300 digits can be read and printed."""


@dataclass(slots=True)
class Budget:
    """How much more a document may hold."""

    left: int = PIECES_MAX

    def spend(self, amount: int, path: str) -> None:
        """Take ``amount`` away, or refuse what is at ``path``."""
        self.left -= amount
        if self.left < 0:
            raise BtqlError.of(
                "B0107",
                f"the query has more than {PIECES_MAX:,} values and operators; `{path}` is one too many",
                help="split the query, or replace a long list of values by a filter that says the same",
            )


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands."""

    value: object
    path: str = ""
    depth: int = 0
    budget: Budget = field(default_factory=Budget)

    def fail(self, message: str, help_: str | None = None) -> NoReturn:
        """Raise: ``message`` goes on after the path."""
        raise BtqlError.of("B0114", f"`{self.path or 'query'}` {message}", help=help_)

    def inner(self, value: object, path: str) -> Node:
        """Return a part of this value."""
        if self.depth >= DEPTH_MAX:
            raise BtqlError.of(
                "B0107",
                f"the query is nested more than {DEPTH_MAX} levels deep at `{shorten(path)}`",
                help="split the query, or use lists such as `children`",
            )
        self.budget.spend(1, path)
        return Node(value, path, self.depth + 1, self.budget)

    # Objects.

    def mapping(self) -> Mapping[str, object]:
        """Return the value, which must be an object."""
        if not isinstance(self.value, Mapping):
            self.fail(f"must be an object, not {_kind(self.value)}")
        found = cast("Mapping[object, object]", self.value)
        if not all(isinstance(key, str) for key in found):
            self.fail("must have texts as keys")
        return cast("Mapping[str, object]", found)

    def refuse_others(self, known: tuple[str, ...]) -> None:
        """Raise for a key of this object that is not known; ``loc`` always is."""
        for key in self.mapping():
            if key not in known and key != "loc":
                close = get_close_matches(key[:40], known, n=1)
                help_ = f"write `{close[0]}`" if close else "the keys are " + ", ".join(known)
                raise BtqlError.of("B0114", f"`{self._path(key)}` is not known", help=help_)
        place = self.optional("loc")
        if place is not None:
            place.check_place()

    def has(self, key: str) -> bool:
        """Tell whether the object has something other than null at ``key``."""
        return self.mapping().get(key) is not None

    def optional(self, key: str) -> Node | None:
        """Return what stands at ``key``; None for null and for nothing."""
        value = self.mapping().get(key)
        return None if value is None else self.inner(value, self._path(key))

    def required(self, key: str) -> Node:
        """Return what stands at ``key``, which may be null but not missing."""
        if key not in self.mapping():
            self.fail(f"has no `{key}`", f"add `{key}`")
        return self.inner(self.mapping()[key], self._path(key))

    def chosen(self, key: str, *known: str) -> str:
        """Return the text at ``key``, which must be one of the known ones."""
        if key not in self.mapping():
            words = " or ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)
            help_ = f"add `{key}`: {words}" if len(known) < 5 else f"add `{key}`"
            self.fail(f"has no `{key}`", _ONLY_EXPRESSIONS if "btql" in self.mapping() else help_)
        return self.required(key).choice(*known)

    def maybe(self, key: str, read: Callable[[Node], _T]) -> _T | None:
        """Return what ``read`` makes of the value at ``key``, or None."""
        found = self.optional(key)
        return None if found is None else read(found)

    def entries(self) -> Iterator[tuple[str, Node]]:
        """Give every key with its value."""
        for key, value in self.mapping().items():
            Node(key, self._path(key)).text()
            yield key, self.inner(value, self._path(key))

    def check_place(self) -> None:
        """Raise unless this is a place in a text: ``{start: {line, col}, end: {line, col}}``."""
        for end in ("start", "end"):
            point = self.required(end)
            for number in ("line", "col"):
                point.required(number).integer()

    # Lists and scalars.

    def items(self) -> list[Node]:
        """Return the entries of the value, which must be a list."""
        if not isinstance(self.value, list | tuple):
            self.fail(f"must be a list, not {_kind(self.value)}")
        values = cast("list[object]", self.value)
        return [self.inner(value, f"{self.path}[{number}]") for number, value in enumerate(values)]

    def text(self) -> str:
        """Return the value, which must be a text."""
        if not isinstance(self.value, str):
            self.fail(f"must be a text, not {_kind(self.value)}")
        try:
            self.value.encode()
        except UnicodeEncodeError:
            self.fail("holds half of a surrogate pair, which is not a character")
        return self.value

    def choice(self, *known: str) -> str:
        """Return the value, which must be one of the known texts."""
        value = self.text()
        if value not in known:
            close = get_close_matches(value[:40], known, n=1)
            help_ = f"write `{close[0]}`" if close else "write one of " + ", ".join(known)
            self.fail(f"cannot be `{shorten(value)}`", help_)
        return value

    def integer(self, least: int = -INTEGER_MAX) -> int:
        """Return the value, which must be a whole number that is not too small or too large."""
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            self.fail(f"must be a whole number, not {_kind(value)}")
        if not least <= value <= INTEGER_MAX:
            self.fail("is out of range", f"write a whole number from {least} to {INTEGER_MAX}")
        return value

    def number(self) -> int | float:
        """Return the value, which must be a number that text can spell, too."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(f"must be a number, not {_kind(value)}")
        too_large = value.bit_length() > _BITS_MAX if isinstance(value, int) else not isfinite(value)
        if too_large:
            self.fail("is not a number within the range of numbers")
        return value

    def _path(self, key: str) -> str:
        if not _WORD.fullmatch(key):
            return f'{self.path}["{shorten(key)}"]'
        return f"{self.path}.{shorten(key)}" if self.path else shorten(key)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
        case _:
            return f"a value of type {type(value).__name__}"
