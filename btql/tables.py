"""The objects of a database as tables with columns, for doors that speak of tables.

Each object is a table: its kind is the schema, and its name is the one under which it is registered, where that is
unique among the tables of its schema that may be seen, else its id. Both are understood behind FROM:
``SELECT * FROM project_logs."My project"``. Registered names come from the directory of whoever asks
(:meth:`btql.execution.directory.Directory.listed`), so a table is only there for those who may read it.

Documents have no schema. A table's columns are the fields that documents of its kind are known to have, with the types
that their values may have; a field of another name is there as well, whatever the list says. Which paths the rows of a
table have by now is told by :func:`paths`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

import pyarrow as pa

from btql_planner.names import SYSTEM_KINDS
from btql_planner.types import Kind
from btql_storage import fields

if TYPE_CHECKING:
    from btql.execution.directory import Directory, Listed
    from btql_storage.snapshot import Snapshot

ColumnType: TypeAlias = Literal["text", "text[]", "timestamptz", "boolean", "jsonb"]
"""The names are those of Postgres."""

_TYPES: dict[Kind, ColumnType] = {
    Kind.TEXT: "text",
    Kind.TIME: "timestamptz",
    Kind.BOOLEAN: "boolean",
    Kind.LIST: "text[]",
}
_ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "text[]": pa.list_(pa.string()),
    "timestamptz": pa.timestamp("us", tz="UTC"),
    "boolean": pa.bool_(),
    "jsonb": pa.json_(pa.string()),
}
SCHEMAS = MappingProxyType(
    {
        "project_logs": "Logs of projects: a table for each project.",
        "experiment": "Experiments: a table for each.",
        "dataset": "Datasets: a table for each.",
        "playground_logs": "Logs of playgrounds: a table for each.",
        "project_prompts": "Prompts of projects: a table for each project.",
        "project_functions": "Functions of projects: a table for each project.",
        "audit_log": "What was changed, and by whom: a table for each organization.",
    }
)
"""The kinds of object that are schemas even where they have no table yet, and what is in them."""
COLUMN_NOTES = MappingProxyType(
    {
        "id": "Unique within the table; an event with the same id replaces the row or is merged into it.",
        "_xact_id": "The transaction that wrote the row last; it grows with time.",
        "_pagination_key": "Where the row stands in the order of pages.",
        "created": "When the span began, or the row was written.",
        "span_id": "The span, unique within its trace.",
        "root_span_id": "The trace: the same in all of its spans.",
        "is_root": "Whether the span is the root of its trace.",
        "span_parents": "Ids of the spans above it.",
        "tags": "Tags.",
        "input": "What went in.",
        "output": "What came out.",
        "expected": "What should have come out.",
        "error": "What went wrong; null where nothing did.",
        "scores": "Scores by name, numbers from 0 to 1: scores.accuracy or scores->>'accuracy'.",
        "metrics": "Numbers by name, such as start, end, prompt_tokens and completion_tokens.",
        "metadata": "Anything else that was noted, by key: metadata.model or metadata->>'model'.",
        "context": "Where in the program it happened.",
        "span_attributes": "Name, type and purpose of the span: span_attributes.type.",
        "origin": "The row of another object that it was made from.",
        "comments": "Comments of people.",
        "audit_data": "How the row came about, change by change.",
        "classifications": "Classes by name.",
        "facets": "Facets by name.",
        "_async_scoring_state": "How far scoring in the background has come.",
        "project_id": "The project; the same in all rows.",
        "experiment_id": "The experiment; the same in all rows.",
        "dataset_id": "The dataset; the same in all rows.",
        "org_id": "The organization; the same in all rows.",
        "log_id": "The kind of log; the same in all rows.",
    }
)
"""What is in each column."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    type: ColumnType
    note: str | None = None
    """What is in it."""

    @property
    def nullable(self) -> bool:
        """Whether a row may have no value here."""
        return self.name not in ("id", "_xact_id")

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of its values."""
        return _ARROW_TYPES[self.type]


@dataclass(frozen=True, slots=True)
class Table:
    """One object, as a table."""

    number: int
    """Stays the same as long as the object lives, and is never used again."""
    schema: str
    """The kind of the object."""
    name: str
    """The registered name where that is unique, else the id."""
    id: str
    """The name of the object in the storage."""
    note: str | None = None
    """What it is, for people."""
    constants: tuple[str, ...] = ()
    """Columns that have one value in all rows."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in the order in which ``*`` gives them."""
        return columns_of(self.constants)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The columns, as Arrow has them."""
        return pa.schema([pa.field(each.name, each.arrow_type, each.nullable) for each in self.columns])


@dataclass(frozen=True, slots=True)
class SeenPath:
    """A path that some row of a table has."""

    path: tuple[str, ...]
    kinds: tuple[str, ...]
    """The kinds of its values; none where only documents tell."""


def tables(directory: Directory) -> list[Table]:
    """Return all tables that whoever has the directory may read, in the order of schema and name."""
    listed = list(directory.listed())
    taken = Counter(name for each in listed for name in each.names)
    return sorted((_table(each, taken) for each in listed), key=lambda table: (table.schema, table.name))


def schemas(of: Sequence[Table]) -> list[str]:
    """Return the schemas: those that are always there, and those of the tables."""
    return list(dict.fromkeys([*SCHEMAS, *sorted({table.schema for table in of})]))


def columns_of(constants: Sequence[str] = ()) -> tuple[Column, ...]:
    """Return the columns of a table in whose rows some fields have one value."""
    found: dict[str, ColumnType] = {name: _TYPES[kind] for name, kind in SYSTEM_KINDS.items()}
    found |= dict.fromkeys(constants, "text")
    for name in fields.KNOWN_FIELDS:
        found.setdefault(name, "jsonb")
    return tuple(Column(name, type_, COLUMN_NOTES.get(name)) for name, type_ in found.items())


def paths(snapshot: Snapshot) -> list[SeenPath]:
    """Return every path that rows of a snapshot have, and what its values are."""
    from btql.execution.fields import SnapshotFields

    seen = SnapshotFields(snapshot)
    return [
        SeenPath(path, tuple(sorted(kind.name.lower() for kind in seen.availability(path).kinds)))
        for path in sorted(seen.paths())
    ]


def _table(listed: Listed, taken: Counter[tuple[str, str]]) -> Table:
    found, called = listed.object, listed.called
    name = called if called and taken[found.kind, called] == 1 else found.name
    return Table(found.id, found.kind, name, found.name, listed.note, tuple(listed.constants))
