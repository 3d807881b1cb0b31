"""How values travel between SQLAlchemy's types and the database.

Cursors of btql give and take Python values: a JSON column is decoded already, and a dictionary is bound as what it is.
So nothing is left to be written as JSON text or read from it, as SQLAlchemy does for other databases.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import types
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect

from btql_planner import sql_text


class Processor(Protocol):
    """What changes a value on its way."""

    def __call__(self, value: Any) -> Any:  # noqa: ANN401  any value that there is
        """Return the value as the other side wants it."""


class Json(JSONB):
    """Any value that a document may have; ``["key"]`` goes into it, ``.astext`` makes it a text."""

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002
        """Return what makes a parameter of a value."""
        return _without_json_null

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Return None: values are decoded."""


class JsonPath(types.JSON.JSONPathType):
    """A path of several keys, ``metadata[("user", "plan")]``."""

    def literal_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002
        """Return what writes a path into the text."""
        # SQLAlchemy doubles the backslashes of what comes out.
        return lambda value: f"ARRAY[{', '.join(sql_text.text(str(piece)) for piece in value)}]"


class Span(types.Interval):
    """A length of time. The database writes it as PostgreSQL does; in Python it is a ``timedelta``."""

    def bind_processor(self, dialect: Dialect) -> Processor:  # noqa: ARG002
        """Return what makes a parameter of a length of time: nothing has to be done."""
        return _as_it_is

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:  # noqa: ARG002
        """Return what reads the text."""
        return _read


_SPAN = re.compile(
    r"(?:(?P<years>-?\d+) years?)? ?(?:(?P<mons>-?\d+) mons?)? ?(?:(?P<days>-?\d+) days?)? ?"
    r"(?:(?P<sign>-)?(?P<hours>\d+):(?P<minutes>\d+):(?P<seconds>\d+(?:\.\d+)?))?"
)


def read_span(text: str) -> timedelta | str:
    """Return the time that ``1 day 02:30:00`` means; with years or months, which are of no fixed length, the text."""
    found = _SPAN.fullmatch(text)
    if found is None or found["years"] or found["mons"]:
        return text
    clock = timedelta(
        hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0), seconds=float(found["seconds"] or 0)
    )
    return timedelta(days=int(found["days"] or 0)) + (-clock if found["sign"] else clock)


def _read(value: object) -> object:
    return read_span(value) if isinstance(value, str) else value


def _as_it_is(value: object) -> object:
    return value


def _without_json_null(value: object) -> object:
    return None if value is types.JSON.NULL else value


COLSPECS: dict[type[types.TypeEngine[Any]], type[types.TypeEngine[Any]]] = {
    types.Interval: Span,
    types.JSON: Json,
    types.JSON.JSONPathType: JsonPath,
}
"""Which type stands for one of SQLAlchemy's here; those below it included."""
