"""What a scope asks of each relation behind FROM."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from btql_grammar.span import Span
from btql_planner.binding.scope import TreePath
from btql_planner.expressions import Expression


class RelationNames(Protocol):
    """The names of one relation behind FROM."""

    @property
    def alias(self) -> str | None:
        """What the query calls it."""
        ...

    @property
    def schema(self) -> str | None:
        """The kind of the object, where it may stand before the alias; None for anything else."""
        ...

    @property
    def top_level(self) -> Collection[str]:
        """Every name that is a column of its own."""
        ...

    @property
    def closed(self) -> bool:
        """Whether it has no columns but these."""
        ...

    def star(self) -> list[str]:
        """Return the columns that ``*`` stands for."""
        ...

    def field(self, path: TreePath, span: Span) -> Expression | None:
        """Return what a path that begins with a column means."""
        ...

    def nested(self, path: TreePath, span: Span) -> Expression | None:
        """Return what a path means that begins below some column."""
        ...

    def nested_keys(self) -> Mapping[str, tuple[str, ...]]:
        """Return the keys that may begin such a path, each with the whole path."""
        ...
