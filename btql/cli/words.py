"""The words of both languages, for highlighting and completion.

Only the shell uses these lists; what is a keyword is decided by the grammar, and
what is a function by the planner's registry.
"""

from __future__ import annotations

from btql.connection import KINDS

CLAUSES = (
    "dimensions",
    "filter",
    "final_filter",
    "from",
    "limit",
    "measures",
    "select",
    "sort",
)
"""What may stand before a colon in BTQL."""

SQL_STARTS = ("SELECT", "WITH")

SQL_KEYWORDS = (
    "AS",
    "ASC",
    "BY",
    "DESC",
    "DISTINCT",
    "FROM",
    "GROUP",
    "HAVING",
    "LIMIT",
    "ORDER",
    "SELECT",
    "WHERE",
    "WITH",
)

OPERATORS = (
    "and",
    "between",
    "case",
    "contains",
    "else",
    "end",
    "false",
    "ilike",
    "in",
    "includes",
    "interval",
    "is",
    "like",
    "match",
    "not",
    "null",
    "or",
    "then",
    "true",
    "when",
)

SHAPES = ("spans", "summary", "traces")

OBJECT_KINDS = tuple(sorted(KINDS))
