"""The body of ``POST /btql``, and what becomes of each of its fields.

============================  =======================================================================================
field                         what it does here
============================  =======================================================================================
``query``                     the text, BTQL or SQL, or its JSON form
``parameters``                values for ``?``, ``$1`` or ``:name`` in the query
``parameter_sorts``           what JSON cannot say of these values (:mod:`btql.remote.wire_values`)
``parameter_sets``            several ``parameters``, for each of which a statement that writes runs; then
                              ``parameter_sorts`` has a list for each of them, too
``limit``                     the limit of a query that has none of its own, together with ``disable_limit``
``fmt``                       ``json``, ``jsonl``, ``parquet`` or ``arrow``; without it the ``Accept`` header says it
``cursor``                    the page after this one; a cursor in the query itself wins
``tz_offset``                 minutes to add to local time to get UTC; moves the boundaries of days
``version``                   datasets, experiments and prompts as of a transaction, decimal or in 16 hex digits
``audit_log``                 one row for each entry of a row's ``audit_data``
``lint_mode``                 ``default``, ``strict`` or ``off``; ``strict_lint_mode: true`` is ``strict``
``disable_limit``             no default limit and no highest limit, for exports
``query_timeout_seconds``     the time limit, up to the server's own; waiting for a slow reader does not count
``inference_depth``,          tolerated: hints to another engine. Whole schemas are inferred; every query sees every
``use_columnstore``,          write; limits are pushed as far as they go; searches are exact; results are streamed,
``use_brainstore``,           however large
``brainstore_realtime``,
``force_push_limit``,
``expected_cost``,
``overflow_results``,
``relaxed_search_mode``
``query_source``,             tolerated: they say who asks
``client_version``,
``api_version``
anything else                 tolerated
============================  =======================================================================================
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import cast, get_args

import msgspec

from btql.arguments import options_of
from btql.remote.wire_values import Sorts, from_wire
from btql_grammar.parameters import Values
from btql_planner.options import LintMode, QueryOptions
from btql_server.http.errors import HttpError, invalid
from btql_server.http.versions import parse_version
from btql_server.settings import Limits

_LINT_MODES: tuple[LintMode, ...] = get_args(LintMode)
FORMATS = ("json", "jsonl", "parquet", "arrow")
_ACCEPTED = (
    (re.compile(r"application/(x-jsonlines|jsonlines|x-ndjson|ndjson|jsonl)\b"), "jsonl"),
    (re.compile(r"application/vnd\.apache\.arrow\.stream\b"), "arrow"),
    (re.compile(r"application/(vnd\.apache\.|x-)?parquet\b"), "parquet"),
)


class QueryRequest(msgspec.Struct, kw_only=True):
    """A query, and how it is to be answered."""

    query: object = None
    fmt: str | None = None
    cursor: str | None = None
    tz_offset: int | float | None = None
    version: str | int | None = None
    audit_log: bool | None = None
    lint_mode: str | None = None
    strict_lint_mode: bool | None = None
    disable_limit: bool | None = None
    query_timeout_seconds: int | float | None = None
    parameters: list[object] | dict[str, object] | None = None
    parameter_sorts: list[object] | dict[str, object] | None = None
    parameter_sets: list[list[object] | dict[str, object]] | None = None
    limit: int | None = None

    def asked(self) -> str | dict[str, object]:
        """Return the query, text or JSON form; 400 where there is neither."""
        if isinstance(self.query, str):
            return self.query
        if isinstance(self.query, dict):
            return cast("dict[str, object]", self.query)
        raise _no_query(self.query)

    def form(self, accepted: str) -> str:
        """Return the format of the answer."""
        if self.fmt is None:
            return next((form for pattern, form in _ACCEPTED if pattern.search(accepted)), "json")
        if self.fmt not in FORMATS:
            raise invalid(f"Expected one of {', '.join(FORMATS)}, got `{self.fmt[:40]}`", ("fmt",))
        return self.fmt

    def options(self, limits: Limits) -> QueryOptions:
        """Return the options of the query."""
        options = options_of(
            tz_offset=whole(self.tz_offset, "tz_offset"),
            version=None if self.version is None else str(parse_version(str(self.version))),
            lint=self._lint(),
            default_limit=self.limit if self.disable_limit else limits.query_rows_default,
            cursor=self.cursor or None,
        )
        return options if self.disable_limit else replace(options, limit_max=limits.query_rows_max)

    def seconds(self, limits: Limits) -> float:
        """Return the time limit."""
        default = limits.query_seconds_max if self.disable_limit else limits.query_seconds_default
        return self.seconds_within(limits.query_seconds_max, default)

    def seconds_within(self, most: float, default: float) -> float:
        """Return the time limit that is asked for, up to the most there may be; the default where none is."""
        if self.query_timeout_seconds is None:
            return default
        if self.query_timeout_seconds <= 0:
            raise invalid("Expected a number above 0", ("query_timeout_seconds",))
        return float(min(self.query_timeout_seconds, most, sys.float_info.max))

    def values(self) -> Values | None:
        """Return the values of parameters."""
        if self.parameters is None or self.parameter_sorts is None:
            return self.parameters
        return _values(self.parameters, self.parameter_sorts)

    def sets(self) -> list[Values] | None:
        """Return the values of parameters, one set after the other."""
        if self.parameter_sets is None:
            return None
        if self.parameter_sorts is None:
            return list(self.parameter_sets)
        if len(self.parameter_sorts) != len(self.parameter_sets):
            raise invalid(f"Expected {len(self.parameter_sets)} lists of sorts", ("parameter_sorts",))
        return [_values(values, sorts) for values, sorts in zip(self.parameter_sets, self.parameter_sorts, strict=True)]

    def _lint(self) -> LintMode:
        asked = (self.lint_mode or "default").lower()
        mode: LintMode | None = next((each for each in _LINT_MODES if each == asked), None)
        if mode is None:
            raise invalid(f"Expected one of {', '.join(_LINT_MODES)}, got `{asked[:40]}`", ("lint_mode",))
        return "strict" if self.strict_lint_mode else mode


def _values(values: Values, sorts: object) -> Values:
    if not isinstance(sorts, list | dict):
        raise invalid("Expected an array or an object", ("parameter_sorts",))
    try:
        return from_wire(values, cast("Sorts", sorts))
    except (ValueError, OverflowError) as error:
        raise invalid(str(error), ("parameter_sorts",)) from error


def whole(value: float | None, name: str) -> int:
    """Return a number that has to be whole, 0 for none."""
    if value is None:
        return 0
    if value != int(value):
        raise invalid("Expected a whole number", (name,))
    return int(value)


def _no_query(found: object) -> HttpError:
    """Return the answer where there is no query: it is neither of the two things that it may be."""
    received = "undefined" if found is None else _JSON_NAMES.get(type(found), "unknown")
    message = "Required" if found is None else f"Expected {{}}, received {received}"
    branches = [
        {
            "issues": [
                {
                    "code": "invalid_type",
                    "expected": expected,
                    "received": received,
                    "path": ["query"],
                    "message": message.format(expected),
                }
            ],
            "name": "ZodError",
        }
        for expected in ("string", "object")
    ]
    error = {"code": "invalid_union", "unionErrors": branches, "path": ["query"], "message": "Invalid input"}
    text = "Invalid request: `query` must be text, BTQL or SQL, or the JSON form of a query"
    return HttpError(400, text, details={"error": "Invalid request", "errors": [error]})


_JSON_NAMES: Mapping[type, str] = {bool: "boolean", int: "number", float: "number", list: "array"}
