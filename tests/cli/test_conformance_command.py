"""``btql conformance``: which cases it finds, what it reports, how it leaves."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest


@pytest.fixture
def cases(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "one.ndjson").write_text(
        '{"project_logs:one": {"id": "a", "created": "2026-01-01T00:00:00Z"}}\n'
    )
    path = tmp_path / "sums.cases"
    path.write_text("data: one\n\n=== sums\n--- values sql\n1 + 1 => 2\n2 * 2 => 5\n")
    return path


def test_text_says_what_differs(btql, cases):
    code, out, _ = btql("conformance", str(cases), "--state", "half")

    assert code == 1
    assert "FAILED sums::sums: 2 * 2 [sql, half], line 6" in out
    assert '    - {"value": 5}\n    + {"value": 4}' in out
    assert "2 cases, 2 questions: 1 passed, 1 failed" in out


def test_every_state_is_run_by_default(btql, cases):
    cases.write_text(cases.read_text().replace("5", "4"))
    code, out, _ = btql("conformance", str(cases.parent), "--format", "json")
    report = json.loads(out)

    assert code == 0
    assert report["totals"] == {"passed": 6, "failed": 0, "left_out": 0}
    assert {outcome["state"] for outcome in report["outcomes"]} == {"before", "half", "after"}


def test_junit(btql, cases):
    _, out, _ = btql("conformance", str(cases), "--state", "before", "--format", "junit")
    (suite,) = ET.fromstring(out)

    assert suite.get("name") == "sums (before)"
    assert [case.find("failure") is None for case in suite] == [True, False]


def test_update_fills_in(btql, cases):
    cases.write_text("data: one\n\n=== sums\n--- values sql\n1 + 1\n")

    assert btql("conformance", str(cases), "--update")[0] == 0
    assert "1 + 1 => 2\n" in cases.read_text()


def test_update_says_what_it_cannot_answer(btql, cases):
    cases.write_text("data: one\n\n=== luck\n--- sql\nSELECT * FROM project_logs('one') TABLESAMPLE (50 PERCENT)\n")
    code, _, err = btql("conformance", str(cases), "--update")

    assert code == 1
    assert "sums::luck, line 3: EvaluationError: a sample is random" in err


@pytest.mark.parametrize(("option", "value"), [("--door", "back"), ("--state", "liquid"), ("--format", "smoke")])
def test_wrong_options(btql, cases, option, value):
    code, _, err = btql("conformance", str(cases), option, value)

    assert code == 2
    assert value in err


def test_a_file_that_is_no_case_file(btql, cases):
    cases.write_text("data: one\n\n=== sums\nSELECT 1\n")
    code, _, err = btql("conformance", str(cases))

    assert code == 1
    assert "expected a line with `---`" in err
