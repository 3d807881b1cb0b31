"""Errors of the engine behind the catalog, in Postgres' words."""

from __future__ import annotations

import re

import duckdb

from btql_server.pgwire.catalog.refused import Refused

_SAID = re.compile(r"(relation|type|schema) \"(.*)\" does not exist$")
_UNKNOWN_COLUMN = re.compile(
    r'(?:Referenced column|have a column named|column named|Column) "([^"]+)"(?! must| cannot)'
)
_STATES = {
    "relation": "42P01",
    "type": "42704",
    "schema": "3F000",
}
_CLASSES: tuple[tuple[type[duckdb.Error], str], ...] = (
    (duckdb.OutOfMemoryException, "53200"),
    (duckdb.ConversionException, "22P02"),
    (duckdb.OutOfRangeException, "22003"),
    (duckdb.BinderException, "42804"),
    (duckdb.CatalogException, "42883"),
    (duckdb.ParserException, "42601"),
)


def refused_by(error: duckdb.Error) -> Refused:
    """Return the error in Postgres' words, as far as it has some for it; the engine's own statement is not shown."""
    text = str(error).splitlines()[0].partition("Error: ")[2] or "it cannot be run"
    said = _SAID.search(text)
    if said is not None:
        return Refused(_STATES[said[1]], f'{said[1]} "{said[2]}" does not exist')
    column = _UNKNOWN_COLUMN.search(text)
    if column is not None:
        return Refused("42703", f'column "{column[1]}" does not exist')
    table = re.search(r'Referenced table "([^"]+)" not found', text)
    if table is not None:
        return Refused("42P01", f'missing FROM-clause entry for table "{table[1]}"')
    state = next((state for kind, state in _CLASSES if isinstance(error, kind)), "0A000")
    return Refused(state, f"the catalog cannot answer this: {text[:300]}")
