"""The cases of the language, asked through the library, in three states of the data; and what keeps them honest.

What is expected comes from the evaluator in ``btql_conformance``, never from the engine: one test asks
the engine every case, another one the evaluator.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from btql_conformance import coverage
from btql_conformance.cases import Case, CaseFile, ExpectedRows, find_case_files, own_corpus, read_cases
from btql_conformance.doors import DOORS, STATES, Page, Unsuitable
from btql_conformance.report import report
from btql_conformance.runner import Databases, Outcome, run_case, run_files
from btql_conformance.update import check_file, update_file

WHOLE = bool(os.environ.get("CONFORMANCE_WHOLE"))
"""Whether each state is asked every case in each language it has, as ``make conformance-doors`` does."""
ROOT = Path(__file__).resolve().parent.parent
FILES = find_case_files([own_corpus()])
BASELINE = ROOT / "conformance" / "baseline.json"
PAGE = ROOT / "docs" / "conformance.md"
CASES_MIN = 600
NOT_ASKED = {
    "B0113": "a query is converted, not run",
    "B0115": "a case has no values beside its query",
    "B0501": "a case has no time limit",
    "B0502": "a case runs to its end",
    "B0503": "a case runs alone",
    "B0504": "a case is small",
    "B0505": "a case is small",
    "B0506": "a case has no limit of rows",
    "B0507": "a case runs alone",
    "B0508": "a case runs alone",
}
"""Codes of errors that no query gives, with where they come from."""


@pytest.fixture(scope="module")
def databases():
    """Databases for each set of data and state."""
    opened = {}

    def databases(file, state):
        key = (file.data_names, file.inline, state)
        if key not in opened:
            opened[key] = Databases(DOORS["embedded"](), file, state)
        return opened[key]

    yield databases
    for each in opened.values():
        each.close()


@pytest.mark.parametrize(
    "state", [pytest.param(state, marks=() if state == "half" else pytest.mark.slow) for state in STATES]
)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_answers_are_right(databases, file, state):
    # One test for a file: pytest and its workers take as long over a test as the database over a question.
    outcomes = [
        run_case(case, language, databases(file, state))
        for number, case in enumerate(file.cases)
        for language in _asked(number, case, state)
    ]
    wrong = [
        f"{outcome.id}: {outcome.case.queries[outcome.language]}\n\n{outcome.difference}"
        for outcome in outcomes
        if not outcome.passed
    ]

    assert outcomes != []
    assert wrong == [], "\n\n".join([f"{len(wrong)} of {len(outcomes)} answers are wrong", *wrong])


def _asked(number: int, case: Case, state: str) -> list[str]:
    """Return the languages in which a case is asked: in each state another one."""
    languages = list(case.queries)
    return languages if WHOLE else [languages[(number + STATES.index(state)) % len(languages)]]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_evaluator_gives_what_is_expected(file):
    problems = [f"{problem.case.id} [{problem.language}]: {problem.what}" for problem in check_file(file)]

    assert problems == []


def test_there_are_enough_cases():
    assert sum(len(file.cases) for file in FILES) >= CASES_MIN


def test_every_case_expects_something():
    assert [case.id for file in FILES for case in file.cases if case.expected is None] == []


def test_coverage_only_grows(update):
    from btql_planner.functions import functions

    public = [name for name, function in functions().items() if not function.hidden]
    codes = [path.stem for path in (ROOT / "docs" / "errors").glob("B*.md")]
    known = coverage.known_constructs([*public, "any_span", "filter_spans", "search"], codes)
    cases = [case for file in FILES for case in file.cases]
    counted = coverage.count(cases)
    page = coverage.page(known, counted, len(cases))
    baseline = json.loads(BASELINE.read_text(encoding="utf-8")) if BASELINE.exists() else {}
    now = {f"{group}: {name}": counted[group, name] for group, name in known if counted[group, name]}

    assert {name: (least, now.get(name, 0)) for name, least in baseline.items() if now.get(name, 0) < least} == {}
    if update:
        BASELINE.write_text(json.dumps(now, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page, "run with --update"


def test_every_function_and_every_error_has_a_case():
    from btql_planner.functions import functions

    counted = coverage.count([case for file in FILES for case in file.cases])
    public = [name for name, function in functions().items() if not function.hidden]
    codes = [path.stem for path in (ROOT / "docs" / "errors").glob("B*.md")]

    assert [name for name in sorted(public) if not counted["functions", name]] == []
    assert [code for code in sorted(codes) if not counted["errors", code] and code not in NOT_ASKED] == []


# The runner itself, with a door that answers what it is told to.


class Parrot:
    """A door that gives the same answer to everything."""

    def __init__(self, rows):
        self.rows = rows

    def open(self, data, state):
        return self

    def query(self, language, text, options):
        return Page(self.rows)

    def close(self):
        pass


@pytest.fixture
def corpus(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "small.ndjson").write_text(
        '{"project_logs:one": {"id": "a", "created": "2026-01-01T00:00:00Z"}}\n'
    )
    path = tmp_path / "small.cases"
    path.write_text(
        "# Two cases.\ndata: small\n\n"
        "=== the id\n--- btql\nselect: id | from: project_logs('one')\n\n"
        "# A remark.\n=== sums\n--- values sql\n1 + 1\n2 * 3 => 6\n"
    )
    return path


def test_update_fills_in_what_is_missing_and_keeps_the_rest(corpus):
    assert update_file(corpus) == []
    text = corpus.read_text()

    assert '--- rows\n{"id": "a"}\n' in text
    assert "1 + 1 => 2\n2 * 3 => 6\n" in text
    assert "# Two cases.\ndata: small\n" in text
    assert "# A remark.\n=== sums\n" in text
    update_file(corpus)
    assert corpus.read_text() == text


def test_kinds_stay_apart():
    for wrong in ("1", True, 1.5, None, [1]):
        assert not _outcome({"v": wrong}, '{"v": 1}').passed
    assert _outcome({"v": 1.0}, '{"v": 1}').passed
    assert not _outcome({"v": 9007199254740993}, '{"v": 9007199254740992}').passed
    assert not _outcome({"w": 1}, '{"v": 1}').passed


def test_order_matters_unless_it_does_not(corpus):
    rows = [{"id": "b"}, {"id": "a"}]
    expected = ({"id": "a"}, {"id": "b"})
    for in_order in (True, False):
        case = Case("f", "n", 1, {"sql": "x"}, ExpectedRows(expected, in_order))
        assert _run(case, rows).passed is not in_order


def test_reports_say_what_failed(corpus):
    update_file(corpus)
    outcomes = list(run_files([read_cases(corpus)], Parrot([{"id": "a"}]), ["before"]))

    assert [outcome.passed for outcome in outcomes] == [True, False, False]
    text = report(outcomes, "text")
    assert "FAILED small::sums: 1 + 1 [sql, before]" in text
    assert '- {"value": 2}' in text
    assert '+ {"id": "a"}' in text
    assert json.loads(report(outcomes, "json"))["totals"] == {"passed": 1, "failed": 2, "left_out": 0}
    suite = ET.fromstring(report(outcomes, "junit"))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")


def test_data_that_a_door_does_not_take_leaves_its_cases_out(corpus):
    class Narrow:
        def open(self, data, state):
            raise Unsuitable("too wide")

    update_file(corpus)
    outcomes = list(run_files([read_cases(corpus)], Narrow(), ["before"]))

    assert [outcome.left_out for outcome in outcomes] == ["too wide"] * 3
    assert report(outcomes, "text") == "3 questions were not asked: too wide\n0 cases, 0 questions: 0 passed, 0 failed"
    assert json.loads(report(outcomes, "json"))["totals"] == {"passed": 0, "failed": 0, "left_out": 3}
    assert ET.fromstring(report(outcomes, "junit"))[0].get("skipped") == "3"


def _outcome(row, expected) -> Outcome:
    case = Case("f", "n", 1, {"sql": "x"}, ExpectedRows((json.loads(expected),)))
    return _run(case, [row])


def _run(case, rows) -> Outcome:
    file = CaseFile("f", Path("f.cases"), (), "", (case,))
    return run_case(case, "sql", Databases(Parrot(rows), file, "half"))
