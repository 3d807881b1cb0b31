"""Inference: the JSON schema that rows have.

Two sources say it together. The values of the rows that were looked at, as many
as ``inference_budget`` allows, say everything about themselves, down to the
elements of arrays. The statistics of the snapshot add what other rows have:
every path they know, with its scalar kinds. Only what is inside of arrays and
long texts of rows that were not looked at may be missing.

A schema lists the types that occur. A field that may be missing or null is not
marked: any field may. A path of which only statistics know that something is
there, an array or a long text, has the empty schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from btql_planner.catalog import Availability, FieldCatalog
from btql_planner.types import Kind

JsonSchema = dict[str, object]

_KINDS = {Kind.BOOLEAN: "boolean", Kind.INTEGER: "integer", Kind.FLOAT: "number", Kind.TEXT: "string"}
_ORDER = ("object", "array", "string", "number", "integer", "boolean", "null")


@dataclass
class _Shape:
    """What was seen at one place of the documents."""

    types: set[str] = field(default_factory=set[str])
    properties: dict[str, _Shape] = field(default_factory=dict[str, "_Shape"])
    items: _Shape | None = None
    times: bool = False
    """All texts here are times, since the field is one of time."""

    def add(self, value: object) -> None:
        """Take in a value."""
        match value:
            case None:
                self.types.add("null")
            case bool():
                self.types.add("boolean")
            case int():
                self.types.add("integer")
            case float():
                self.types.add("number")
            case str():
                self.types.add("string")
            case datetime():
                self.types.add("string")
                self.times = True
            case dict():
                self.types.add("object")
                for key, below in value.items():
                    self.at(str(key)).add(below)
            case list():
                self.types.add("array")
                self.items = self.items or _Shape()
                for element in value:
                    self.items.add(element)
            case _:
                raise AssertionError(type(value))

    def at(self, key: str) -> _Shape:
        """Return the shape of a key below."""
        return self.properties.setdefault(key, _Shape())

    def schema(self) -> JsonSchema:
        """Return this as a JSON schema."""
        types = self.types - {"integer"} if "number" in self.types else set(self.types)
        if len(types) > 1:
            types.discard("null")
        listed = [name for name in _ORDER if name in types]
        found: JsonSchema = {}
        if listed:
            found["type"] = listed[0] if len(listed) == 1 else listed
        if self.times:
            found["format"] = "date-time"
        if self.properties:
            found["properties"] = {key: self.properties[key].schema() for key in sorted(self.properties)}
        if self.items is not None:
            found["items"] = self.items.schema()
        return found


def infer(
    columns: Mapping[str, tuple[str | int, ...]], rows: Iterable[Mapping[str, object]], catalogs: Sequence[FieldCatalog]
) -> JsonSchema:
    """Return the JSON schema of an answer whose columns are these paths."""
    shapes = {name: _Shape() for name in columns}
    for row in rows:
        for name, shape in shapes.items():
            if row[name] is not None:
                shape.add(row[name])
    for name, above in columns.items():
        for catalog in catalogs:
            for path in catalog.paths():
                if path[: len(above)] == above:
                    _add_path(shapes[name], path[len(above) :], catalog.availability(path))
    properties = {name: shape.schema() for name, shape in shapes.items()}
    return {"type": "array", "items": {"type": "object", "properties": properties}}


def _add_path(shape: _Shape, path: Sequence[str], known: Availability) -> None:
    for key in path:
        shape.types.add("object")
        shape = shape.at(key)
    shape.types.update(_KINDS[kind] for kind in known.kinds if kind in _KINDS)
