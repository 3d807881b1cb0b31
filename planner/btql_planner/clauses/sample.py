"""Samples: rows chosen by the MD5 of their ids, together with the seed.

A rate keeps the rows whose digest is below that part of all digests, a number
keeps those with the smallest. So a sample depends on nothing but the ids and
the seed: the same query with the same seed finds the same rows again, and what
is added later does not change the choice among what was there.

For ``traces`` and ``summary`` whole traces are chosen, by ``root_span_id``.
Without a seed one is drawn for each query.
"""

from __future__ import annotations

from btql_grammar import tree
from btql_planner import types
from btql_planner.expressions import Apply, Column, Constant, Expression, SortKey
from btql_planner.functions import functions
from btql_planner.plan import Filter, Limit, Plan, Sort, TraceLimit
from btql_planner.types import Kind

_DIGITS = 16
"""Digits of a digest, of 32, that a rate is compared with."""


def sampled(rows: Plan, sample: tree.Sample, shape: tree.Shape, source: str) -> Plan:
    """Return the rows of the sample; ``source`` is what their columns are called by."""
    from secrets import randbelow

    seed = randbelow(2**63) if sample.seed is None else sample.seed
    by = Column("id" if shape == "spans" else "root_span_id", Kind.TEXT, source=source)
    digest = Apply(functions()["sample_key"], (by, Constant(seed, Kind.INTEGER)), types.TEXT)
    if sample.rate is not None:
        return rows if sample.rate >= 1 else Filter(rows, _below(digest, sample.rate))
    if shape == "spans":
        return Limit(Sort(rows, (SortKey(digest),)), sample.count)
    return TraceLimit(rows, sample.count, (SortKey(digest),))


def _below(digest: Expression, rate: float) -> Expression:
    bound = f"{int(rate * 16**_DIGITS):0{_DIGITS}x}"
    return Apply(functions()["lt"], (digest, Constant(bound, Kind.TEXT)), types.BOOLEAN)
