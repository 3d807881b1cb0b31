"""Asks a door every case, in every state of the data that is wanted."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from btql_conformance.cases import Case, CaseFile
from btql_conformance.doors import Answer, Door, Failure, Page, Session, State, Unsuitable
from btql_conformance.rows import difference
from btql_conformance.values import Value

PAGES_MAX = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one spelling of one case in one state."""

    case: Case
    language: str
    state: State
    seconds: float
    difference: str | None
    """None where it passed."""
    left_out: str | None = None
    """Why it was not asked; None where it was."""

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
        for state in states:
            databases = Databases(door, together[0], state)
            try:
                for file in together:
                    for case in file.cases:
                        for language in case.queries:
                            yield run_case(case, language, databases)
            finally:
                databases.close()


class Databases:
    """One database for all cases that only read, and a fresh one for each that writes."""

    def __init__(self, door: Door, file: CaseFile, state: State) -> None:
        self.state: State = state
        self._door = door
        self._data = file.data()
        self._shared: Session | None = None
        self._unsuitable: Unsuitable | None = None

    def close(self) -> None:
        """Let go of the database."""
        if self._shared is not None:
            self._shared.close()

    @contextmanager
    def session(self, case: Case) -> Generator[Session]:
        """Give a database for a case; Unsuitable where its data cannot be brought through the door."""
        if self._unsuitable is not None:
            raise self._unsuitable
        if case.writes:
            session = self._door.open(self._data, self.state)
            try:
                yield session
            finally:
                session.close()
            return
        if self._shared is None:
            try:
                self._shared = self._door.open(self._data, self.state)
            except Unsuitable as error:
                self._unsuitable = error
                raise
        yield self._shared


def run_case(case: Case, language: str, databases: Databases) -> Outcome:
    """Return the outcome of one spelling of a case."""
    try:
        with databases.session(case) as session:
            began = time.perf_counter()
            found = _ask_all(case, language, session)
            took = time.perf_counter() - began
    except Unsuitable as error:
        return Outcome(case, language, databases.state, 0.0, None, str(error))
    unknown = "nothing is expected yet: run with --update"
    what = unknown if case.expected is None else difference(found, case.expected)
    return Outcome(case, language, databases.state, took, what)


def _ask_all(case: Case, language: str, session: Session) -> Answer:
    """Return the answer to a case, with its writes before and all of its pages."""
    for statement in case.writes:
        done = _ask(session, "sql", statement, {})
        if isinstance(done, Failure):
            return done
    if not case.paged:
        return _ask(session, language, case.queries[language], case.options)
    rows: list[Mapping[str, Value]] = []
    cursor: str | None = None
    for number in range(1, PAGES_MAX + 1):
        options = case.options if cursor is None else {**case.options, "cursor": cursor}
        page = _ask(session, language, case.queries[language], options)
        if isinstance(page, Failure):
            return page
        rows += [{"page": number, **row} for row in page.rows]
        cursor = page.cursor
        if cursor is None or not page.rows:
            return Page(rows)
    return Failure("endless", None, f"there is still a cursor after {PAGES_MAX} pages")


def _ask(session: Session, language: str, text: str, options: Mapping[str, Value]) -> Answer:
    """Return the answer of a door; whatever else it raises is a failure of its own."""
    try:
        return session.query(language, text, options)
    except Unsuitable:
        raise
    except Exception as error:  # noqa: BLE001 - a door may break in any way, and the other cases must go on
        return Failure(f"crash: {type(error).__name__}", None, str(error))
