"""What documents of a batch have at paths; each top-level field is parsed once, however many paths are wanted of it.

Of conversations each message is parsed once, however many rows repeat it
(:mod:`btql_storage.part.input_values`).
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, cast

import pyarrow as pa

from btql.execution.kind_of import kept_as
from btql_planner.columns import engine_column
from btql_planner.types import Kind
from btql_storage import json_text
from btql_storage.arrow import joined_texts, one_array
from btql_storage.fields import KNOWN_FIELDS, OTHER
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.part.input_values import InputValues

if TYPE_CHECKING:
    from collections.abc import Sequence

    from btql.execution.documents import Documents

Path: TypeAlias = tuple[str | int, ...]

_TYPES = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.string(),
    Kind.BIG: pa.string(),
}


class Parsed:
    """Values of documents; a field is parsed when a path first needs it."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._fields: dict[str, list[object]] = {}

    def columns(self, path: Path, kinds: Sequence[Kind]) -> dict[str, pa.Array]:
        """Return the values at ``path``, for each kind those of that kind."""
        values = self._values(path)
        lists: dict[Kind, list[object]] = {kind: [None] * len(values) for kind in _TYPES}
        inputs = self._inputs if path == (DELTA_FIELD,) else None
        texts: list[list[bytes] | None] = [None] * len(values)
        for row, value in enumerate(values):
            if value is None:
                continue
            if not isinstance(value, list | dict):
                kind, known = kept_as(value)
                lists[kind][row] = known
            elif Kind.JSON in kinds:
                texts[row] = [json_text.canonical_bytes(value)] if inputs is None else inputs.canonical(row)
        return {
            engine_column(path, kind): joined_texts(texts) if kind is Kind.JSON else pa.array(lists[kind], _TYPES[kind])
            for kind in kinds
        }

    def texts(self, path: Path) -> pa.Array:
        """Return the value at ``path`` as JSON text, as it was written where it is a whole field."""
        field = stored_field(path)
        if len(path) == 1 and field != OTHER:
            return one_array(self._documents.table.column(field))
        values = self._values(path)
        return pa.array([None if value is None else json_text.dumps(value) for value in values], pa.string())

    @cached_property
    def _inputs(self) -> InputValues | None:
        return None if self._documents.inputs is None else InputValues(self._documents.inputs)

    def _values(self, path: Path) -> list[object]:
        """Return the value at ``path`` of each row, None where there is none."""
        field = stored_field(path)
        if field not in self._fields:
            self._fields[field] = self._of_field(field)
        below = path if field == OTHER else path[1:]
        return [_at(value, below) for value in self._fields[field]] if below else self._fields[field]

    def _of_field(self, field: str) -> list[object]:
        if field == DELTA_FIELD and self._inputs is not None:
            return cast("list[object]", self._inputs.values)
        column = self._documents.table.column(field)
        if column.null_count == len(column):
            return [None] * len(column)
        return cast("list[object]", json_text.parse_all(column.cast(pa.binary()).to_pylist()))


def stored_field(path: Path) -> str:
    """Return the column of documents that has the value at a path."""
    head = str(path[0])
    return head if head in KNOWN_FIELDS else OTHER


def _at(value: object, path: Path) -> object:
    for piece in path:
        if isinstance(piece, str):
            value = value.get(piece) if isinstance(value, dict) else None
        elif isinstance(value, list) and -len(value) <= piece < len(value):
            value = value[piece]
        else:
            return None
    return value
