"""From the text of a statement to a tree that only reads the catalog, and calls nothing that is not known.

Postgres' own spellings that the parser does not know are written in another way first, token by token:
``OPERATOR(pg_catalog.~)`` is ``~``, ``x::pg_catalog.text`` is ``x::text``, and ``COLLATE`` goes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from btql_server.pgwire.catalog.growth import check_growth
from btql_server.pgwire.catalog.lexing import Token, tokens
from btql_server.pgwire.catalog.refused import Refused

_LENGTH_MAX = 200_000
_TEXT_ARRAYS = frozenset({"name", "char", "bpchar", "cstring", "aclitem", "regclass", "regtype", "regproc", "citext"})
_NUMBER_ARRAYS = frozenset({"oid", "xid", "cid", "int2vector", "oidvector"})
_RESERVED = frozenset({"select", "update", "insert", "delete", "from", "where", "group", "order", "with", "values"})
_SCHEMAS = frozenset({"pg_catalog", "information_schema"})

# What it warns of is refused here, with an error.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def read(sql: str) -> exp.Query:
    """Return the tree of one statement that only reads."""
    if len(sql) > _LENGTH_MAX:
        raise Refused("54000", f"a query of the catalog may have {_LENGTH_MAX:,} characters")
    try:
        found = [each for each in sqlglot.parse(normal_form(sql), read="postgres") if each is not None]
    except SqlglotError as error:
        raise _syntax_error(sql, error) from None
    except RecursionError:
        raise Refused("54001", "the query of the catalog is nested too deeply") from None
    if len(found) != 1:
        raise Refused("42601", "one statement at a time, please")
    return _checked(found[0])


def _checked(tree: exp.Expr) -> exp.Query:
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete | exp.Merge):
        raise Refused("42501", "the catalog is only for reading", "projects, experiments and datasets make its tables")
    if isinstance(tree, exp.Values):
        names = [f"column{number}" for number, _ in enumerate(tree.expressions[0].expressions, 1)]
        tree.set(
            "alias", exp.TableAlias(this=exp.to_identifier("v"), columns=[exp.to_identifier(each) for each in names])
        )
        tree = exp.select("*").from_(tree)
    if not isinstance(tree, exp.Query):
        raise Refused("0A000", "only SELECT, VALUES and TABLE read the catalog")
    for node in tree.walk():
        if isinstance(
            node, exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.DDL | exp.Command | exp.Into
        ) and not isinstance(node, exp.Query):
            raise Refused("42501", "the catalog is only for reading")
    check_growth(tree)
    return tree


def _syntax_error(sql: str, error: SqlglotError) -> Refused:
    told = cast("list[dict[str, object]]", getattr(error, "errors", None) or [{}])[0]
    near = str(told.get("highlight") or "")
    at = sql.find(near) if near else -1
    where = f' at or near "{near[:60]}"' if near else ""
    return Refused("42601", f"syntax error{where} in a query of the catalog", None, at if at >= 0 else None)


def normal_form(sql: str) -> str:
    """Return the statement without the spellings that the parser does not know."""
    found = tokens(sql)
    pieces: list[str] = []
    at = 0
    while at < len(found):
        taken, text = _next(found, at)
        if text:
            pieces.append(text)
        at += taken
    return " ".join(pieces)


def _next(found: Sequence[Token], at: int) -> tuple[int, str]:
    """Return how many tokens are taken, and what is written for them."""
    token = found[at]
    words = [each.word or (each.name or "") for each in found[at : at + 6]]
    if token.word == "operator" and len(words) == 6 and words[1] == "(" and words[3] == "." and words[5] == ")":
        return 6, found[at + 4].text
    if token.word == "collate":
        return (4 if len(words) > 2 and words[2] == "." else 2), ""
    if token.name in _SCHEMAS and len(words) > 3 and words[1] == "." and (words[3] == "(" or _is_type(found, at)):
        # A function, or a type: neither is looked for anywhere else.
        return 2, ""
    if token.kind == "word" and token.word in _RESERVED and at and found[at - 1].word == "as":
        # Postgres takes any word for the name of a column, behind AS.
        return 1, f'"{token.word}"'
    array = _array(found, at)
    return array or (1, token.text)


def _is_type(found: Sequence[Token], at: int) -> bool:
    """Whether the name at ``at`` is the schema of a type."""
    return at > 0 and found[at - 1].word in ("::", "as")


def _array(found: Sequence[Token], at: int) -> tuple[int, str] | None:
    """Return how arrays of Postgres' own types are written, where one begins here."""
    if at + 2 >= len(found) or found[at + 1].word != "[" or found[at + 2].word != "]" or at == 0:
        return None
    if found[at - 1].word not in ("::", "as", "."):
        return None
    name = found[at].name
    if name in _TEXT_ARRAYS:
        return 3, "text[]"
    return (3, "bigint[]") if name in _NUMBER_ARRAYS else None
