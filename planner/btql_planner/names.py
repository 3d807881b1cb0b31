"""What the rows of one source offer by name: system fields, documents' fields, and keys below some of them.

A name that is nowhere is null, with a warning: documents have no schema, and a
field that no span has yet is no mistake. Which relation, alias or outer query a
name belongs to is decided by :mod:`btql_planner.binding.scope`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.elsewhere import COMPUTED
from btql_planner.catalog import Availability, FieldCatalog, Path
from btql_planner.explain_expression import path_text
from btql_planner.expressions import Apply, Column, Constant, Expression, PathValue
from btql_planner.functions import functions
from btql_planner.json_paths import json_get
from btql_planner.types import BOOLEAN, TEXT, Kind
from btql_storage import fields

SYSTEM_KINDS: dict[str, Kind] = {
    "id": Kind.TEXT,
    "_xact_id": Kind.TEXT,
    "_pagination_key": Kind.TEXT,
    "created": Kind.TIME,
    "span_id": Kind.TEXT,
    "root_span_id": Kind.TEXT,
    "is_root": Kind.BOOLEAN,
    "span_parents": Kind.LIST,
    "tags": Kind.LIST,
}
NESTED = ("span_attributes", "scores", "metrics", "metadata")
"""Fields whose keys may be written without them, in the order in which they are searched."""
LISTED_KEYS_MAX = 200
"""Up to this many keys are taken one by one where a whole object is asked for."""
_KEYS_MAX = 2_000
"""Among more keys than these none is looked for that a name may be a slip of: it takes some 5 us for each."""


class _TopLevel(Collection[str]):
    """The names of the top-level fields of an object.

    Which fields rows have that no others are known to have is asked only about a name that is none of the certain ones:
    of rows that were just written somebody has to look, and most queries do not care.
    """

    def __init__(self, certain: set[str], catalog: FieldCatalog) -> None:
        self._certain = certain
        self._catalog = catalog

    @cached_property
    def _names(self) -> set[str]:
        return self._certain.union(self._catalog.keys_below(()))

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a field."""
        return name in self._certain or name in self._names

    def __iter__(self) -> Iterator[str]:
        """Yield all names."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._names)


@dataclass
class ObjectNames:
    """The names of the rows of one or several objects of a kind."""

    catalog: FieldCatalog
    alias: str | None = None
    """What the query calls the relation."""
    source: str = ""
    """What the plan calls it; empty where a query has this relation alone."""
    schema: str | None = None
    """The kind of the object, where it may stand before the alias: ``project_logs.demo.id``."""
    warn: Callable[[str], object] | None = None
    """Is told what the query may not have meant."""

    def __post_init__(self) -> None:
        self._constants = self.catalog.constants()
        self._varying = self.catalog.varying()
        certain = {*SYSTEM_KINDS, *fields.KNOWN_FIELDS, *self._constants, *self._varying}
        self._top_level = _TopLevel(certain, self.catalog)

    @property
    def top_level(self) -> Collection[str]:
        """Every name that is a field of its own."""
        return self._top_level

    @property
    def closed(self) -> bool:
        """Whether a name that is not known is a mistake; documents may have any field."""
        return False

    def star(self) -> list[str]:
        """Return the fields that ``*`` stands for, system fields first."""
        first = [*SYSTEM_KINDS, *self._varying, *self._constants, *fields.KNOWN_FIELDS]
        return list(dict.fromkeys([*first, *sorted(self._top_level)]))

    def field(self, path: tuple[str | int, ...], span: Span) -> Expression | None:
        """Return the value of a path that begins with a top-level field, None where there is no such field."""
        head, rest = str(path[0]), path[1:]
        if head not in self._top_level:
            return None
        if head in self._constants:
            return self._constant(None if rest else self._constants[head], span)
        kind = Kind.TEXT if head in self._varying else SYSTEM_KINDS.get(head)
        if kind is None:
            availability = self._availability(path)
            if not availability.exists:
                self._warn_of_slip(path)
            return PathValue(path, availability, source=self.source, span=span)
        column = Column(head, kind, source=self.source, span=span)
        if not rest:
            return column
        if kind is Kind.LIST and len(rest) == 1 and isinstance(rest[0], int):
            index = Constant(rest[0], Kind.INTEGER, span=span)
            return Apply(functions()["element"], (column, index), TEXT, span=span)
        return Constant(None, None, span=span)

    def _constant(self, value: str | None, span: Span) -> Expression:
        """Return a field that has one value in all rows; an outer join may add some that have none."""
        constant = Constant(value, None if value is None else Kind.TEXT, span=span)
        if value is None or not self.source:
            return constant
        there = Apply(functions()["isnotnull"], (Column("id", Kind.TEXT, source=self.source, span=span),), BOOLEAN)
        return Apply(functions()["if"], (there, constant, Constant(None, None)), TEXT, span=span)

    def nested(self, path: tuple[str | int, ...], span: Span) -> Expression | None:
        """Return the value of a path that begins with a key below one of the ``NESTED`` fields."""
        head = str(path[0])
        for outer in NESTED:
            if self.catalog.availability((outer, head)).exists:
                return self.field((outer, *path), span)
        return None

    def nested_keys(self) -> Mapping[str, Path]:
        """Return the keys below the ``NESTED`` fields, each with the path that it stands for."""
        found: dict[str, Path] = {}
        for outer in NESTED:
            keys = self.catalog.keys_below((outer,))
            for key in keys if len(keys) <= _KEYS_MAX else ():
                found.setdefault(key, (outer, key))
        return found

    def listed_keys(self, path: Path) -> list[str] | None:
        """Return the keys that rows have directly below a path, sorted.

        None where statistics do not know them all, or they are many.
        """
        if self.catalog.availability(path).cut or self.catalog.availability((*path, "\0")).cut:
            return None
        keys = self.catalog.keys_below(path)
        return sorted(keys) if len(keys) <= LISTED_KEYS_MAX else None

    def _warn_of_slip(self, path: tuple[str | int, ...]) -> None:
        """Tell of a path that no row has, where its first key that is unknown looks like one that is known."""
        above: Path = (str(path[0]),)
        for key in path[1:]:
            if isinstance(key, int) or self.warn is None:
                return
            keys = self.catalog.keys_below(above)
            if key not in keys and above == ("metrics",) and key in COMPUTED:
                self.warn(f"no row has a field `metrics.{key}`, it is null everywhere, write `{COMPUTED[key]}`")
                return
            if key not in keys:
                close = errors.close_to(key, sorted(keys)) if len(keys) <= _KEYS_MAX else None
                if close is not None:
                    name, meant = (path_text((*above, each)) for each in (key, close))
                    self.warn(f"no row has a field `{name}`, it is null everywhere, did you mean `{meant}`?")
                return
            above = (*above, key)

    def _availability(self, path: tuple[str | int, ...]) -> Availability:
        """Return what is known of a path; below an array only the documents know."""
        keys: list[str] = []
        for piece in path:
            if isinstance(piece, int):
                above = self.catalog.availability(tuple(keys))
                return Availability(cut=above.marked or above.cut)
            keys.append(piece)
        return self.catalog.availability(tuple(keys))


@dataclass
class ColumnNames:
    """The names of a relation with a fixed list of columns: a query inside another one."""

    columns: Mapping[str, Expression]
    alias: str | None = None
    also: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    """Other names of columns, that ``*`` does not mention."""

    @property
    def schema(self) -> str | None:
        """None: no kind of object may stand before the alias."""
        return None

    @property
    def top_level(self) -> Collection[str]:
        """Every column."""
        return [*self.columns, *self.also]

    @property
    def closed(self) -> bool:
        """Whether a name that is not known is a mistake."""
        return True

    def star(self) -> list[str]:
        """Return the columns in order."""
        return list(self.columns)

    def field(self, path: tuple[str | int, ...], span: Span) -> Expression | None:
        """Return the value of a path that begins with a column, None where there is no such column."""
        column = self.columns.get(str(path[0])) or self.also.get(str(path[0]))
        if column is None:
            return None
        found = replace(column, span=span)
        return json_get(found, path[1:], span) if len(path) > 1 else found

    def nested(self, path: tuple[str | int, ...], span: Span) -> Expression | None:  # noqa: ARG002
        """Return None: nothing is known below the columns."""
        return None

    def nested_keys(self) -> Mapping[str, Path]:
        """Return nothing, for the same reason."""
        return {}


def implicit_alias(path: tuple[str | int, ...]) -> str | None:
    """Return the short name of a selected path: its last key, if it ends in one."""
    last = path[-1]
    return last if isinstance(last, str) else None


def field_paths(catalog: FieldCatalog) -> list[Path]:
    """Return every path one can ask for, for completion."""
    return sorted({*catalog.paths(), *((name,) for name in ObjectNames(catalog).top_level)})
