"""Statements that group rows by texts, said of the numbers that stand for them in memory.

To hash and compare texts is most of what the engine does for a group or a count of different values, and it does it in
a half to a fifth of the time for numbers (:mod:`btql_storage.part.code_book`). A statement can do with numbers for a
column as long as it only groups by it, counts its different values, or asks whether it is a text that it names, or
null. Then

1. the scan has numbers in the column, and the statement compares it with numbers;
2. of what comes out, the groups, numbers become texts again;
3. whatever the query does with the groups is a statement over these.

Anything else that is done with a column leaves its texts where they are. All of them are in memory: a scan is not
numbered whose columns are not kept, and groups are no more than its rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_planner import sql_text
from btql_planner.select import Select
from btql_storage.kinds import Kind, split_column_name

if TYPE_CHECKING:
    from btql.execution.grouping import Grouping
    from btql_storage.part.code_book import CodeBook

    Books = Mapping[str, CodeBook]

_NAME, _TEXT = sql_text.NAME, sql_text.TEXT
_TOKEN = re.compile(
    rf"\((?P<column>{_NAME}) (?P<operator>=|<>) (?P<text>{_TEXT})\)|{_NAME} IS (?:NOT )?NULL|(?P<name>{_NAME})|{_TEXT}"
)
"""What is looked at one after the other, so that nothing within a text is taken for a name."""
_COUNT = re.compile(rf"count\(DISTINCT (?P<column>{_NAME})\)")


@dataclass(frozen=True, slots=True)
class Coded:
    """A grouping of a scan that can do with numbers for texts."""

    groups: Select
    columns: frozenset[str]
    """Columns that may have numbers."""

    def render(self, books: Books) -> str:
        """Return the grouping, said of numbers in the columns that have books."""
        return _TOKEN.sub(partial(_said_of_numbers, books), self.groups.render())

    def decoded(self, batch: pa.RecordBatch, books: Books) -> pa.RecordBatch:
        """Return groups with texts for numbers."""
        read = [_column(self.groups.outputs[name]) for name in batch.schema.names]
        arrays = [
            array if column is None or column not in books else books[column].decode(array)
            for column, array in zip(read, batch.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, names=batch.schema.names)


def coded(grouping: Grouping) -> Coded | None:
    """Return a grouping as one that can do with numbers for texts; None where it wants all texts."""
    scanned = grouping.scan.columns
    texts = {name for name in scanned if (split := split_column_name(name)) and split[1] is Kind.TEXT}
    columns = frozenset(_columns(grouping.groups) & texts) if texts else frozenset[str]()
    return Coded(grouping.groups, columns) if columns else None


def _columns(groups: Select) -> set[str]:
    """Return the columns of which a grouping only wants to know which texts are the same, or are a text it names."""
    expressions = [*groups.outputs.values(), *(groups.group or ()), *groups.conditions, *map(str, groups.order)]
    grouped = {name for sql in groups.group or () if (name := _column(sql)) is not None}
    counted = {sql_text.unquoted(found["column"]) for sql in expressions if (found := _COUNT.fullmatch(sql))}
    others = [sql for sql in expressions if _column(sql) is None and _COUNT.fullmatch(sql) is None]
    tokens = [token for sql in others for token in _TOKEN.finditer(sql)]
    compared = {sql_text.unquoted(token["column"]) for token in tokens if token["column"]}
    wanted = {sql_text.unquoted(token["name"]) for token in tokens if token["name"]}
    return (grouped | counted | compared) - wanted


def _column(sql: str) -> str | None:
    """Return the column that an expression is, where it is nothing but one."""
    return sql_text.unquoted(sql) if sql_text.is_name(sql) else None


def _said_of_numbers(books: Books, token: re.Match[str]) -> str:
    """Return a comparison with a text as one with its number, anything else as it is."""
    quoted, operator, text = token["column"], token["operator"], token["text"]
    book = None if quoted is None else books.get(sql_text.unquoted(quoted))
    if book is None:
        return token[0]
    code = book.code(sql_text.unquoted(text))
    return f"({quoted} {operator} {sql_text.number(code)})"
