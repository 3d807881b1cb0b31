"""Comparing an answer with what must come, and showing where they differ."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from btql_conformance.cases import Expected, ExpectedError, ExpectedRows
from btql_conformance.doors import Answer, Failure, Page
from btql_conformance.intervals import Interval, spelled_interval
from btql_conformance.values import Value, identity, is_number, spelled_time

Row = Mapping[str, Value]
SHOWN_MAX = 12
"""Rows of a difference that a report prints."""


def plain(value: Value) -> Value:
    """Return a value as JSON has it: times are texts."""
    match value:
        case datetime():
            return spelled_time(value)
        case Interval():
            return spelled_interval(value)
        case list():
            return [plain(each) for each in cast("list[Value]", value)]
        case dict():
            return {key: plain(each) for key, each in cast("dict[str, Value]", value).items()}
        case _:
            return value


def spelled(row: Row) -> str:
    """Return a row as a line of JSON."""
    return json.dumps({key: plain(value) for key, value in row.items()}, ensure_ascii=False)


def difference(found: Answer, expected: Expected) -> str | None:
    """Return how an answer differs from what must come, None where it does not."""
    if isinstance(expected, ExpectedError):
        return _error_difference(found, expected)
    if isinstance(found, Failure):
        return f"error {found.code} instead of {len(expected.rows)} rows\n{found.message}"
    rows = [{key: plain(value) for key, value in row.items()} for row in found.rows]
    if expected.partial:
        rows = [
            {key: row[key] for key in wanted if key in row} for row, wanted in zip(rows, expected.rows, strict=False)
        ] + rows[len(expected.rows) :]
    unmatched = _unmatched(rows, expected)
    if unmatched is None:
        return None
    missing, extra = unmatched
    lines = [f"{len(rows)} rows instead of {len(expected.rows)}"] if len(rows) != len(expected.rows) else []
    lines += [f"- {spelled(row)}" for row in missing[:SHOWN_MAX]]
    lines += [f"+ {spelled(row)}" for row in extra[:SHOWN_MAX]]
    hidden = max(len(missing) - SHOWN_MAX, 0) + max(len(extra) - SHOWN_MAX, 0)
    return "\n".join([*lines, *([f"... and {hidden} more"] if hidden else [])] or ["the rows come in another order"])


def _error_difference(found: Answer, expected: ExpectedError) -> str | None:
    if isinstance(found, Page):
        return f"{len(found.rows)} rows instead of error {expected.code}"
    if found.code != expected.code:
        return f"error {found.code} instead of {expected.code}\n{found.message}"
    if expected.position is not None and found.position != expected.position:
        return f"error {found.code} at {_place(found.position)} instead of {_place(expected.position)}\n{found.message}"
    return None


def _place(position: tuple[int, int] | None) -> str:
    return "no place" if position is None else f"{position[0]}:{position[1]}"


def _unmatched(rows: Sequence[Row], expected: ExpectedRows) -> tuple[list[Row], list[Row]] | None:
    """Return the rows that are missing and those that are too many, None where all is well."""
    if expected.in_order and len(rows) == len(expected.rows):
        pairs = zip(rows, expected.rows, strict=True)
        wrong = [(one, other) for one, other in pairs if not _same_row(one, other, expected.tolerance)]
        return ([other for _, other in wrong], [one for one, _ in wrong]) if wrong else None
    missing: list[Row] = []
    extra = list(rows)
    for wanted in expected.rows:
        at = next((at for at, row in enumerate(extra) if _same_row(row, wanted, expected.tolerance)), None)
        if at is None:
            missing.append(wanted)
        else:
            del extra[at]
    return (missing, extra) if missing or extra else None


def _same_row(found: Row, expected: Row, tolerance: float) -> bool:
    return list(found) == list(expected) and all(same_value(found[key], expected[key], tolerance) for key in expected)


def same_value(found: Value, expected: Value, tolerance: float) -> bool:
    """Whether two values are the same; fractions within a tolerance."""
    if is_number(found) and is_number(expected):
        one, other = cast("tuple[int | float, int | float]", (found, expected))
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        return math.isclose(one, other, rel_tol=tolerance, abs_tol=1e-12)
    if isinstance(found, list) and isinstance(expected, list):
        items, others = cast("tuple[list[Value], list[Value]]", (found, expected))
        pairs = zip(items, others, strict=False)
        return len(items) == len(others) and all(same_value(item, other, tolerance) for item, other in pairs)
    if isinstance(found, dict) and isinstance(expected, dict):
        member, wanted = cast("tuple[dict[str, Value], dict[str, Value]]", (found, expected))
        return member.keys() == wanted.keys() and all(same_value(member[k], wanted[k], tolerance) for k in wanted)
    return identity(found) == identity(expected)
