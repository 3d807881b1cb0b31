"""What callers give with a query, as compiling takes it; a mistake in it is an error like one in the query's text."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import cast

from btql.errors import InterfaceError, QueryError
from btql_grammar.diagnostic import BtqlError
from btql_planner.options import LintMode, QueryOptions

_FOREVER_S = 1e9
"""Three decades; clocks and sockets cannot wait for a multiple of it."""


def options_of(
    *, tz_offset: int, version: str | int | None, lint: LintMode, default_limit: int | None, cursor: str | None
) -> QueryOptions:
    """Return the options of a query; a wrong one is an error like one in its text."""
    number = None if version is None else str(version)
    try:
        return QueryOptions(tz_offset=tz_offset, version=number, lint=lint, default_limit=default_limit, cursor=cursor)
    except BtqlError as error:
        raise QueryError(error) from None


def version_of(version: str | int | None) -> int | None:
    """Return the transaction after which something is read, as a number."""
    checked = options_of(tz_offset=0, version=version, lint="off", default_limit=None, cursor=None).version
    return None if checked is None else int(checked)


def seconds_of(timeout: object) -> float | None:
    """Return how many seconds a statement may take, None for any number of them; refuse what is no time."""
    if timeout is None:
        return None
    if isinstance(timeout, Real) and (seconds := cast("float", timeout)) >= 0:
        return float(seconds) if seconds < _FOREVER_S else None
    raise InterfaceError(f"a timeout is a number of seconds, or None, not {timeout!r}")


def text_of(query: object) -> str:
    """Return the JSON form of a query as text, so that an error has something to point into."""
    from btql_grammar.json_form.form import from_json
    from btql_grammar.printing.printer import print_btql

    if not isinstance(query, Mapping):
        kind = type(query).__name__
        raise InterfaceError(f"a query is a text, or a dictionary with its JSON form, not `{kind}`")
    return print_btql(from_json(cast("Mapping[str, object]", query)))
