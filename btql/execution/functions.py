"""Functions that the engine has no equivalent of, in Python.

The planner writes their names (``btql_…``) into its SQL; a session learns of
one when a statement first uses it. They are declared volatile, which keeps the
engine from moving them into a Parquet reader, where they would hold the
interpreter's lock.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pyarrow as pa

from btql.execution import array_functions as on_arrays
from btql.execution import growing
from btql.execution import interval_functions as on_intervals
from btql.execution import json_compare as comparing
from btql.execution import json_functions as on_json
from btql.execution import object_functions as on_objects
from btql.execution import text_functions as on_text
from btql.execution.engine import ScalarUDF, SessionContext, udf
from btql.execution.goes_on import GoesOn
from btql.execution.report import FunctionReport
from btql_planner import clocks, time_reading

SEVERAL_ROWS = re.compile(r"several rows at ([0-9]+) to ([0-9]+)")
"""What is said of a subquery that stands for one value, with its place in the query."""
_NAME = re.compile(r"\bbtql_\w+")
_TEXT, _BOOLEAN, _WHOLE, _FLOAT = pa.string(), pa.bool_(), pa.int64(), pa.float64()
_LIST, _INTERVAL, _TIME = pa.list_(_TEXT), pa.month_day_nano_interval(), pa.timestamp("us", "UTC")

Function = Callable[..., object]


def _at_most_one(rows: int, start: int, end: int) -> bool:
    """Stop a query in which a subquery that stands for one value has several rows."""
    if rows > 1:
        raise ValueError(f"several rows at {start} to {end}")
    return True


_FUNCTIONS: dict[str, tuple[Function, list[pa.DataType], pa.DataType]] = {
    "btql_at_most_one": (_at_most_one, [_WHOLE, _WHOLE, _WHOLE], _BOOLEAN),
    "btql_match": (on_text.match, [_TEXT, _TEXT, _TEXT], _BOOLEAN),
    "btql_list_like": (on_text.like, [_LIST, _TEXT], _BOOLEAN),
    "btql_list_ilike": (on_text.ilike, [_LIST, _TEXT], _BOOLEAN),
    "btql_interval_part": (on_intervals.part, [_INTERVAL, _TEXT], _WHOLE),
    "btql_interval_of": (on_intervals.read, [_TEXT], _INTERVAL),
    "btql_interval_text": (on_intervals.text, [_INTERVAL], _TEXT),
    "btql_to_timestamp": (time_reading.time_by_pattern, [_TEXT, _TEXT], _TIME),
    "btql_to_date": (time_reading.date_by_pattern, [_TEXT, _TEXT], _TIME),
    "btql_from_timezone": (clocks.from_timezone, [_WHOLE, _TEXT], _TIME),
    "btql_interval_times": (on_intervals.times, [_INTERVAL, _FLOAT], _INTERVAL),
    "btql_interval_divided": (on_intervals.divided, [_INTERVAL, _FLOAT], _INTERVAL),
    "btql_number_text": (on_text.number, [_FLOAT, _TEXT], _TEXT),
    "btql_format": (on_text.format_, [_TEXT, _TEXT], _TEXT),
    "btql_encode": (on_text.encode, [_TEXT, _TEXT], _TEXT),
    "btql_decode": (on_text.decode, [_TEXT, _TEXT], _TEXT),
    "btql_similarity": (on_text.similarity, [_TEXT, _TEXT], _FLOAT),
    "btql_array_includes": (comparing.array_includes, [_TEXT, _TEXT, _TEXT], _BOOLEAN),
    "btql_array_includes_any": (comparing.array_includes_any, [_TEXT, _TEXT], _BOOLEAN),
    "btql_json_includes": (comparing.includes, [_TEXT, _TEXT, _TEXT], _BOOLEAN),
    "btql_json_length": (on_json.length, [_TEXT], _WHOLE),
    "btql_array_length": (on_json.array_length, [_TEXT], _WHOLE),
    "btql_json_quote": (on_json.quote, [_TEXT], _TEXT),
    "btql_json_number": (on_json.number, [_FLOAT], _TEXT),
    "btql_json_list": (on_json.from_list, [_LIST], _TEXT),
    "btql_json_texts": (on_json.texts, [_TEXT], _LIST),
    "btql_json_canonical": (on_json.canonical, [_TEXT], _TEXT),
    "btql_json_mode": (on_arrays.mode, [_LIST, _BOOLEAN], _TEXT),
    "btql_json_as_b": (on_json.as_boolean, [_TEXT], _BOOLEAN),
    "btql_json_as_i": (on_json.as_integer, [_TEXT], _WHOLE),
    "btql_json_as_f": (on_json.as_float, [_TEXT], _FLOAT),
    "btql_json_as_n": (on_json.as_big, [_TEXT], _TEXT),
    "btql_json_as_t": (on_json.as_text, [_TEXT], _TEXT),
    "btql_json_as_j": (on_json.as_structure, [_TEXT], _TEXT),
    "btql_json_get": (on_json.get, [_TEXT, _TEXT], _TEXT),
    "btql_json_contains": (comparing.contains, [_TEXT, _TEXT], _BOOLEAN),
    "btql_json_has_keys": (comparing.has_keys, [_TEXT, _TEXT, _TEXT], _BOOLEAN),
    "btql_json_quantified": (comparing.quantified, [_TEXT, _TEXT, _TEXT, _TEXT], _BOOLEAN),
    "btql_json_keys": (on_json.keys, [_TEXT], _LIST),
    "btql_json_pretty": (on_json.pretty, [_TEXT], _TEXT),
    "btql_json_strip_nulls": (on_json.strip_nulls, [_TEXT], _TEXT),
    "btql_json_merge": (on_json.merge, [_TEXT, _TEXT], _TEXT),
    "btql_json_set": (on_json.set_, [_TEXT, _TEXT, _TEXT], _TEXT),
    "btql_json_delete": (on_json.delete, [_TEXT, _TEXT], _TEXT),
    "btql_json_entries": (on_objects.entries, [_TEXT], on_objects.ROWS),
    "btql_json_elements": (on_objects.elements, [_TEXT], on_objects.ROWS),
    "btql_object_average": (on_objects.average, [_LIST], _TEXT),
    "btql_object_with": (on_objects.with_members, [_TEXT, _TEXT], _TEXT),
    "btql_object_total": (on_objects.total, [_LIST], _TEXT),
    "btql_array_position": (on_arrays.position, [_TEXT, _TEXT], _WHOLE),
    "btql_array_remove": (on_arrays.remove, [_TEXT, _TEXT], _TEXT),
    "btql_array_distinct": (on_arrays.distinct, [_TEXT], _TEXT),
    "btql_array_sort": (on_arrays.sort, [_TEXT, _TEXT], _TEXT),
    "btql_array_slice": (on_arrays.slice_, [_TEXT, _WHOLE, _WHOLE], _TEXT),
    "btql_array_text": (on_arrays.joined, [_TEXT, _TEXT, _TEXT], _TEXT),
}


_OF_BYTES = frozenset({"btql_array_length"})
"""Functions that get their texts in UTF-8, as Arrow has them: to make strings of long ones takes longer."""

_OF_BATCHES: dict[str, tuple[Callable[..., pa.Array], list[pa.DataType], pa.DataType]] = {
    "btql_replace": (growing.replaced, [_TEXT, _TEXT, _TEXT], _TEXT),
    "btql_replaced_fits": (growing.fits, [_TEXT, _TEXT, _TEXT], _BOOLEAN),
    "btql_bytes_fit": (growing.bytes_fit, [_WHOLE], _BOOLEAN),
    "btql_series_fits": (growing.series_fits, [_FLOAT, _FLOAT, _FLOAT], _BOOLEAN),
}
"""Functions over whole batches."""


def register_functions(
    context: SessionContext, text: str, known: dict[str, FunctionReport], goes_on: GoesOn | None = None
) -> None:
    """Make the functions that a statement names known to ``context``; ``known`` holds those that are."""
    for name in set(_NAME.findall(text)) - known.keys():
        if name == "btql_goes_on":
            known[name] = FunctionReport()
            context.register_udf(udf(goes_on or GoesOn(), [_BOOLEAN], _BOOLEAN, "volatile", name))
        elif name in _FUNCTIONS or name in _OF_BATCHES:
            known[name] = FunctionReport()
            context.register_udf(_udf(name, known[name]))


def _udf(name: str, report: FunctionReport) -> ScalarUDF:
    if name in _OF_BATCHES:
        of_batch, inputs, output = _OF_BATCHES[name]
        return udf(of_batch, inputs, output, "volatile", name)
    function, inputs, output = _FUNCTIONS[name]
    return udf(_by_row(function, output, report, of_bytes=name in _OF_BYTES), inputs, output, "volatile", name)


def _by_row(
    function: Function, output: pa.DataType, report: FunctionReport, *, of_bytes: bool
) -> Callable[..., pa.Array]:
    """Return ``function`` over arrays; a row with any null gives null.

    A value of JSON is taken apart once for each kind that it may have, so that
    the same call comes several times for one batch: the last answer is kept.
    """
    last: tuple[tuple[pa.Array, ...], pa.Array] | None = None

    def evaluate(*arrays: pa.Array) -> pa.Array:
        nonlocal last
        known = last
        if known is not None and all(array.equals(before) for array, before in zip(arrays, known[0], strict=True)):
            return known[1]
        started = time.perf_counter()
        columns = [(array.cast(pa.binary()) if of_bytes else array).to_pylist() for array in arrays]
        answer = pa.array([None if None in row else function(*row) for row in zip(*columns, strict=True)], output)
        last = arrays, answer
        # Several threads compute at the same time; a count that is lost between two of them does no harm.
        report.rows += len(answer)
        report.seconds += time.perf_counter() - started
        return answer

    return evaluate
