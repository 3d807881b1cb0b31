"""Asks a door every case, in every state of the data that is wanted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from btql_conformance.cases import Case, CaseFile
from btql_conformance.doors import Answer, Door, Failure, Session, State
from btql_conformance.rows import difference


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one spelling of one case in one state."""

    case: Case
    language: str
    state: State
    seconds: float
    difference: str | None
    """None where it passed."""

    @property
    def passed(self) -> bool:
        """Whether the answer was right."""
        return self.difference is None

    @property
    def id(self) -> str:
        """The outcome as reports name it."""
        return f"{self.case.id} [{self.language}, {self.state}]"


def run_files(files: Sequence[CaseFile], door: Door, states: Sequence[State]) -> Iterator[Outcome]:
    """Yield the outcome of every case, one database for each set of data and state."""
    by_data: dict[tuple[tuple[str, ...], str], list[CaseFile]] = {}
    for file in files:
        by_data.setdefault((file.data_names, file.inline), []).append(file)
    for together in by_data.values():
        data = together[0].data()
        for state in states:
            session = door.open(data, state)
            try:
                for file in together:
                    for case in file.cases:
                        for language in case.queries:
                            yield run_case(case, language, state, session)
            finally:
                session.close()


def run_case(case: Case, language: str, state: State, session: Session) -> Outcome:
    """Return the outcome of one spelling of a case."""
    began = time.perf_counter()
    found = ask(case, language, session)
    took = time.perf_counter() - began
    unknown = "nothing is expected yet: run with --update"
    what = unknown if case.expected is None else difference(found, case.expected)
    return Outcome(case, language, state, took, what)


def ask(case: Case, language: str, session: Session) -> Answer:
    """Return the answer of a door; whatever else it raises is a failure of its own."""
    try:
        return session.query(language, case.queries[language], case.options)
    except Exception as error:  # noqa: BLE001 - a door may break in any way, and the other cases must go on
        return Failure(f"crash: {type(error).__name__}", None, str(error))
