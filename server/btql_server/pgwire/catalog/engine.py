"""The DuckDB that holds the catalog: one for a process, in memory, out of whose bounds no statement gets.

Relations and functions are made when a statement first names them, from ``contents.sql`` and ``macros.sql``. Which
tables there are depends on who asks. What somebody sees is one table of the engine, and the views read the one that a
variable of the connection names; those who see the same share it. Statements cannot set variables, nor name anything
but relations of the catalog: :mod:`.rewrite` lets nothing else through.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import duckdb
import pyarrow as pa

from btql_server.pgwire.catalog import bases, type_rows
from btql_server.pgwire.catalog.contents import contents, reads_tables, varies
from btql_server.pgwire.catalog.engine_errors import refused_by
from btql_server.pgwire.catalog.macros import macros, used_macros, used_relations
from btql_server.pgwire.catalog.paths import PATH_SHAPE
from btql_server.pgwire.catalog.refused import Refused
from btql_server.pgwire.catalog.relations import Relation, relations
from btql_server.pgwire.catalog.watch import Watch

if TYPE_CHECKING:
    from btql.execution.stop import Stop
    from btql.tables import Table
    from btql_server.pgwire.catalog.rewrite import Rewritten
    from btql_server.pgwire.catalog.session_values import Session

_MEMORY = "256MB"
_BYTES_MAX = 64 << 20
"""A larger answer is refused."""
_SEEN_MAX = 32
"""So many sets of tables are kept."""
_BATCH_ROWS = 10_000
_IDLE_MAX = 8
_NOTHING_SEEN = "seen_0"
_NO_PATHS = "paths_0"
_BASES: dict[str, Callable[[], pa.Table]] = {
    "b_types": type_rows.type_rows,
    "b_procs": type_rows.procedure_rows,
    "b_schemas": bases.schema_rows,
    "b_reserved": bases.reserved_rows,
    "b_relations": bases.relation_rows,
    "b_relation_columns": bases.relation_column_rows,
}
_VIEWS = """
CREATE VIEW b_tables AS SELECT * FROM query_table(getvariable('b_tables'));
CREATE VIEW b_shapes AS SELECT shape, CAST(count(*) AS SMALLINT) AS columns FROM b_columns GROUP BY shape;
CREATE VIEW b_classes AS
    SELECT oid, nspname, relname, visible, spelled FROM b_tables
    UNION ALL SELECT oid + 1, nspname, relname || '_pkey', visible, spelled_index FROM b_tables
    UNION ALL SELECT r.oid, s.nspname, r.relname, s.nspname = 'pg_catalog', r.spelled
        FROM b_relations AS r JOIN b_schemas AS s ON s.oid = r.relnamespace;
CREATE VIEW b_class_names AS
    SELECT relname AS name, oid FROM b_classes WHERE visible
    UNION ALL SELECT nspname || '.' || relname, oid FROM b_classes;
"""


class Engine:
    """The catalog of one process; safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: set[str] = set()
        self._seen: OrderedDict[tuple[Table, ...], str] = OrderedDict()
        self._shapes: dict[tuple[str, ...], int] = {}
        self._numbers = 0
        self._idle: list[tuple[duckdb.DuckDBPyConnection, dict[str, object]]] = []
        self._watch = Watch()
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "threads": 1,
                "memory_limit": _MEMORY,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "allow_community_extensions": False,
            },
        )
        self._begin()

    def _begin(self) -> None:
        connection = self._connection
        connection.execute("SET GLOBAL integer_division = true; SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET GLOBAL temp_directory = ''; SET GLOBAL enable_external_access = false")
        connection.execute("SET GLOBAL python_enable_replacements = false; SET GLOBAL lock_configuration = true")
        connection.execute("CREATE SCHEMA pgc; CREATE SCHEMA infs")
        for name, made in _BASES.items():
            self._store(name, made())
        self._store("b_columns", bases.COLUMN_SHAPE.empty_table())
        self._store(_NOTHING_SEEN, bases.TABLE_SHAPE.empty_table())
        self._store(_NO_PATHS, PATH_SHAPE.empty_table())
        _set_variables(connection, {**_NOBODY, "b_tables": _NOTHING_SEEN, "b_paths": _NO_PATHS})
        connection.execute(_VIEWS)

    def close(self) -> None:
        """Let go of everything."""
        self._watch.close()
        with self._lock:
            self._connection.close()

    def needs_tables(self, rewritten: Rewritten) -> bool:
        """Whether the answer depends on which tables there are."""
        return any(reads_tables(f"macro {name}") for name in rewritten.functions) or any(
            reads_tables(f"{each.schema}.{each.name}") for each in rewritten.relations
        )

    def run(
        self,
        rewritten: Rewritten,
        tables: Sequence[Table],
        session: Session,
        stop: Stop,
        *,
        rows: bool = True,
        paths: pa.Table | None = None,
    ) -> pa.Table:
        """Return the answer to a statement; without ``rows`` only its columns. ``paths`` are those of tables."""
        with self._holding(paths) as of_paths:
            values = {**_variables(session, rewritten), "b_paths": of_paths}
            return self._run(rewritten, tables, values, stop, rows=rows)

    @contextmanager
    def _holding(self, paths: pa.Table | None) -> Generator[str]:
        """Have paths in a table of the engine for one statement, as they change with each write."""
        if paths is None:
            yield _NO_PATHS
            return
        with self._lock:
            self._numbers += 1
            name = f"paths_{self._numbers}"
            self._store(name, paths)
        try:
            yield name
        finally:
            with self._lock:
                self._connection.execute(f"DROP TABLE {name}")

    def _run(
        self, rewritten: Rewritten, tables: Sequence[Table], values: dict[str, object], stop: Stop, *, rows: bool
    ) -> pa.Table:
        try:
            with self._lock:
                self._make(rewritten)
                values["b_tables"] = self._see(tuple(tables))
                cursor, known = self._idle.pop() if self._idle else (self._connection.cursor(), {})
            done = False
            try:
                with self._watch.over(cursor, stop):
                    _set_variables(cursor, {name: value for name, value in values.items() if known.get(name) != value})
                    known.update(values)
                    sql = rewritten.sql if rows else f"SELECT * FROM ({rewritten.sql}) LIMIT 0"  # noqa: S608  ours
                    found = _fetched(cursor.sql(sql))
                    done = True
                    return found
            finally:
                # What was interrupted or has failed is not used again.
                self._give_back(cursor, known) if done else cursor.close()
        except duckdb.InterruptException:
            stop.check()
            raise Refused("57014", "the query of the catalog took too long") from None
        except duckdb.Error as error:
            raise refused_by(error) from None
        except RecursionError:
            raise Refused("54001", "the query of the catalog is nested too deeply") from None

    def _give_back(self, cursor: duckdb.DuckDBPyConnection, known: dict[str, object]) -> None:
        """Keep a cursor, with what its variables are, for another statement."""
        with self._lock:
            if len(self._idle) < _IDLE_MAX:
                self._idle.append((cursor, known))
                return
        cursor.close()

    def _make(self, rewritten: Rewritten) -> None:
        """Make the relations and functions of a statement where they are missing."""
        for name in rewritten.functions:
            self._make_macro(name)
        for relation in rewritten.relations:
            self._make_relation(relation)

    def _make_macro(self, name: str) -> None:
        if name in self._made:
            return
        self._made.add(name)
        text = macros()[name]
        self._make_used(text, name)
        self._connection.execute(text)

    def _make_relation(self, relation: Relation) -> None:
        if relation.internal in self._made:
            return
        self._made.add(relation.internal)
        query = contents().get((relation.schema, relation.name))
        given: set[str] = set()
        if query is not None:
            self._make_used(query, "")
            given = {row[0] for row in self._connection.execute(f"DESCRIBE {query}").fetchall()}
            unknown = given - {column.name for column in relation.columns}
            assert not unknown, (relation.name, unknown)
        columns = ", ".join(
            f'CAST("{each.name}" AS {each.duckdb_type}) AS "{each.name}"'
            if each.name in given
            else f'{relation.default(each)} AS "{each.name}"'
            for each in relation.columns
        )
        source = " WHERE false" if query is None else f" FROM ({query}) AS b_given"
        # What is the same for everybody is computed once.
        kept = "VIEW" if query is not None and varies(relation.schema, relation.name) else "TABLE"
        self._connection.execute(f"CREATE {kept} {relation.internal} AS SELECT {columns}{source}")

    def _make_used(self, text: str, but: str) -> None:
        for name in used_macros(text) - {but}:
            self._make_macro(name)
        for key in used_relations(text):
            self._make_relation(relations()[key])

    def _see(self, tables: tuple[Table, ...]) -> str:
        """Return the engine's table that has these tables."""
        if not tables:
            return _NOTHING_SEEN
        if tables in self._seen:
            self._seen.move_to_end(tables)
            return self._seen[tables]
        self._numbers += 1
        name = f"seen_{self._numbers}"
        self._store(name, bases.table_rows(tables, [self._shape(each) for each in tables]))
        self._seen[tables] = name
        if len(self._seen) > _SEEN_MAX:
            _, old = self._seen.popitem(last=False)
            self._connection.execute(f"DROP TABLE {old}")
        return name

    def _shape(self, table: Table) -> int:
        if table.constants not in self._shapes:
            number = len(self._shapes) + 1
            self._connection.register("b_rows", bases.column_rows(number, table.columns))
            self._connection.execute("INSERT INTO b_columns SELECT * FROM b_rows")
            self._connection.unregister("b_rows")
            self._shapes[table.constants] = number
        return self._shapes[table.constants]

    def _store(self, name: str, rows: pa.Table) -> None:
        self._connection.register("b_rows", rows)
        self._connection.execute(f"CREATE TABLE {name} AS SELECT * FROM b_rows")  # noqa: S608  ours
        self._connection.unregister("b_rows")


_NOBODY: dict[str, object] = {
    "b_user": "", "b_database": "", "b_pid": 0, "b_setting_names": [""], "b_setting_values": [""]
}  # fmt: skip
"""Variables of these types, for views to be made with."""


def _variables(session: Session, rewritten: Rewritten) -> dict[str, object]:
    """Return the variables that a statement may need."""
    found: dict[str, object] = {"b_user": session.user, "b_database": session.database}
    if any(each.name == "pg_stat_activity" for each in rewritten.relations):
        found["b_pid"] = session.pid
    of_settings = {"current_setting", "pg_show_all_settings"} & rewritten.functions
    if of_settings or any(each.name == "pg_settings" for each in rewritten.relations):
        settings = session.all_settings()
        found |= {"b_setting_names": list(settings), "b_setting_values": list(settings.values())}
    return found


def _set_variables(connection: duckdb.DuckDBPyConnection, values: Mapping[str, object]) -> None:
    for name, value in values.items():
        connection.execute(f"SET VARIABLE {name} = ?", [value])


def _fetched(answer: duckdb.DuckDBPyRelation) -> pa.Table:
    reader = cast("pa.RecordBatchReader", answer.to_arrow_reader(_BATCH_ROWS))
    batches: list[pa.RecordBatch] = []
    size = 0
    for batch in reader:
        batches.append(batch)
        size += batch.nbytes
        if size > _BYTES_MAX:
            raise Refused("54000", f"the answer of the catalog has more than {_BYTES_MAX >> 20} MB", "ask for less")
    return _with_json(pa.Table.from_batches(batches, reader.schema), [str(each) for each in answer.types])


def _with_json(table: pa.Table, types: Sequence[str]) -> pa.Table:
    """Return the table with JSON where the engine has some; it hands it out as texts."""
    kind = pa.json_(pa.string())
    for place, of in enumerate(types):
        if of == "JSON":
            chunks = [pa.ExtensionArray.from_storage(kind, each) for each in table.column(place).chunks]
            field = table.schema.field(place).with_type(kind)
            table = table.set_column(place, field, pa.chunked_array(chunks, kind))
    return table
