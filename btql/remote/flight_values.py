"""Values of parameters as columns of Arrow, a row for each time that a statement runs: how Flight SQL takes them.

A column has the type that all of its values have. Where they have several, or none that Arrow has, it is JSON.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.errors import ProgrammingError
from btql.remote.wire_values import inside, instant
from btql_grammar.parameters import whole
from btql_storage import json_text

if TYPE_CHECKING:
    from btql_grammar.parameters import Values

_JSON = pa.json_(pa.string())
_INT64 = range(-(2**63), 2**63)


def table_of(sets: Sequence[Values]) -> pa.Table:
    """Return values as a table: columns are called as parameters are written, ``:name`` or ``$1``."""
    first = sets[0]
    names = list(first) if isinstance(first, Mapping) else [f"${number}" for number in range(1, len(first) + 1)]
    rows = [_row(values, names) for values in sets]
    columns = [_column([row[place] for row in rows]) for place in range(len(names))]
    return pa.table(columns, names=[f":{name}" for name in names] if isinstance(first, Mapping) else names)


def _row(values: Values, names: Sequence[str]) -> Sequence[object]:
    if isinstance(values, Mapping):
        if set(values) != set(names):
            raise ProgrammingError(f"all sets of values have the same names, {', '.join(names)}", code="B0115")
        return [values[name] for name in names]
    if len(values) != len(names):
        raise ProgrammingError(f"{len(names)} values are needed, {len(values)} are given", code="B0115")
    return values


def _column(values: Sequence[object]) -> pa.Array:
    plain = [_plain(value) for value in values]
    kinds = {type(value) for value in plain if value is not None}
    if len(kinds) <= 1 and kinds <= {bool, str, float, datetime, date, timedelta}:
        return pa.array(plain)
    if kinds == {int} and all(value is None or value in _INT64 for value in plain):
        return pa.array(plain, pa.int64())
    texts = [None if value is None else json_text.dumps(inside(value)) for value in plain]
    return pa.ExtensionArray.from_storage(_JSON, pa.array(texts, pa.string()))


def _plain(value: object) -> object:
    match value:
        case str():
            return whole(value)
        case datetime():
            return instant(value)
        case timedelta() | date() | None | bool() | int() | float():
            return value
        case Decimal() if not value.is_finite():
            return float(value)
        case _:
            # Fails for what no parameter can be.
            return inside(value)
