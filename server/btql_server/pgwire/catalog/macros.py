"""The functions of the catalog, written in the engine's SQL: ``macros.sql``, one statement each."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

_NAME = re.compile(r"CREATE MACRO b_(\w+)")
_USED = re.compile(r"\bb_(\w+)\(")
_RELATION = re.compile(r'\b(pgc|infs)\."?(\w+)"?')


@cache
def macros() -> dict[str, str]:
    """Return the statements that make the macros, by the names of the functions."""
    text = files("btql_server.pgwire.catalog").joinpath("macros.sql").read_text(encoding="utf-8")
    text = re.sub(r"--[^\n]*", "", text)
    statements = [each.strip() for each in text.split(";") if each.strip()]
    return {_name(each): each for each in statements}


def _name(statement: str) -> str:
    found = _NAME.match(statement)
    assert found is not None, statement[:60]
    return found[1]


def used_macros(text: str) -> set[str]:
    """Return the macros that a text of ours calls."""
    return set(_USED.findall(text)) & macros().keys()


def used_relations(text: str) -> set[tuple[str, str]]:
    """Return the relations that a text of ours reads, by schema and name."""
    schemas = {"pgc": "pg_catalog", "infs": "information_schema"}
    return {(schemas[schema], name) for schema, name in _RELATION.findall(text)}
