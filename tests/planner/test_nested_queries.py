"""Queries in queries: what planning does grows with their number, not twice with every one."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from support.fields import bound

from btql_planner.explain import plan_text
from btql_planner.lowering.lower import lower
from btql_planner.rules import apply_rules

EACH = "SELECT metadata.mixed FROM experiment('e')"


def inside(depth: int, word: str, more: str = "") -> str:
    """Return a query whose condition is about a query, whose condition is about a query, and so on."""
    return f"{EACH} WHERE metadata.mixed {word} ({inside(depth - 1, word, more)}){more}" if depth else EACH


def on_the_left(depth: int) -> str:
    return f"({on_the_left(depth - 1)} IN ({EACH}))" if depth else "metadata.mixed"


def beside(depth: int) -> str:
    columns = (f"(SELECT count(*) FROM experiment('e') AS t{n} WHERE t{n}.id < t.id) AS n{n}" for n in range(depth))
    return f"SELECT {', '.join(columns)} FROM project_logs('p') AS t"


def looking_out(depth: int, around: str = "t") -> str:
    here = f"t{depth}"
    deeper = f" AND {here}.id >= ({looking_out(depth - 1, here)})" if depth else ""
    same = f"{here}.root_span_id = {around}.root_span_id"
    return f"SELECT max({here}.id) FROM experiment('e') AS {here} WHERE {same}{deeper}"


QUERIES: dict[str, Callable[[int], str]] = {
    "in": lambda depth: inside(depth, "IN"),
    "not in": lambda depth: inside(depth, "NOT IN"),
    "all": lambda depth: inside(depth, "<> ALL"),
    "not in as a value": lambda depth: f"SELECT id NOT IN ({inside(depth, 'NOT IN')}) FROM project_logs('p')",
    "not in, or": lambda depth: inside(depth, "NOT IN", " OR id = 'a'"),
    "in on the left": lambda depth: f"SELECT id FROM project_logs('p') WHERE {on_the_left(depth)}",
    "in on the left as a value": lambda depth: f"SELECT {on_the_left(depth)} FROM project_logs('p')",
    "one beside the other": beside,
    "looking out": lambda depth: f"SELECT ({looking_out(depth)}) FROM project_logs('p') AS t",
}


def work(query: str) -> tuple[int, int]:
    """Return how many functions are called to plan a query, and how long its plan and its statement are."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        plan = apply_rules(bound(query).plan)
        engine = lower(plan)
        sql = "".join(stage.select.render() for stage in engine.stages) + engine.select.render()
        text = plan_text(plan)
    finally:
        sys.setprofile(None)
    return calls, len(sql) + len(text)


@pytest.mark.parametrize("kind", QUERIES)
def test_work_does_not_double_with_every_query(kind):
    query = QUERIES[kind]
    work(query(2))
    (calls, length), (calls_twice, length_twice) = work(query(5)), work(query(10))

    # Somewhat more than the square would be: each level is looked through by those around it.
    assert calls_twice < 5 * calls
    assert length_twice < 5 * length
