"""Which of the two languages a text is in.

The colon decides: ``select: id`` is BTQL and ``select id`` is SQL; in ``select :id``
it begins a parameter of SQL. Everything that does not begin like an SQL statement is
taken for BTQL, so that its mistakes are explained in the terms of BTQL.
"""

from __future__ import annotations

import re

from btql_grammar.scan import after_space
from btql_grammar.tree import Language

_SQL = re.compile(r"(?:select|with|explain|values|insert|update|delete)\b(?!:|\s+:(?!\w))|\(", re.IGNORECASE)


_EXPLAIN = re.compile(r"explain\b", re.IGNORECASE)


def begins_with_explain(text: str) -> bool:
    """Return whether the first word of a text is EXPLAIN: behind it, a query of either language may stand."""
    return _EXPLAIN.match(text, after_space(text)) is not None


def detect(text: str) -> Language:
    """Return the language of ``text``, judged by its first word after comments."""
    return "sql" if _SQL.match(text, after_space(text)) else "btql"
