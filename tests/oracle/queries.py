"""All questions, each with a name of its own."""

from __future__ import annotations

from oracle import queries_filter, queries_group, queries_select

PAIRS = {pair.name: pair for module in (queries_select, queries_filter, queries_group) for pair in module.PAIRS}
assert len(PAIRS) == sum(len(module.PAIRS) for module in (queries_select, queries_filter, queries_group))
