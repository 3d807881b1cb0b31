"""What the planner may ask about the data it plans for.

The answer comes from the statistics of one snapshot, so a plan is right for
that snapshot and no other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from btql_grammar import tree
from btql_planner.types import ANY, BIG, NULL, Kind, Type

Path = tuple[str, ...]
FLOAT_BITS = 53
"""Whole numbers below two to this power are exact as float64."""


@dataclass(frozen=True, slots=True)
class Availability:
    """What is known of one path: the kinds it has, and where its values are."""

    kinds: Type = NULL
    """The kinds that have columns of their own."""
    marked: bool = False
    """Some values are only in the documents; the marker column says in which rows."""
    cut: bool = False
    """Some parts have no columns for this path at all, though it has values there."""
    bits: int = 0
    """Whole numbers of this path are below two to this power; those beyond 64 bits do not count."""
    big: bool = False
    """Some whole numbers are beyond 64 bits: a column has their nearest floats, the documents the digits."""

    @property
    def type(self) -> Type:
        """Every kind that a value of this path may have."""
        if self.cut:
            return self.kinds | ANY
        hidden: Type = frozenset({Kind.TEXT, Kind.JSON, Kind.FLOAT}) if self.marked else NULL
        return self.kinds | hidden | (BIG if self.big else NULL)

    @property
    def wide(self) -> bool:
        """Whether some whole numbers are too large for a float64 to be exact."""
        return self.bits > FLOAT_BITS

    @property
    def exists(self) -> bool:
        """Whether any value was ever seen."""
        return bool(self.kinds) or self.marked or self.cut


ID_FIELDS = {
    "project_logs": "project_id",
    "experiment": "experiment_id",
    "dataset": "dataset_id",
    "playground_logs": "prompt_session_id",
}
"""The field that names the object in each of its rows, by kind."""


@dataclass(frozen=True, slots=True)
class Objects:
    """What a scan reads: one or several objects of a kind, by name."""

    kind: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, source: tree.From) -> Objects:
        """Return the objects that a source names."""
        return cls(source.kind, tuple(dict.fromkeys(source.arguments)))

    @property
    def trace_columns(self) -> tuple[str, ...]:
        """The columns that tell traces apart: two objects may have traces with the same id."""
        if len(self.names) == 1 or self.kind not in ID_FIELDS:
            return ("root_span_id",)
        return ("root_span_id", ID_FIELDS[self.kind])


class FieldCatalog(Protocol):
    """The fields of one source: of one object as one snapshot has them, or of several together."""

    def availability(self, path: Path) -> Availability:
        """Return what is known of ``path``, a top-level field and keys below it."""
        ...

    def paths(self) -> Collection[Path]:
        """Return every path that was seen."""
        ...

    def keys_below(self, above: Path) -> Collection[str]:
        """Return the keys that were seen directly below a path; below ``()`` are the top-level fields."""
        ...

    def constants(self) -> dict[str, str | None]:
        """Return the fields that have one value for the whole object, such as ``project_id``."""
        ...

    def varying(self) -> Collection[str]:
        """Return the fields that say which of several objects a row is from."""
        ...

    def rows(self) -> int:
        """Return how many rows there are, at most."""
        ...


class Catalogs(Protocol):
    """The objects that a statement may ask, each as of one moment."""

    def resolve(self, table: tree.Table) -> tree.From:
        """Return the object that a bare name means; an error where there is none, or more than one."""
        ...

    def fields(self, source: tree.From) -> FieldCatalog:
        """Return the fields of a source."""
        ...
