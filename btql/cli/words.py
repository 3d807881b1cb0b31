"""The words of both languages, for highlighting and completion.

The shell and the server's page use these lists; what is a keyword is decided by the grammar,
and what is a function by the planner's registry.
"""

from __future__ import annotations

from btql_grammar.lexer import CLAUSES as _CLAUSES
from btql_grammar.quotes import name
from btql_grammar.sources import KINDS

CLAUSES = tuple(sorted(_CLAUSES))
"""What may stand before a colon in BTQL."""

SQL_STARTS = ("DELETE FROM", "EXPLAIN", "INSERT INTO", "SELECT", "UPDATE", "VALUES", "WITH")

SQL_KEYWORDS = (
    "ALL", "AS", "ASC", "BY", "CROSS", "CUBE", "DELETE", "DESC", "DISTINCT", "EXCEPT", "EXISTS", "EXPLAIN", "FILTER",
    "FROM", "FULL", "GROUP", "GROUPING", "HAVING", "INNER", "INSERT", "INTERSECT", "INTO", "JOIN", "LATERAL", "LEFT",
    "LIMIT", "NATURAL", "NULLS", "OFFSET", "ON", "ORDER", "OUTER", "OVER", "PARTITION", "PIVOT", "RECURSIVE", "RIGHT",
    "ROLLUP", "SELECT", "SET", "SETS", "SETTINGS", "TABLESAMPLE", "UNION", "UNPIVOT", "UPDATE", "USING", "VALUES",
    "WHERE", "WINDOW", "WITH",
)  # fmt: skip

BTQL_KEYWORDS = ("as", "asc", "desc", "distinct", "exclude", "first", "last", "nulls", "replace", "seed")

OPERATORS = (
    "and", "between", "case", "contains", "else", "end", "false", "ilike", "in", "includes", "interval", "is",
    "isnotnull", "isnull", "like", "match", "not", "null", "or", "then", "true", "when",
)  # fmt: skip

SHAPES = ("spans", "summary", "traces")

OBJECT_KINDS = tuple(sorted(KINDS))


def spelled(path: tuple[str, ...]) -> str:
    """Return a path as it is written in a query, with quotes where a piece needs them."""
    first, *others = path
    return ".".join([first, *map(name, others)])
