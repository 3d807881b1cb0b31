"""Whether a statement is about the catalog: told from its text alone, for every statement that comes in.

1. What has none of a few words in it is not, nor what is too long for any statement. Most statements go no further.
2. A statement that reads relations is about the catalog where one of them is a relation of the catalog: with its
   schema, or by a name that Postgres finds without one. What else it reads, :mod:`.rewrite` then refuses.
3. One that reads none is, where it calls a function of the catalog or casts to a name of it: ``SELECT version()``.
   So is what ODBC's driver asks for lists that have a shape only: ``select NULL, NULL, NULL``, and its kinds of tables.

Texts, names in quotes and comments do not mislead it, and a field of rows that is called ``pg_class`` neither.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from btql_grammar.scan import TEXT_CHARS_MAX
from btql_grammar.sources import KINDS
from btql_server.pgwire.catalog.lexing import Token, tokens
from btql_server.pgwire.catalog.names import CALLED, KEYWORDS
from btql_server.pgwire.catalog.relations import INTERNAL_SCHEMAS, relations

_HINT = re.compile(
    r"pg_|information_schema|version|current_|session_user|\buser\b|_privilege|to_reg|::\s*reg|as\s+reg|description"
    r"|format_type|inet_|set_config|txid|has_|row_security|relkind|null\s*,\s*null",
    re.IGNORECASE,
)
_READS = frozenset({"select", "with", "table", "values"})
_WRITES = frozenset({"insert", "update", "delete", "truncate"})
_BEFORE_RELATION = frozenset({"from", "join", "into", "update", "table", "only"})


def about_catalog(sql: str) -> bool:
    """Whether a statement is about the catalog."""
    if len(sql) > TEXT_CHARS_MAX or _HINT.search(sql) is None:
        return False
    found = tokens(sql)
    first = next((index for index, token in enumerate(found) if token.word != "("), len(found))
    word = found[first].word if first < len(found) else ""
    if word not in _READS and word not in _WRITES:
        return False
    if first + 1 < len(found) and found[first + 1].word == ":":
        # BTQL: `select: …`
        return False
    reads, about = _relations(found)
    if about or reads or word in _WRITES:
        return about
    return _calls(found) or _lists_nothing(found)


def _relations(found: Sequence[Token]) -> tuple[bool, bool]:
    """Return whether any relation is read, and whether one of the catalog is."""
    reads = about = in_from = False
    for index, token in enumerate(found):
        before = token.word in _BEFORE_RELATION
        in_from |= before
        if not before and not (token.word == "," and in_from):
            continue
        path = _path(found, index + 1)
        if not path:
            continue
        called = index + 2 * len(path) < len(found) and found[index + 2 * len(path)].word == "("
        if called:
            # `FROM project_logs('x')` reads rows, `FROM generate_series(1, 2)` may belong to anything.
            reads |= before and path[-1] in KINDS
            continue
        if _of_catalog(path):
            return True, True
        reads |= before and path[0] != "only"
    return reads, about


def _path(found: Sequence[Token], at: int) -> list[str]:
    path: list[str] = []
    while at < len(found) and (name := found[at].name) is not None:
        path.append(name)
        if at + 1 >= len(found) or found[at + 1].word != ".":
            break
        at += 2
    return path


def _of_catalog(path: Sequence[str]) -> bool:
    if len(path) == 1:
        return path[0] in _bare_names()
    return path[-2] in INTERNAL_SCHEMAS


@cache
def _bare_names() -> frozenset[str]:
    return frozenset(name for schema, name in relations() if schema == "pg_catalog")


def _calls(found: Sequence[Token]) -> bool:
    """Whether a function of the catalog is called, or something is cast to a name of the catalog."""
    for index, token in enumerate(found):
        name = token.name
        if name is None:
            continue
        following = found[index + 1].word if index + 1 < len(found) else ""
        before = found[index - 1].word if index else ""
        if following == "(" and name in CALLED:
            return True
        if before in ("::", "as", ".") and name.startswith("reg") and name in _NAMES_OF_CATALOG:
            return True
        if token.kind == "word" and name in KEYWORDS and before != "." and following != ".":
            return True
    return False


def _lists_nothing(found: Sequence[Token]) -> bool:
    """Whether it is one of the two statements by which ODBC's driver makes lists of no rows, or of kinds of tables."""
    words = [token.word for token in found if token.word != ";"]
    return words[:4] == ["select", "null", ",", "null"] and ("relkind" in words or set(words[1:]) == {"null", ","})


_NAMES_OF_CATALOG = frozenset(
    {"regclass", "regtype", "regproc", "regprocedure", "regnamespace", "regrole", "regoper", "regoperator"}
)
