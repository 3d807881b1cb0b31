"""A field catalog that a test writes down instead of reading it from statistics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from btql_grammar import tree
from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner.binding.bind import BoundQuery, bind
from btql_planner.catalog import Availability, Path
from btql_planner.options import QueryOptions, settled
from btql_planner.types import Kind


@dataclass(frozen=True)
class WrittenFields:
    """``{"metadata.model": "t", "input": "tx"}``: kinds by dotted path, x for values only in documents, ! for cut."""

    kinds: Mapping[str, str]

    def availability(self, path: Path) -> Availability:
        letters = self.kinds.get(".".join(path), "")
        kinds = frozenset(Kind(letter) for letter in letters if letter not in "x!")
        return Availability(kinds, marked="x" in letters, cut="!" in letters, bits=20)

    def paths(self) -> Collection[Path]:
        return [tuple(path.split(".")) for path in self.kinds]

    def keys_below(self, above: Path) -> Collection[str]:
        depth = len(above)
        return {path[depth] for path in self.paths() if len(path) > depth and path[:depth] == above}

    def constants(self) -> dict[str, str | None]:
        return {"project_id": "demo"}

    def varying(self) -> Collection[str]:
        return ()

    def rows(self) -> int:
        return 1_000


@dataclass(frozen=True)
class WrittenCatalogs:
    """Gives the same fields for every object, and takes a bare name for a project's."""

    written: WrittenFields

    def resolve(self, table: tree.Table) -> tree.From:
        return tree.From("project_logs", table.path[-1:], span=table.span, alias=table.alias or table.path[-1])

    def fields(self, source: tree.From) -> WrittenFields:
        return self.written


SPANS = WrittenFields(
    {
        "input": "tx",
        "output": "tx",
        "error": "tx",
        "metadata": "x",
        "metadata.model": "t",
        "metadata.user": "t",
        "metadata.cost": "if",
        "metadata.mixed": "bitx",
        "metadata.cut": "t!",
        "metrics": "x",
        "metrics.tokens": "i",
        "metrics.start": "f",
        "metrics.end": "f",
        "scores": "x",
        "scores.accuracy": "if",
        "span_attributes": "x",
        "span_attributes.name": "t",
    }
)
"""The fields of a usual project."""


def bound(text: str, fields: WrittenFields = SPANS) -> BoundQuery:
    """Return the bound form of a query over ``fields``, with the options that its text sets."""
    statement = parse(text)
    options = settled(QueryOptions(), statement, text) if isinstance(statement, tree.Query) else QueryOptions()
    return bind(statement, Source(text), WrittenCatalogs(fields), options)
