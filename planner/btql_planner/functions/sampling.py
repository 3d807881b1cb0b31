"""The operator that samples are chosen by."""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner import types
from btql_planner.functions.declare import operator
from btql_planner.types import Kind
from btql_planner.value import Value, of, single


@operator("sample_key", types.TEXT)
def sample_key(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """Return the digest of an id with a seed: as good as random, and the same every time."""
    row_id, seed = map(single, values)
    return of(Kind.TEXT, f"md5(CAST({seed} AS VARCHAR) || ':' || {row_id})")
