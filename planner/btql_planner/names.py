"""Names to values: fields, aliases, and names that stand for a nested field.

A name is looked up in this order (reference 1.7, 1.8 and point 18 of chapter 8):

1. in ``sort`` and ``final_filter``: an explicit alias of the select list;
2. a top-level field, known or seen in some document;
3. an explicit alias, then an implicit one (the last piece of a selected path);
4. a key of ``span_attributes``, ``scores``, ``metrics`` or ``metadata`` that
   was seen in some document.

A name that is nowhere is null, with a warning: documents have no schema, and a
field that no span has yet is no mistake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.catalog import Availability, FieldCatalog, Path
from btql_planner.expressions import Apply, Column, Constant, Expression, PathValue
from btql_planner.functions import functions
from btql_planner.types import TEXT, Kind
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


@dataclass
class Names:
    """The names one query can see."""

    catalog: FieldCatalog
    source_alias: str | None = None
    aliases: Mapping[str, Expression] = field(default_factory=dict[str, Expression])
    implicit: Mapping[str, Expression | None] = field(default_factory=dict[str, Expression | None])
    """Implicit aliases; None where two selected paths end alike."""
    aliases_first: bool = False
    warnings: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._constants = self.catalog.constants()
        seen = {path[0] for path in self.catalog.paths()}
        self._top_level = {*SYSTEM_KINDS, *fields.KNOWN_FIELDS, *self._constants, *seen}

    @property
    def top_level(self) -> set[str]:
        """Every name that is a field of its own."""
        return self._top_level

    def star(self) -> list[str]:
        """Return the fields that ``*`` stands for, system fields first."""
        first = [*SYSTEM_KINDS, *self._constants, *fields.KNOWN_FIELDS]
        return list(dict.fromkeys([*first, *sorted(self._top_level)]))

    def find(self, path: tuple[str | int, ...], span: Span) -> Expression | None:
        """Return what a path means, None where nothing has that name."""
        head = path[0]
        assert isinstance(head, str)
        alone = len(path) == 1
        if self.aliases_first and alone and head in self.aliases:
            return self.aliases[head]
        if head in self._top_level:
            return self._field(path, span)
        if self.source_alias is not None and head == self.source_alias and len(path) > 1:
            return self.find(path[1:], span)
        if alone and head in self.aliases:
            return self.aliases[head]
        if alone and head in self.implicit:
            return self._implicit(head, span)
        return self._nested(path, span)

    def resolve(self, path: tuple[str | int, ...], span: Span) -> Expression:
        """Return what a path means; null with a warning where nothing has that name."""
        found = self.find(path, span)
        if found is not None:
            return found
        head = str(path[0])
        close = errors.close_to(head, [*self._top_level, *self.aliases])
        hint = f", did you mean `{close}`?" if close else ""
        self.warnings.append(f"no row has a field `{head}`, it is null everywhere{hint}")
        return Constant(None, None, span=span)

    def _implicit(self, name: str, span: Span) -> Expression:
        expression = self.implicit[name]
        if expression is None:
            message = f"`{name}` is ambiguous: two selected paths end in it"
            raise BtqlError.of(
                errors.AMBIGUOUS_NAME, message, span, "which one?", help="write the whole path, or give aliases"
            )
        return expression

    def _nested(self, path: tuple[str | int, ...], span: Span) -> Expression | None:
        head = path[0]
        assert isinstance(head, str)
        for outer in NESTED:
            if self.catalog.availability((outer, head)).exists:
                return self._field((outer, *path), span)
        return None

    def _field(self, path: tuple[str | int, ...], span: Span) -> Expression:
        head, rest = str(path[0]), path[1:]
        if head in self._constants:
            value = None if rest else self._constants[head]
            return Constant(value, None if value is None else Kind.TEXT, span=span)
        kind = SYSTEM_KINDS.get(head)
        if kind is None:
            return PathValue(path, self._availability(path), span=span)
        column = Column(head, kind, span=span)
        if not rest:
            return column
        if kind is Kind.LIST and len(rest) == 1 and isinstance(rest[0], int):
            index = Constant(rest[0], Kind.INTEGER, span=span)
            return Apply(functions()["element"], (column, index), TEXT, span=span)
        return Constant(None, None, span=span)

    def _availability(self, path: tuple[str | int, ...]) -> Availability:
        """Return what is known of a path; below an array only the documents know."""
        keys: list[str] = []
        for piece in path:
            if isinstance(piece, int):
                above = self.catalog.availability(tuple(keys))
                return Availability(cut=above.marked or above.cut)
            keys.append(piece)
        return self.catalog.availability(tuple(keys))


def implicit_alias(path: tuple[str | int, ...]) -> str | None:
    """Return the short name of a selected path: its last key, if it ends in one."""
    last = path[-1]
    return last if isinstance(last, str) else None


def field_paths(catalog: FieldCatalog) -> list[Path]:
    """Return every path one can ask for, for completion."""
    return sorted({*catalog.paths(), *((name,) for name in Names(catalog).top_level)})
