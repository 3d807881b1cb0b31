"""What the Postgres wire asks of the catalog.

    catalog = Catalog()
    if catalog.answers(sql):
        described = catalog.describe(sql, Visible(asker), session)
        answer = catalog.run(sql, Visible(asker), session, parameters=values, stop=stop)

``run`` and ``describe`` block, for milliseconds, and belong on a thread. They raise :class:`.refused.Refused`, which
has a SQLSTATE, and what a :class:`~btql.execution.stop.Stop` raises. The first statement that is more than a shortcut
loads DuckDB and sqlglot.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.stop import Stop
from btql.tables import tables
from btql_server.pgwire.catalog.about import about_catalog
from btql_server.pgwire.catalog.session_values import Session
from btql_server.pgwire.catalog.shortcut import shortcut
from btql_server.pgwire.catalog.type_trees import COLUMN_TYPES, PARAMETERS, asks_for_type_trees, type_trees
from btql_server.pgwire.types import NAMED, PgType, pg_type

if TYPE_CHECKING:
    from btql.execution.directory import Directory
    from btql_server.pgwire.catalog.engine import Engine
    from btql_server.pgwire.catalog.paths import Opening


@dataclass(frozen=True, slots=True)
class CatalogAnswer:
    """Rows of the catalog."""

    table: pa.Table
    types: tuple[PgType, ...]
    """The type of each column."""


@dataclass(frozen=True, slots=True)
class CatalogDescription:
    """What a statement takes and gives."""

    parameters: tuple[PgType, ...]
    schema: pa.Schema
    types: tuple[PgType, ...]


class Catalog:
    """The catalog of one process; safe from several threads."""

    def __init__(self, snapshot: Opening | None = None) -> None:
        self._snapshot = snapshot
        """Opens a table, to tell its paths; without it there are none."""
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def answers(self, sql: str) -> bool:
        """Whether a statement is about the catalog."""
        return about_catalog(sql)

    def run(
        self,
        sql: str,
        directory: Directory,
        session: Session,
        *,
        parameters: Sequence[object] = (),
        stop: Stop | None = None,
    ) -> CatalogAnswer:
        """Return the answer to a statement, for whoever has the directory."""
        if asks_for_type_trees(sql) and len(parameters) == 1:
            oids = parameters[0]
            return CatalogAnswer(type_trees(oids if isinstance(oids, list | tuple) else ()), COLUMN_TYPES)
        found = shortcut(sql, parameters, session)
        if found is None:
            found = self._run(sql, directory, session, parameters, stop or Stop())
        return _answer(found)

    def describe(
        self, sql: str, directory: Directory, session: Session, *, types: Sequence[int] = (), stop: Stop | None = None
    ) -> CatalogDescription:
        """Return what a statement takes and gives; ``types`` are those that the client has given for parameters."""
        if asks_for_type_trees(sql):
            return CatalogDescription(PARAMETERS, type_trees(()).schema, COLUMN_TYPES)
        from btql_server.pgwire.catalog.parameters import nothing_of, parameter_types

        parameters = parameter_types(sql, types)
        values = [nothing_of(each) for each in parameters]
        unchanged = replace(session, change_setting=lambda name, value, local: None)  # noqa: ARG005  nothing is run
        found = shortcut(sql, values, unchanged)
        if found is None:
            found = self._run(sql, directory, unchanged, values, stop or Stop(), rows=False)
        return CatalogDescription(parameters, found.schema, _answer(found).types)

    def close(self) -> None:
        """Let go of the engine."""
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None

    def _run(
        self,
        sql: str,
        directory: Directory,
        session: Session,
        parameters: Sequence[object],
        stop: Stop,
        *,
        rows: bool = True,
    ) -> pa.Table:
        from btql_server.pgwire.catalog.paths import RELATION, asked_for, path_rows
        from btql_server.pgwire.catalog.reader import read
        from btql_server.pgwire.catalog.rewrite import Rewriter

        tree = read(sql)
        written = tree.copy() if RELATION[1] in sql.lower() else tree
        rewritten = Rewriter(session, parameters).rewrite(tree)
        engine = self._opened()
        snapshot = self._snapshot if rows and rewritten.reads(RELATION) else None
        seen = tables(directory) if snapshot is not None or engine.needs_tables(rewritten) else ()
        paths = None if snapshot is None else path_rows(asked_for(written, seen), snapshot, stop)
        return engine.run(rewritten, seen, session, stop, rows=rows, paths=paths)

    def _opened(self) -> Engine:
        from btql_server.pgwire.catalog.engine import Engine

        with self._lock:
            if self._engine is None:
                self._engine = Engine()
            return self._engine


_OWN_TYPES = {pa.uint16(): NAMED["int2"], pa.uint32(): NAMED["oid"], pa.uint64(): NAMED["oid"]}
_OWN_LISTS = {pa.uint16(): NAMED["int2vector"], pa.uint32(): NAMED["_oid"], pa.uint64(): NAMED["oidvector"]}
"""What Arrow's types are where relations.py has made them of something else."""


def _answer(table: pa.Table) -> CatalogAnswer:
    return CatalogAnswer(table, tuple(_type(field.type) for field in table.schema))


def _type(of: pa.DataType) -> PgType:
    found = _OWN_LISTS.get(of.value_type) if pa.types.is_list(of) else _OWN_TYPES.get(of)
    return found or pg_type(of)
