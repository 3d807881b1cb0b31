"""Golden cases in text files: a query, ``----``, and what is expected of it.

Cases are parted by blank lines before the next query; ``--update`` on pytest's
command line rewrites what is expected, for review as a diff.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SEPARATOR = "\n----\n"
PARTING = "\n\n\n"


@dataclass(frozen=True)
class Case:
    query: str
    expected: str


def read_cases(path: Path) -> list[Case]:
    """Return the cases of a file."""
    cases: list[Case] = []
    for block in path.read_text().strip("\n").split(PARTING):
        query, _, expected = f"{block}\n".partition(SEPARATOR)
        cases.append(Case(query.strip("\n"), expected.strip("\n")))
    return cases


def check_cases(path: Path, answer: Callable[[str], str], *, update: bool) -> None:
    """Compare the answer to every query of a file with what is written there."""
    cases = read_cases(path)
    assert cases
    answers = [Case(case.query, answer(case.query)) for case in cases]
    if update:
        path.write_text(PARTING.join(f"{case.query}{SEPARATOR}{case.expected}" for case in answers) + "\n")
        return
    for case, new in zip(cases, answers, strict=True):
        assert new.expected == case.expected, f"{path.name}: {case.query}"
