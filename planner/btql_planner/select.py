"""SELECT statements that are built from the inside out.

A :class:`Select` asks its *source* for columns as expressions above turn out to
need them, so that a scan ends up with exactly the columns that a query touches.
The text is rendered last.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from btql_planner import sql_text
from btql_planner.types import Kind

if TYPE_CHECKING:
    from btql_planner.engine_plan import ScanSpec

Path = tuple[str | int, ...]


class Columns(Protocol):
    """Something that columns can be asked of."""

    def column(self, name: str) -> str:
        """Make sure that there is a column ``name``; return the SQL that reads it."""
        ...

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a computed column of a grouping, by its name in the plan."""
        ...

    def fetched(self, source: str, path: Path) -> bool:
        """Whether the values of ``path`` of a relation were read from documents, below."""
        ...

    def scan(self, source: str) -> ScanSpec:
        """Return the scan that the rows of a relation come from."""
        ...


@dataclass
class Select:
    """One SELECT over one source."""

    source: Columns
    source_sql: Callable[[], str]
    source_name: str = ""
    """The table's name where the source is a table."""
    outputs: dict[str, str] = field(default_factory=dict[str, str])
    where: list[str | Callable[[], str]] = field(default_factory=list[str | Callable[[], str]])
    group: list[str] | None = None
    order: list[sql_text.OrderTerm] = field(default_factory=list[sql_text.OrderTerm])
    limit: int | None = None
    offset: int = 0
    kinds: dict[str, tuple[Kind, ...]] = field(default_factory=dict[str, tuple[Kind, ...]])

    def column(self, name: str) -> str:
        """Make sure that ``name`` is among the outputs; return how to read it from outside."""
        if name not in self.outputs:
            assert self.group is None, f"{name} is not a column of the grouping"
            self.outputs[name] = self.source.column(name)
        return sql_text.name(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a computed column, which may come from further below."""
        return self.kinds[name] if name in self.kinds else self.source.kinds_of(name)

    def fetched(self, source: str, path: Path) -> bool:
        """Whether the values of ``path`` were read from documents, below."""
        return self.source.fetched(source, path)

    def scan(self, source: str) -> ScanSpec:
        """Return the scan that the rows of a relation come from."""
        return self.source.scan(source)

    @property
    def conditions(self) -> list[str]:
        """What has to hold for a row; some of it is said last."""
        return [each if isinstance(each, str) else each() for each in self.where]

    @property
    def is_rowwise(self) -> bool:
        """Whether each output row depends on one input row alone."""
        return self.group is None and not self.order and self.limit is None and not self.offset

    @property
    def gives_all(self) -> bool:
        """Whether the rows are as many as those of the tables below: neither filtered nor grouped nor limited."""
        below = self.source
        is_cut = self.where or self.group is not None or self.limit is not None
        return not is_cut and (not isinstance(below, Select) or below.gives_all)

    @property
    def is_bare(self) -> bool:
        """Whether the statement is nothing but its source."""
        return self.is_rowwise and not self.outputs and not self.where

    def wrap(self) -> Select:
        """Return a SELECT over this one as a subquery."""
        return Select(self, lambda: f"({self.render()}) AS q")

    def render(self) -> str:
        """Return the text."""
        columns = [f"{sql} AS {sql_text.name(name)}" for name, sql in self.outputs.items()]
        text = f"SELECT {', '.join(columns) or '1'}"
        source = self.source_sql()
        text += f" FROM {source}" if source else ""
        if self.where:
            text += " WHERE " + " AND ".join(self.conditions)
        if self.group:
            text += f" GROUP BY {', '.join(self.group)}"
        if self.order:
            text += f" ORDER BY {', '.join(map(str, self.order))}"
        if self.limit is not None:
            text += f" LIMIT {self.limit}"
        return text + (f" OFFSET {self.offset}" if self.offset else "")
