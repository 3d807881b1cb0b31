"""Schemas inferred from values and from what statistics know."""

from __future__ import annotations

from datetime import UTC, datetime

from support.fields import WrittenFields

from btql.execution.infer import infer

NOTHING = WrittenFields({})


def properties(rows: list[dict[str, object]], fields: WrittenFields = NOTHING, names: tuple[str, ...] = ("a",)):
    schema = infer({name: (name,) for name in names}, rows, [fields])
    items = schema["items"]
    assert isinstance(items, dict)
    assert schema["type"] == "array"
    assert items["type"] == "object"
    return items["properties"]


def test_values_say_their_types() -> None:
    rows: list[dict[str, object]] = [
        {"a": {"model": "x", "cost": 1, "ok": True, "list": [1, {"deep": None}]}},
        {"a": {"model": 5, "cost": 1.5}},
        {"a": None},
    ]

    assert properties(rows) == {
        "a": {
            "type": "object",
            "properties": {
                "cost": {"type": "number"},
                "list": {
                    "type": "array",
                    "items": {"type": ["object", "integer"], "properties": {"deep": {"type": "null"}}},
                },
                "model": {"type": ["string", "integer"]},
                "ok": {"type": "boolean"},
            },
        }
    }


def test_statistics_add_what_other_rows_have() -> None:
    fields = WrittenFields({"a": "x", "a.model": "t", "a.long": "x", "a.n": "if", "b": "t"})

    assert properties([{"a": {"model": 1}}], fields) == {
        "a": {
            "type": "object",
            "properties": {"long": {}, "model": {"type": ["string", "integer"]}, "n": {"type": "number"}},
        }
    }


def test_times_and_fields_without_any_value() -> None:
    found = properties([{"a": datetime(2026, 1, 1, tzinfo=UTC), "b": None}], names=("a", "b"))

    assert found == {"a": {"type": "string", "format": "date-time"}, "b": {}}
