"""What each rule does to a plan, in golden files; and that a plan without any rule still means the same.

``rules/<rule>.test`` holds queries for which that rule changes the plan, and the
plan after all rules.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.fields import bound
from support.golden import check_cases, read_cases

from btql_planner.explain import plan_text
from btql_planner.lowering.lower import lower
from btql_planner.rules import OPTIONAL, RULES, apply_rules

FOLDER = Path(__file__).parent / "rules"
FILES = sorted(FOLDER.glob("*.test"))


def rewritten(query: str) -> str:
    return plan_text(apply_rules(bound(query).plan))


def test_every_rule_has_a_file() -> None:
    assert {file.stem for file in FILES} == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_plans(file: Path, update: bool) -> None:
    check_cases(file, rewritten, update=update)


@pytest.mark.parametrize("file", [file for file in FILES if file.stem in OPTIONAL], ids=lambda file: file.stem)
def test_the_rule_makes_the_difference(file: Path) -> None:
    for case in read_cases(file):
        plan = bound(case.query).plan
        without = plan_text(apply_rules(plan, disabled={file.stem}))
        if "-- unchanged" in case.query:
            assert without == case.expected
        else:
            assert without != case.expected, case.query


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_plans_without_optional_rules_can_be_lowered(file: Path) -> None:
    for case in read_cases(file):
        assert lower(apply_rules(bound(case.query).plan, disabled=OPTIONAL)).select.render()
