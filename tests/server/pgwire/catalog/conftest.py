"""A database with a few tables, and its catalog, asked without a wire."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import btql
from btql.execution.directory import Everything, Listed
from btql_server.pgwire.catalog.catalog import Catalog, CatalogAnswer
from btql_server.pgwire.catalog.session_values import Session

OBJECTS = ("project_logs:demo", "project_logs:My project", "experiment:demo", "dataset:golden")


@dataclass
class Asking:
    """A catalog, and who asks it."""

    catalog: Catalog
    directory: Everything
    settings: dict[str, str] = field(default_factory=dict)
    local: list[bool] = field(default_factory=list)
    """Whether each change is for the transaction alone."""

    @property
    def session(self) -> Session:
        """A session whose settings can be changed."""
        return Session(user="ann", pid=42, settings=self.settings, change_setting=self._change)

    def _change(self, name: str, value: str, local: bool) -> None:
        self.settings[name] = value
        self.local.append(local)

    def answer(self, sql: str, *parameters: object) -> CatalogAnswer:
        """Return the answer, with types."""
        assert self.catalog.answers(sql), sql
        return self.catalog.run(sql, self.directory, self.session, parameters=parameters)

    def rows(self, sql: str, *parameters: object) -> list[tuple[object, ...]]:
        """Return the rows."""
        columns = [column.to_pylist() for column in self.answer(sql, *parameters).table.columns]
        return list(zip(*columns, strict=True))


@dataclass
class Some(Everything):
    """A directory that shows some of the objects."""

    everything: Everything
    shown: Callable[[Listed], bool]

    def listed(self) -> Sequence[Listed]:
        """Return what is shown."""
        return [each for each in self.everything.listed() if self.shown(each)]


@contextmanager
def connected(folder: Path) -> Generator[btql.Connection]:
    with btql.connect(folder) as found:
        for each in OBJECTS:
            found.ingest(each, [{"id": "1", "input": "hello"}])
        yield found


@contextmanager
def asking(connection: btql.Connection) -> Generator[Asking]:
    storage = connection._database.storage
    catalog = Catalog(lambda table: storage.snapshot(storage.object(table.schema, table.id)))
    try:
        yield Asking(catalog, Everything(storage))
    finally:
        catalog.close()


@pytest.fixture(scope="module")
def connection(tmp_path_factory) -> Iterator[btql.Connection]:
    with connected(tmp_path_factory.mktemp("catalog") / "db") as found:
        yield found


@pytest.fixture(scope="module")
def ask(connection) -> Iterator[Asking]:
    with asking(connection) as found:
        yield found


@pytest.fixture
def ask_alone(tmp_path) -> Iterator[tuple[Asking, btql.Connection]]:
    """A catalog over a database that no other test asks, for those that write."""
    with connected(tmp_path / "db") as connection, asking(connection) as found:
        yield found, connection
