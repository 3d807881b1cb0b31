"""Statements that drivers and tools send all the time, answered without the engine, such as ``SELECT version()``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

import pyarrow as pa

from btql_server.pgwire.catalog.names import KEYWORDS, OF_SESSION
from btql_server.pgwire.catalog.session_values import Session, value_of

# Nothing is tried twice, however much space there is.
_CALL = re.compile(
    r"""\s*+select\s++(?:pg_catalog\s*+\.\s*+)?(?P<name>[a-z_]++)
    (?P<call>\s*+\(\s*+(?:'(?P<argument>[^'\\]*+)'|(?P<truth>true|false))?\s*+\))?
    (?:\s++(?:as\s++)?(?:"(?P<quoted>[^"]++)"|(?P<alias>[a-z_][a-z0-9_]*+)))?\s*+;?\s*+\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_TYPES: dict[type, pa.DataType] = {
    bool: pa.bool_(),
    int: pa.int32(),
    str: pa.string(),
    datetime: pa.timestamp("us", tz="UTC"),
    list: pa.list_(pa.string()),
}


def shortcut(sql: str, parameters: Sequence[object], session: Session) -> pa.Table | None:
    """Return the answer to a statement that calls one function of the session; None for any other."""
    found = _CALL.match(sql)
    if found is None or parameters:
        return None
    name = found["name"].lower()
    if name not in OF_SESSION or (found["call"] is None and name not in KEYWORDS):
        return None
    arguments: list[object] = []
    if found["argument"] is not None:
        arguments = [found["argument"]]
    elif found["truth"] is not None:
        arguments = [found["truth"].lower() == "true"]
    value = value_of(name, arguments, session)
    column = found["quoted"] or (found["alias"] or name).lower()
    array = pa.array([value], _TYPES.get(type(value), pa.string()))
    return pa.Table.from_arrays([array], names=[column])
