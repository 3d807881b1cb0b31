"""Functions that only make sense over a window: ranks, and values of rows nearby."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from btql_planner import sql_text
from btql_planner.expressions import Ranking
from btql_planner.types import FLOAT, INTEGER, NULL, Kind, Type
from btql_planner.value import ROW_BITS, Value, choose


@dataclass(frozen=True, slots=True)
class WindowFunction:
    """A window function: how it is called, and what it gives."""

    signature: str
    least: int
    most: int
    returns: Callable[[Sequence[Type]], Type]
    nearby: bool = False
    """The value of another row, which may be of any kind."""


def _whole(_: Sequence[Type]) -> Type:
    return INTEGER


def _share(_: Sequence[Type]) -> Type:
    return FLOAT


def _first(arguments: Sequence[Type]) -> Type:
    return arguments[0]


def _shifted(arguments: Sequence[Type]) -> Type:
    return arguments[0] | (arguments[2] if len(arguments) > 2 else NULL)


WINDOW_FUNCTIONS: Mapping[str, WindowFunction] = {
    "row_number": WindowFunction("row_number()", 0, 0, _whole),
    "rank": WindowFunction("rank()", 0, 0, _whole),
    "dense_rank": WindowFunction("dense_rank()", 0, 0, _whole),
    "percent_rank": WindowFunction("percent_rank()", 0, 0, _share),
    "cume_dist": WindowFunction("cume_dist()", 0, 0, _share),
    "ntile": WindowFunction("ntile(groups)", 1, 1, _whole),
    "lag": WindowFunction("lag(value, [rows], [default])", 1, 3, _shifted, nearby=True),
    "lead": WindowFunction("lead(value, [rows], [default])", 1, 3, _shifted, nearby=True),
    "first_value": WindowFunction("first_value(value)", 1, 1, _first, nearby=True),
    "last_value": WindowFunction("last_value(value)", 1, 1, _first, nearby=True),
    "nth_value": WindowFunction("nth_value(value, row)", 2, 2, _first, nearby=True),
}


def whole_rank(sql: str) -> str:
    """Return a rank as a whole number of 64 bits.

    The engine knows that a cast keeps the order of ranks, and then plans a sort by the rank and more
    wrongly, and refuses its own plan. It knows no such thing of ``abs``.
    """
    return f"abs(CAST({sql} AS BIGINT))"


def lower_ranking(call: Ranking, arguments: Sequence[Value], over: str) -> Value:
    """Return the SQL of a window function; the value of another row comes kind by kind."""
    if not WINDOW_FUNCTIONS[call.name].nearby:
        (kind,) = call.type
        listed = ", ".join(each.get(Kind.INTEGER) for each in arguments)
        sql = f"{call.name}({listed}) OVER ({over})"
        return Value({kind: whole_rank(sql) if kind is Kind.INTEGER else sql}, bits=ROW_BITS)
    moved, *others = arguments
    counts = [each.get(Kind.INTEGER) for each in others[:1]]
    default = others[1] if len(others) > 1 else Value()
    nulls = " IGNORE NULLS" if call.ignore_nulls else ""
    # The engine takes no default that differs from row to row.
    computed = any('"' in sql for sql in default.parts.values())
    parts: dict[Kind, str] = {}
    for kind in (kind for kind in Kind if kind in moved.parts or kind in default.parts):
        instead = [sql_text.typed(kind, default.get(kind))] if len(others) > 1 and not computed else []
        listed = ", ".join([sql_text.typed(kind, moved.get(kind)), *counts, *instead])
        parts[kind] = f"{call.name}({listed}){nulls} OVER ({over})"
    if computed:
        found = f"{call.name}({', '.join(['TRUE', *counts])}) OVER ({over}) IS NOT NULL"
        if call.ignore_nulls:
            found = sql_text.any_of([f"{sql} IS NOT NULL" for sql in parts.values()])
        return choose([(found, Value(parts, apart=moved.apart))], default)
    return Value(parts, apart=moved.apart and default.apart)
