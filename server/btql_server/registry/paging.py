"""Pages of a table that is listed newest first, as every list of the REST API is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from btql_storage.databases.interface import Row, Value

LIMIT_MAX = 2**63 - 1
"""The largest number that the databases know."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list."""

    limit: int | None = None
    starting_after: str | None = None
    """The id of the last entry of the page before."""
    ending_before: str | None = None
    """The id of the first entry of the page after."""
    ids: Sequence[str] | None = None
    """Only these."""

    @property
    def backwards(self) -> bool:
        """Whether it is the page that ends right before an entry."""
        return self.ending_before is not None and self.starting_after is None

    def cut(self, found: Sequence[T]) -> Sequence[T]:
        """Return as many as the page may have of what lies on the right side of the entry that it begins or ends at."""
        if self.limit is None:
            return found
        return found[max(0, len(found) - self.limit) :] if self.backwards else found[: self.limit]


class Source(Protocol):
    """Where rows are read: the registry."""

    def rows(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """Return what one statement reads."""
        ...


def select(
    source: Source,
    table: str,
    columns: str,
    equal: Mapping[str, Value],
    page: Page,
    conditions: Sequence[str] = (),
) -> Sequence[Row]:
    """Return rows of a table that has ``id`` and a growing ``seq``, newest first.

    Of ``equal``, whatever is None is no condition.
    """
    conditions = list(conditions)
    values: list[Value] = []

    def add(condition: str, value: Value) -> None:
        conditions.append(condition)
        values.append(value)

    for column, value in equal.items():
        if value is not None:
            add(f"{column} = ?", value)
    if page.ids is not None:
        conditions.append(f"id in ({', '.join('?' * len(page.ids)) or 'null'})")
        values += page.ids
    if page.starting_after is not None:
        add(f"seq < (select seq from {table} where id = ?)", page.starting_after)  # noqa: S608  our words
    if page.ending_before is not None:
        add(f"seq > (select seq from {table} where id = ?)", page.ending_before)  # noqa: S608  our words
    text = (
        f"select {columns} from {table} where {' and '.join(conditions) or 'true'}"  # noqa: S608  our words
        f" order by seq {'asc' if page.backwards else 'desc'} limit ?"
    )
    limit = LIMIT_MAX if page.limit is None else min(page.limit, LIMIT_MAX)
    found = source.rows(text, (*values, limit))
    return found[::-1] if page.backwards else found
