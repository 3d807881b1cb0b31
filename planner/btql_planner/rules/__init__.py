"""Rewrites of the typed plan: one file each, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Collection

from btql_planner.plan import Plan
from btql_planner.rules.aggregate_before_unpivot import aggregate_before_unpivot
from btql_planner.rules.check_few_documents import check_few_documents
from btql_planner.rules.check_in_memory import check_in_memory
from btql_planner.rules.count_rows import count_rows
from btql_planner.rules.fetch_documents import fetch_documents
from btql_planner.rules.fetch_late import fetch_late
from btql_planner.rules.flatten_laterals import flatten_laterals
from btql_planner.rules.join_subqueries import join_subqueries
from btql_planner.rules.limit_summaries import limit_summaries
from btql_planner.rules.probe_alternatives import probe_alternatives
from btql_planner.rules.probe_keys import probe_keys
from btql_planner.rules.probe_patterns import probe_patterns
from btql_planner.rules.probe_text_index import probe_text_index
from btql_planner.rules.probe_values import probe_values
from btql_planner.rules.prune_by_paths import prune_by_paths
from btql_planner.rules.prune_parts import prune_parts
from btql_planner.rules.push_filter_into_scan import push_filter_into_scan
from btql_planner.rules.push_filter_through_joins import push_filter_through_joins
from btql_planner.rules.read_ends import read_ends
from btql_planner.rules.read_first_traces import read_first_traces
from btql_planner.rules.require_presence import require_presence
from btql_planner.rules.stop_early import stop_early

Rule = Callable[[Plan], Plan]

RULES: tuple[Rule, ...] = (
    join_subqueries,
    flatten_laterals,
    push_filter_through_joins,
    require_presence,
    probe_text_index,
    probe_alternatives,
    probe_patterns,
    probe_values,
    probe_keys,
    push_filter_into_scan,
    prune_parts,
    prune_by_paths,
    stop_early,
    check_few_documents,
    check_in_memory,
    aggregate_before_unpivot,
    count_rows,
    read_ends,
    read_first_traces,
    limit_summaries,
    fetch_documents,
    fetch_late,
)
OPTIONAL = frozenset(rule.__name__ for rule in RULES) - {"join_subqueries", "flatten_laterals", "fetch_documents"}
"""Rules that only make a query faster; a plan without the others cannot be lowered."""


def apply_rules(plan: Plan, disabled: Collection[str] = ()) -> Plan:
    """Return the plan after every rule that is not ``disabled`` by name."""
    for rule in RULES:
        if rule.__name__ not in disabled or rule.__name__ not in OPTIONAL:
            plan = rule(plan)
    return plan
