"""Statements that other databases have and btql has not, each with the way to do it here.

The words are known without reading the rest of the text, so that any dialect's
spelling of the statement gets its answer.
"""

from __future__ import annotations

import re

from btql_grammar.diagnostic import BtqlError
from btql_grammar.scan import after_space
from btql_grammar.span import Span

_OBJECTS = "an object begins with its first row: `INSERT INTO project_logs('name') ...`, or `btql ingest`"
_TRANSACTIONS = "every statement is a transaction of its own"
_SETTINGS = "write `SETTINGS name = value` at the end of a query"
_ACCESS = "who may read an object is not decided in queries"
_PREPARED = "send the statement itself"
_LISTING = "`btql status DB` lists the objects; over the Postgres wire `information_schema` has them and their columns"

_WAYS_OUT = {
    "create": _OBJECTS, "alter": "fields need no declaration: write rows that have them",
    "drop": "delete the rows: `DELETE FROM project_logs('name') WHERE true`",
    "truncate": "delete the rows: `DELETE FROM project_logs('name') WHERE true`",
    "merge": "write `INSERT INTO ... ON CONFLICT (id) DO UPDATE`", "replace": "write INSERT: it replaces rows by id",
    "upsert": "write INSERT: it replaces rows by id", "copy": "files go in by `btql ingest` and out by `btql query`",
    "load": "files go in by `btql ingest`", "import": "files go in by `btql ingest`",
    "export": "answers go out by `btql query`", "unload": "answers go out by `btql query`",
    "grant": _ACCESS, "revoke": _ACCESS, "set": _SETTINGS, "reset": _SETTINGS, "pragma": _SETTINGS,
    "show": _LISTING, "describe": _LISTING, "desc": _LISTING, "use": "name the object behind FROM",
    "begin": _TRANSACTIONS, "start": _TRANSACTIONS, "commit": _TRANSACTIONS, "rollback": _TRANSACTIONS,
    "savepoint": _TRANSACTIONS, "release": _TRANSACTIONS, "abort": _TRANSACTIONS, "lock": _TRANSACTIONS,
    "prepare": _PREPARED, "execute": _PREPARED, "deallocate": _PREPARED, "declare": _PREPARED, "call": _PREPARED,
    "do": _PREPARED, "vacuum": "run `btql compact`", "optimize": "run `btql compact`", "analyze": "run `btql compact`",
    "reindex": "run `btql compact`", "checkpoint": "run `btql compact`", "refresh": "views are always fresh",
    "table": "write `SELECT * FROM project_logs('name')`",
    "attach": "open one database at a time", "detach": "open one database at a time",
    "comment": "write comments into the rows", "listen": "ask again: a query sees every receipt before it",
    "notify": "ask again: a query sees every receipt before it",
}  # fmt: skip
_FIRST = re.compile(r"(\w+)\b(?!\s*:)")


def refuse_unknown(text: str) -> None:
    """Raise where ``text`` begins with a statement that btql has not."""
    first = _FIRST.match(text, after_space(text))
    if first is not None:
        refuse(first[1].lower(), Span(*first.span(1)))


def refuse(word: str, span: Span) -> None:
    """Raise where ``word`` begins a statement that btql has not."""
    if word in _WAYS_OUT:
        raise BtqlError.of(
            "B0111", f"{word.upper()} is not supported", span, "not a statement of btql", help=_WAYS_OUT[word]
        )
