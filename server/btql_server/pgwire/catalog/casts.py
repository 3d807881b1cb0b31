"""Casts: to the names of the catalog and from them, and to types that only Postgres has."""

from __future__ import annotations

from typing import cast

from sqlglot import exp

from btql_planner.postgres_arrays import texts_of
from btql_server.pgwire.catalog.literals import cast_to, literal
from btql_server.pgwire.catalog.refused import Refused
from btql_server.pgwire.catalog.relations import VECTORS, numbers, procedures
from btql_server.pgwire.catalog.type_names import type_name

_TEXTS = frozenset(
    {
        *("text", "varchar", "char", "name", "bpchar", "cstring", "nchar", "nvarchar", "unknown", "pg_node_tree"),
        *("sql_identifier", "character_data", "yes_or_no", "aclitem", "inet", "cidr", "xml", "json", "jsonb", "pg_lsn"),
        *("void", "anyarray", "any", "citext", "macaddr", "tid", "regconfig", "regdictionary", "uuid", "bit"),
    }
)
_NUMBERS = {
    "oid": "UINTEGER",
    "xid": "UINTEGER",
    "cid": "UINTEGER",
    "cardinal_number": "INTEGER",
    "int": "INTEGER",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "smallint": "SMALLINT",
    "tinyint": "SMALLINT",
    "int128": "HUGEINT",
    "uinteger": "UINTEGER",
    "xid8": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "decimal": "DOUBLE",
    "money": "DOUBLE",
}
_OTHERS = {
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timetz": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
    "timestampltz": "TIMESTAMPTZ",
    "interval": "INTERVAL",
    "varbinary": "BLOB",
    "bytea": "BLOB",
    "time_stamp": "TIMESTAMPTZ",
}
_LOOKED_UP = {
    "regclass": "regclass",
    "regtype": "regtype",
    "regproc": "regproc",
    "regprocedure": "regproc",
    "regoper": "regoper",
    "regoperator": "regoper",
    "regnamespace": "regnamespace",
    "regrole": "regrole",
    "regcollation": "regcollation",
}
"""Types that are numbers and are spelled as names."""
_KIND = "btql_kind"
"""Where a tree notes what a number stands for."""
_TEXT_AROUND = (exp.DPipe, exp.Concat, exp.ConcatWs)


def rewrite_cast(node: exp.Cast, functions: set[str]) -> exp.Expr:
    """Return a cast as the engine has it; what is inside of it is rewritten already."""
    wanted = type_name(node.to)
    inner = cast("exp.Expr", node.this)
    if wanted in _LOOKED_UP:
        return _looked_up(node, _LOOKED_UP[wanted], functions)
    if wanted in ("int2vector", "oidvector"):
        return inner
    if wanted.endswith("[]"):
        return _array(inner, wanted.removesuffix("[]"))
    if wanted in _TEXTS:
        return _as_text(inner, functions)
    if wanted in _NUMBERS and _number_of(inner) is not None:
        return inner
    known = _NUMBERS.get(wanted) or _OTHERS.get(wanted)
    if known is None:
        raise Refused("42704", f'type "{wanted}" does not exist')
    return cast_to(inner, known)


def _looked_up(node: exp.Cast, wanted: str, functions: set[str]) -> exp.Expr:
    inner = cast("exp.Expr", node.this)
    if _number_of(inner) is not None:
        number = inner
    elif isinstance(inner, exp.Column) and inner.name.lower() in numbers():
        number = exp.Paren(this=inner)
        number.meta[_KIND] = wanted
    else:
        number = _call(f"to_number_of_{wanted}", inner, functions)
    shown = isinstance(node.parent, _TEXT_AROUND)
    return _call(f"name_of_{wanted}", number, functions) if shown else number


def _as_text(inner: exp.Expr, functions: set[str]) -> exp.Expr:
    named = _number_of(inner)
    if named is not None:
        return _call(f"name_of_{named}", inner, functions)
    if isinstance(inner, exp.Column) and inner.name.lower() in procedures():
        return _call("name_of_regproc", inner, functions)
    if isinstance(inner, exp.Column) and inner.name.lower() in VECTORS:
        return exp.func("array_to_string", inner, exp.Literal.string(" "))
    return cast_to(inner, "VARCHAR")


def _array(inner: exp.Expr, element: str) -> exp.Expr:
    if isinstance(inner, exp.Literal) and inner.is_string:
        values = texts_of(inner.name)
        if values is None:
            raise Refused("22P02", f'malformed array literal: "{inner.name[:60]}"')
        inner = literal(values)
    known = "VARCHAR" if element in _TEXTS or element in _LOOKED_UP else _NUMBERS.get(element) or _OTHERS.get(element)
    if known is None:
        raise Refused("42704", f'type "{element}[]" does not exist')
    return cast_to(inner, f"{known}[]")


def _number_of(node: exp.Expr) -> str | None:
    """Return which kind of name a number stands for, where it was looked up."""
    if _KIND in node.meta:
        return str(node.meta[_KIND])
    inner = node.unnest()
    name = inner.name if isinstance(inner, exp.Anonymous) else ""
    return name.removeprefix("b_to_number_of_") if name.startswith("b_to_number_of_") else None


def _call(macro: str, argument: exp.Expr, functions: set[str]) -> exp.Expr:
    functions.add(macro)
    return exp.Anonymous(this=f"b_{macro}", expressions=[argument])
