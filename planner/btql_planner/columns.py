"""Where a SELECT's columns come from: a scan, a fetched stage, a renamed relation, nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from btql_planner import sql_text
from btql_planner.engine_plan import FetchSpec, ScanSpec
from btql_planner.expressions import engine_name, split_engine_name
from btql_planner.select import Columns, Path, Select
from btql_planner.types import Kind
from btql_storage.kinds import Kind as StoredKind
from btql_storage.kinds import column_name


def engine_column(path: Path, kind: Kind) -> str:
    """Return the name of the column with the values of ``path`` that are of ``kind``.

    For a path without array indexes and a stored kind it is the part's own column name.
    """
    pieces = [
        column_name((piece,), StoredKind.TEXT)[:-2] if isinstance(piece, str) else rf"\[{piece}]" for piece in path
    ]
    return f"{'.'.join(pieces)}#{kind}"


@dataclass
class ScanColumns:
    """The columns of a scan, which reads those that are asked for."""

    spec: ScanSpec

    def column(self, name: str) -> str:
        """Make the scan read a column."""
        self.spec.columns.add(name)
        return sql_text.name(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Refuse: a scan computes nothing."""
        raise KeyError(name)

    def fetched(self, source: str, path: Path) -> bool:  # noqa: ARG002
        """Return that documents are not read in a scan."""
        return False

    def scan(self, source: str) -> ScanSpec:  # noqa: ARG002
        """Return the scan."""
        return self.spec


@dataclass
class FetchColumns:
    """The columns of a stage's result: fetched ones, and whatever the statement below has."""

    statement: Select
    fetch: FetchSpec
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Name the columns that the fetch adds."""
        split = {engine_column(path, kind) for path, kinds in self.fetch.paths.items() for kind in kinds}
        raw = {engine_column(path, Kind.RAW) for path in self.fetch.outputs}
        added = split | raw | set(self.fetch.columns)
        self.names = frozenset(engine_name(self.fetch.source, name) for name in added)

    def column(self, name: str) -> str:
        """Make sure that the stage has a column."""
        return sql_text.name(name) if name in self.names else self.statement.column(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a column computed below."""
        return self.statement.kinds_of(name)

    def fetched(self, source: str, path: Path) -> bool:
        """Whether the values of ``path`` were read here or below."""
        here = source == self.fetch.source and path in self.fetch.paths
        return here or self.statement.fetched(source, path)

    def scan(self, source: str) -> ScanSpec:
        """Return the scan below."""
        return self.statement.scan(source)


@dataclass
class AliasColumns:
    """The columns of a source under the names that they have in a join."""

    statement: Select
    source: str

    def column(self, name: str) -> str:
        """Make sure that the statement below has the column, under its new name."""
        if name not in self.statement.outputs:
            below = name.removeprefix(engine_name(self.source, ""))
            self.statement.outputs[name] = self.statement.source.column(below)
        return sql_text.name(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a measure of a summary; below an alias nothing else is computed."""
        return self.statement.kinds_of(name.removeprefix(engine_name(self.source, "")))

    def fetched(self, source: str, path: Path) -> bool:  # noqa: ARG002
        """Whether the values of ``path`` were read from documents, below."""
        return self.statement.fetched("", path)

    def scan(self, source: str) -> ScanSpec:  # noqa: ARG002
        """Return the scan below."""
        return self.statement.scan("")


@dataclass
class JoinColumns:
    """The columns of two relations side by side."""

    left: Columns
    right: Columns
    right_sources: frozenset[str]
    """The relations on the right side."""

    def column(self, name: str) -> str:
        """Make sure that the side that a column belongs to has it."""
        return self._side(split_engine_name(name)[0]).column(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a computed column of either side."""
        return self._side(split_engine_name(name)[0]).kinds_of(name)

    def fetched(self, source: str, path: Path) -> bool:
        """Whether the values of ``path`` were read from documents, below."""
        return self._side(source).fetched(source, path)

    def scan(self, source: str) -> ScanSpec:
        """Return the scan that the rows of a relation come from."""
        return self._side(source).scan(source)

    def _side(self, source: str) -> Columns:
        return self.right if source in self.right_sources else self.left


@dataclass
class TableColumns:
    """Columns that are what they are, whoever asks for them."""

    kinds: Mapping[str, tuple[Kind, ...]]

    def column(self, name: str) -> str:
        """Return a column."""
        return sql_text.name(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a column."""
        return self.kinds[name]

    def fetched(self, source: str, path: Path) -> bool:  # noqa: ARG002
        """Return that nothing was fetched."""
        return False

    def scan(self, source: str) -> ScanSpec:
        """Refuse: the rows come from no one scan."""
        raise KeyError(source)


class NoColumns:
    """A row without columns."""

    def column(self, name: str) -> str:
        """Refuse: there is nothing."""
        raise KeyError(name)

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Refuse: there is nothing."""
        raise KeyError(name)

    def fetched(self, source: str, path: Path) -> bool:  # noqa: ARG002
        """Return that nothing was fetched."""
        return False

    def scan(self, source: str) -> ScanSpec:
        """Refuse: there is nothing."""
        raise KeyError(source)
