"""Values of an answer, brought to the type that the wire has promised for them.

A statement that was described before its parameters came may give other kinds of values than it said. What can be
told in the promised type is converted; anything else is an error, as in Postgres.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import cast

import pyarrow as pa

from btql_server.pgwire.bad_value import NOT_SUPPORTED, BadValue
from btql_server.pgwire.plain import plain
from btql_server.pgwire.types import TEXT_LIKE, PgType, is_list, pg_type

_WHOLE = ("int2", "int4", "int8", "oid", "xid", "cid", "numeric")
_NUMBERS = (*_WHOLE, "float4", "float8")


def fitted(values: pa.Array, type_: PgType) -> pa.Array:
    """Return values in a layout that has a form in the type."""
    natural = pg_type(values.type)
    if natural == type_ or pa.types.is_null(values.type):
        return _usual(values, type_)
    name = type_.name
    kind = values.type
    if name in ("json", "jsonb"):
        return _usual(values, type_) if natural.name == "jsonb" else _as_json(values)
    if name in _NUMBERS and natural.name in _NUMBERS:
        return _as_number(values, type_)
    if natural.name in ("text", "jsonb") and (type_.oid in TEXT_LIKE or name in ("interval", "numeric")):
        return _usual(values, type_)
    if type_.oid in TEXT_LIKE:
        from btql_server.pgwire.text_values import text_values

        return text_values(values, natural).array().cast(pa.string())
    if name == "timestamptz" and natural.name == "timestamp":
        return values.cast(pa.timestamp(kind.unit, "UTC"))
    if name == "timestamp" and natural.name in ("timestamptz", "date"):
        return values.cast(pa.timestamp("us"))
    if is_list(kind) and type_.element:
        return plain(values)
    message = f"cached plan must not change result type: {name} was promised, {natural.name} came"
    raise BadValue(NOT_SUPPORTED, message, "write a cast into the query, so that its type does not depend on a value")


def _usual(values: pa.Array, type_: PgType) -> pa.Array:
    if pa.types.is_null(values.type):
        return values.cast(pa.string())
    if type_.name == "uuid" and isinstance(values, pa.ExtensionArray):
        return values.storage
    found = plain(values)
    return _as_json(found) if type_.name == "jsonb" and pa.types.is_nested(found.type) else found


def _as_number(values: pa.Array, type_: PgType) -> pa.Array:
    if type_.name == "numeric" or type_.name not in ("float4", "float8"):
        return plain(values)
    wanted = pa.float32() if type_.name == "float4" else pa.float64()
    return plain(values).cast(wanted, safe=False)


def _as_json(values: pa.Array) -> pa.Array:
    """Return values of any type as JSON texts, spaced as Postgres does."""
    if pa.types.is_map(values.type):
        entries = cast("Sequence[Sequence[tuple[object, object]] | None]", values.to_pylist())
        listed: Sequence[object] = [None if each is None else dict(each) for each in entries]
    else:
        listed = cast("Sequence[object]", plain(values).to_pylist())
    return pa.array([None if each is None else _json(each) for each in listed], pa.string())


def _json(value: object) -> str:
    match value:
        case datetime():
            return f'"{value.isoformat()}"'
        case date():
            return f'"{value.isoformat()}"'
        case Decimal():
            return f"{value:f}"
        case bytes():
            return json.dumps("\\x" + value.hex())
        case Mapping():
            entries = cast("Mapping[object, object]", value).items()
            return (
                "{"
                + ", ".join(f"{json.dumps(str(key), ensure_ascii=False)}: {_json(each)}" for key, each in entries)
                + "}"
            )
        case list() | tuple():
            return "[" + ", ".join(map(_json, cast("Sequence[object]", value))) + "]"
        case float() if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124
            return json.dumps(str(value))
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)
