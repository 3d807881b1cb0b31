"""Plans of the clauses about traces, unpivots, pages, samples and stages, as EXPLAIN shows them."""

from __future__ import annotations

from pathlib import Path

from support.fields import bound
from support.golden import check_cases

from btql_planner.explain import plan_text
from btql_planner.rules import apply_rules


def rewritten(query: str) -> str:
    return plan_text(apply_rules(bound(query).plan))


def test_plans(update: bool) -> None:
    check_cases(Path(__file__).parent / "clauses.test", rewritten, update=update)
