"""Outcomes as text for people, as JSON for programs, as JUnit XML for build servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

from btql_conformance.runner import Outcome


def report(outcomes: Sequence[Outcome], form: str) -> str:
    """Return a report on a whole run in one of :data:`FORMS`."""
    return FORMS[form](outcomes)


def as_text(outcomes: Sequence[Outcome]) -> str:
    """Return what failed, with the rows that differ, and the totals."""
    lines: list[str] = []
    for outcome in outcomes:
        if outcome.difference is not None:
            query = outcome.case.queries[outcome.language]
            lines += [
                f"FAILED {outcome.id}, line {outcome.case.line}",
                _indented(query),
                _indented(outcome.difference),
                "",
            ]
    asked = [outcome for outcome in outcomes if outcome.left_out is None]
    failed = sum(not outcome.passed for outcome in asked)
    cases = len({outcome.case.id for outcome in asked})
    for reason in dict.fromkeys(outcome.left_out for outcome in outcomes if outcome.left_out is not None):
        count = sum(outcome.left_out == reason for outcome in outcomes)
        lines.append(f"{count} questions were not asked: {reason}")
    lines.append(f"{cases} cases, {len(asked)} questions: {len(asked) - failed} passed, {failed} failed")
    return "\n".join(lines)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Return every outcome and the totals as one JSON document."""
    listed = [
        {
            "file": outcome.case.file,
            "case": outcome.case.name,
            "line": outcome.case.line,
            "language": outcome.language,
            "state": outcome.state,
            "passed": outcome.passed,
            "seconds": round(outcome.seconds, 6),
            "difference": outcome.difference,
            "left_out": outcome.left_out,
        }
        for outcome in outcomes
    ]
    failed = sum(not outcome.passed for outcome in outcomes)
    left_out = sum(outcome.left_out is not None for outcome in outcomes)
    totals = {"passed": len(outcomes) - failed - left_out, "failed": failed, "left_out": left_out}
    return json.dumps({"totals": totals, "outcomes": listed}, indent=2, ensure_ascii=False)


def as_junit(outcomes: Sequence[Outcome]) -> str:
    """Return JUnit XML: a suite for each file and state."""
    suites = ET.Element("testsuites")
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(f"{outcome.case.file} ({outcome.state})", []).append(outcome)
    for name, members in groups.items():
        failed = sum(not outcome.passed for outcome in members)
        suite = ET.SubElement(
            suites,
            "testsuite",
            name=name,
            tests=str(len(members)),
            failures=str(failed),
            skipped=str(sum(outcome.left_out is not None for outcome in members)),
            time=f"{sum(outcome.seconds for outcome in members):.6f}",
        )
        for outcome in members:
            shown = f"{outcome.case.name} [{outcome.language}]"
            case = ET.SubElement(suite, "testcase", classname=name, name=shown, time=f"{outcome.seconds:.6f}")
            if outcome.left_out is not None:
                ET.SubElement(case, "skipped", message=outcome.left_out)
            if outcome.difference is not None:
                failure = ET.SubElement(case, "failure", message=outcome.difference.splitlines()[0])
                failure.text = _printable(f"{outcome.case.queries[outcome.language]}\n\n{outcome.difference}")
    return ET.tostring(suites, encoding="unicode", xml_declaration=True)


def _printable(text: str) -> str:
    """Leave out what XML cannot hold."""
    return "".join(character for character in text if character >= " " or character in "\n\t")


FORMS: dict[str, Callable[[Sequence[Outcome]], str]] = {"text": as_text, "json": as_json, "junit": as_junit}
