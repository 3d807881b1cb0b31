"""What is in the relations of the catalog: the queries of ``contents.sql``, and what these depend on."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import cast

from btql_server.pgwire.catalog.macros import macros, used_macros, used_relations

_HEADING = re.compile(r"^-- (pg_catalog|information_schema)\.(\w+)\n", re.MULTILINE)
_OF_TABLES = re.compile(r"\bb_(?:tables|classes|class_names|shapes)\b")


@cache
def contents() -> dict[tuple[str, str], str]:
    """Return the queries that give what is in the relations."""
    text = files("btql_server.pgwire.catalog").joinpath("contents.sql").read_text(encoding="utf-8")
    _, *pieces = _HEADING.split(text)
    found = zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True)
    return {(schema, name): query.strip().removesuffix(";") for schema, name, query in found}


@cache
def reads_tables(what: str) -> bool:
    """Whether a macro (``macro format_type``) or a relation reads the tables, by itself or by what it reads."""
    kind, _, name = what.partition(" ")
    text = macros()[name] if kind == "macro" else contents().get(cast("tuple[str, str]", tuple(what.split("."))), "")
    if _OF_TABLES.search(text):
        return True
    called = used_macros(text) - {name}
    read = used_relations(text)
    return any(reads_tables(f"macro {each}") for each in called) or any(reads_tables(".".join(each)) for each in read)


@cache
def varies(schema: str, name: str) -> bool:
    """Whether what is in a relation depends on who asks."""
    text = contents().get((schema, name), "")
    if "getvariable" in text or used_macros(text) or reads_tables(f"{schema}.{name}"):
        return True
    return any(varies(*each) for each in used_relations(text))
