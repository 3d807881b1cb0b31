"""What callers give with a query, as compiling takes it; a mistake in it is an error like one in the query's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql.errors import QueryError
from btql_grammar.diagnostic import BtqlError
from btql_planner.options import LintMode, QueryOptions

if TYPE_CHECKING:
    from collections.abc import Mapping


def options_of(
    *, tz_offset: int, version: str | int | None, lint: LintMode, default_limit: int | None, cursor: str | None
) -> QueryOptions:
    """Return the options of a query; a wrong one is an error like one in its text."""
    number = None if version is None else str(version)
    try:
        return QueryOptions(tz_offset=tz_offset, version=number, lint=lint, default_limit=default_limit, cursor=cursor)
    except BtqlError as error:
        raise QueryError(error) from None


def text_of(query: Mapping[str, object]) -> str:
    """Return the JSON form of a query as text, so that an error has something to point into."""
    from btql_grammar.json_form.form import from_json
    from btql_grammar.printing.printer import print_btql

    return print_btql(from_json(query))
