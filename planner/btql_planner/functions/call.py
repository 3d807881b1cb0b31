"""What the body of a declaration gets besides its arguments' SQL, and how it says that one is wrong.

A :class:`Call` renders an aggregate with all that stands around its arguments. Some arguments
have to be written in the query, not computed: :func:`written_number`, :func:`written_text` and
:func:`written_interval` read them, and :class:`ArgumentError` refuses what they cannot be.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from btql_planner import sql_text


class ArgumentError(Exception):
    """An argument that can only be judged by its value is wrong; raised by a declaration's body."""

    def __init__(self, message: str, index: int, *, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.index = index
        self.help = help


_NUMBER = re.compile(r"(?:CAST\()*\(?(-?[0-9][0-9.e+-]*)\)?(?: AS (?:DOUBLE|BIGINT)\))*")


def written_number(sql: str) -> float | None:
    """Return the number that an argument spells out in the query, None where it is computed."""
    matched = _NUMBER.fullmatch(sql)
    return None if matched is None else float(matched[1])


def written_text(sql: str) -> str | None:
    """Return the text that an argument spells out in the query, None where it is computed."""
    return sql_text.unquoted(sql) if sql_text.is_text(sql) else None


def written_interval(sql: str) -> str | None:
    """Return the text of an interval that the query spells out, None where it is computed."""
    return written_text(sql.removeprefix("INTERVAL "))


@dataclass(frozen=True, slots=True)
class Call:
    """What stands around the arguments of an aggregate."""

    distinct: bool = False
    order: tuple[sql_text.OrderTerm, ...] = ()
    filter: str | None = None
    over: str | None = None
    """What stands in the parentheses of OVER."""

    def __call__(self, name: str, *arguments: str) -> str:
        """Return the SQL of a call whose result does not depend on the order of the rows."""
        listed = ", ".join(arguments)
        # Nulls of several types have one name in the engine, which refuses two aggregates of one name.
        constant = '"' not in listed and "NULL" in listed
        around = self.where(sql_text.holding(listed)) if constant else self
        return f"{name}({'DISTINCT ' if self.distinct else ''}{listed}){around.behind}"

    def ordered(self, name: str, *arguments: str) -> str:
        """Return the SQL of a call that sees the rows in the order that was asked for."""
        order = f" ORDER BY {', '.join(map(str, self.order))}" if self.order else ""
        return f"{name}({'DISTINCT ' if self.distinct else ''}{', '.join(arguments)}{order}){self.behind}"

    @property
    def direction(self) -> str:
        """How the first key is sorted: ``ASC NULLS LAST`` and so on."""
        return self.order[0].how if self.order else ""

    def where(self, condition: str) -> Call:
        """Return the call over those of its rows for which a condition holds, too."""
        return replace(self, filter=condition if self.filter is None else f"({self.filter}) AND {condition}")

    @property
    def behind(self) -> str:
        """What stands behind the parentheses."""
        condition = "" if self.filter is None else f" FILTER (WHERE {self.filter})"
        return condition if self.over is None else f"{condition} OVER ({self.over})"


PLAIN = Call()
