"""The cases of the language through HTTP, the Postgres wire and Flight SQL: rows and errors are those of the library.

All of them take minutes, so ``make test`` asks a part, spread over all files; ``make conformance-doors`` asks all, and
over the Postgres wire in both formats.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

import btql
from btql_conformance.cases import find_case_files, own_corpus
from btql_conformance.dataset import requests
from btql_conformance.doors import Answer, Session
from btql_conformance.flight_door import FlightSession
from btql_conformance.http_door import Http, HttpSession
from btql_conformance.pg_door import PgSession
from btql_conformance.runner import Databases, run_case
from btql_server.running import running_doors
from btql_server.settings import Settings

WHOLE = bool(os.environ.get("CONFORMANCE_WHOLE"))
STEP = 1 if WHOLE else 16
"""Each door is asked one case of so many; each of them another one."""
ANY = ("127.0.0.1", 0)
DOORS = {
    "pg-binary": lambda addresses: PgSession(addresses["pg"], binary=True),
    "pg-text": lambda addresses: PgSession(addresses["pg"], binary=False),
    "http": lambda addresses: HttpSession(Http(addresses["http"], None)),
    "flight": lambda addresses: FlightSession(addresses["flight"]),
}
POSTGRES = {
    "a column that the query inside has not": "`user` is a word of its own in PostgreSQL",
    "nothing at all": "an empty statement has an empty answer there",
    "only a comment": "the same",
    "like: an escaped backslash": "a backslash in a text is itself in PostgreSQL",
    "ilike: an escaped backslash": "the same",
    "what differs from run to run: starts_with(version(), 'btql ')": "clients look for PostgreSQL's version",
}
"""Cases that mean something else to clients of PostgreSQL, and why."""
FILES = find_case_files([own_corpus()])


class Served:
    """A database that was written to, half of it compacted, and then served; with a session through each door."""

    def __init__(self, data) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="btql-served-"))
        middle = len(data.events) // 2
        with btql.connect(self._folder) as conn:
            for target, documents in requests(data.events[:middle]):
                conn.ingest(target, documents)
            conn.compact()
            for target, documents in requests(data.events[middle:]):
                conn.ingest(target, documents)
        self._stack = ExitStack()
        settings = Settings(self._folder, ANY, pg=ANY, flight=ANY, insecure_no_auth=True)
        self._addresses = self._stack.enter_context(running_doors(settings))
        self._sessions: dict[str, Session] = {}

    def query(self, language, text, options) -> Answer:
        raise AssertionError("a case is asked through one of the doors")

    def through(self, door):
        """Return the session through a door."""
        if door not in self._sessions:
            self._sessions[door] = self._stack.enter_context(closing(DOORS[door](self._addresses)))
        return self._sessions[door]

    def close(self):
        self._stack.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class ServedFolders:
    """Opens databases as the runner wants them."""

    def open(self, data, state):
        return Served(data)


class Through(Databases):
    """Databases as they are seen through one door."""

    def __init__(self, databases, door) -> None:
        self.state = databases.state
        self._databases = databases
        self._door = door

    @contextmanager
    def session(self, case):
        with self._databases.session(case) as served:
            yield served.through(self._door)


@pytest.fixture(scope="module")
def databases():
    """A served database for each set of data."""
    opened: dict[object, Databases] = {}

    def databases(file):
        return opened.setdefault((file.data_names, file.inline), Databases(ServedFolders(), file, "half"))

    yield databases
    for each in opened.values():
        each.close()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_answers_are_right(databases, file):
    outcomes = [
        (door, run_case(case, language, Through(databases(file), door)))
        for number, door in enumerate(DOORS)
        for case in file.cases[number % STEP :: STEP]
        for language in case.queries
        # Only HTTP has a place for the cursor of the next page.
        if door == "http" or (not case.paged and not (door.startswith("pg") and case.name in POSTGRES))
    ]

    assert {f"{outcome.id} {door}": outcome.difference for door, outcome in outcomes if not outcome.passed} == {}
