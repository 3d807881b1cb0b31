"""A connection to a server over Arrow Flight SQL, by ADBC's driver: ``pip install 'btql[flight]'``.

It does what one over HTTP does, and reads large answers faster. Each statement has a connection of the driver's to
itself, which waits for the next one afterwards. What Flight SQL has no place for is refused: lints, a default limit,
and the cursor of a page.
"""

from __future__ import annotations

import os
import re
import weakref
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from btql.arguments import text_of
from btql.errors import Cancelled, InterfaceError, NotSupportedError, OperationalError, drawn_over
from btql.fixed_answer import written
from btql.remote.answer import RemoteAnswer
from btql.remote.connection import RemoteConnection
from btql.remote.failures import BROKEN, CANNOT_CONNECT, NO_CONNECTION
from btql.remote.flight_failures import flight_failure
from btql.remote.flight_values import table_of
from btql.remote.stopping import RemoteStop
from btql.result import Result
from btql.tables import Table, columns_of
from btql_grammar.span import Source

if TYPE_CHECKING:
    from btql.execution.stop import Stop
    from btql.remote.address import Address
    from btql_grammar.parameters import Values
    from btql_planner.options import QueryOptions
    from btql_storage.ingest.receipt import Receipt

_WRITES = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*+(?:INSERT|UPDATE|DELETE)\b", re.IGNORECASE | re.DOTALL)
_HEADER = "adbc.flight.sql.rpc.call_header.x-btql-"
_SETS_MAX = 50_000
"""So many values are sent at a time; the server takes 65,536."""


class FlightConnection(RemoteConnection):
    """A server that is asked over Flight SQL."""

    def __init__(self, address: Address, ca_file: str | None = None) -> None:
        super().__init__(address)
        self._driver = _Driver(address, ca_file)

    @property
    def _open(self) -> _Driver:
        self.check_open()
        return self._driver

    def run(
        self, query: str | Mapping[str, object], parameters: Values | None, options: QueryOptions, stop: Stop | None
    ) -> Result:
        """Return the answer to a statement."""
        if options.lint != "off" or options.default_limit is not None or options.cursor is not None:
            self.refuse("lints, a default limit and cursors do not go over Flight SQL: use http:// for them")
        headers = {"tz-offset": str(options.tz_offset)} if options.tz_offset else {}
        if options.version is not None:
            headers["version"] = options.version
        stop = stop if isinstance(stop, RemoteStop) else RemoteStop()
        # The driver has no word for a text that is empty; the server has.
        text = _sent(query) or " "
        values = table_of([parameters]) if parameters else None
        if _WRITES.match(text):
            return written(self._write(text, values, headers, stop))
        using = self._open.cursor(headers, stop)
        with using.trouble(text):
            using.cursor.execute(text, parameters=None if values is None else values.to_batches()[0])
            reader: pa.RecordBatchReader = using.cursor.fetch_record_batch()
        result = Result(RemoteAnswer(reader.schema, using.batches(reader, text)), stop=stop)
        # An answer that nobody reads must not keep its connection for ever.
        result.release = weakref.finalize(result, using.close)
        return result

    def run_many(self, query: str | Mapping[str, object], parameters: Sequence[Values], stop: Stop) -> int:
        """Run a statement that writes once for each of several sequences of values; return how many rows it wrote."""
        text = _sent(query)
        if not _WRITES.match(text):
            raise NotSupportedError(
                "a query with many sequences of values is not supported: run it once for each of them, with `execute`",
                code="B0403",
            )
        assert isinstance(stop, RemoteStop)
        if not any(parameters):
            # Rows without columns are none in Arrow.
            return sum(self._write(text, None, {}, stop) for _ in parameters)
        pieces = [table_of(parameters[start : start + _SETS_MAX]) for start in range(0, len(parameters), _SETS_MAX)]
        return sum(self._write(text, piece, {}, stop) for piece in pieces)

    def tables(self) -> list[Table]:
        """Return the objects that may be read as tables with columns."""
        with self._open.connection() as connection:
            catalogs = connection.adbc_get_objects(depth="all").read_all().to_pylist()
        schemas = [schema for catalog in catalogs for schema in catalog["catalog_db_schemas"] or ()]
        found = [(schema["db_schema_name"], each) for schema in schemas for each in schema["db_schema_tables"] or ()]
        return [_table(number, schema, each) for number, (schema, each) in enumerate(found, 1)]

    def paths(self, target: str) -> list[tuple[str, ...]]:
        """Refuse: Flight SQL knows columns, and no paths below them."""
        self.refuse(f"the paths of {target} do not go over Flight SQL: use http:// for them")

    def ingest(
        self,
        target: str,
        events: Iterable[Mapping[str, object]] | Iterable[bytes],  # noqa: ARG002  other connections take them
    ) -> Receipt:
        """Refuse: Flight SQL takes columns, and no events."""
        self.refuse(f"events for {target} do not go over Flight SQL: INSERT them, or use http://")

    def close(self) -> None:
        """Close the connections that wait for a statement."""
        super().close()
        self._driver.close()

    def _write(self, text: str, values: pa.Table | None, headers: Mapping[str, str], stop: RemoteStop) -> int:
        using = self._open.cursor(headers, stop)
        with using.trouble(text):
            using.cursor.executemany(text, values)
            count = int(using.cursor.rowcount)
        using.close()
        return count


def _sent(query: str | Mapping[str, object]) -> str:
    """Return the text of a query, be it in the JSON form."""
    with drawn_over(Source("")):
        return query if isinstance(query, str) else text_of(query)


class _Driver:
    """Connections of ADBC's driver, one for each statement that runs."""

    def __init__(self, address: Address, ca_file: str | None) -> None:
        self._address = address
        try:
            self._dbapi: Any = import_module("adbc_driver_flightsql.dbapi")
        except ModuleNotFoundError as error:
            raise InterfaceError("grpc:// needs ADBC's driver: write `pip install 'btql[flight]'`") from error
        self._options: dict[str, str] = {}
        if address.key is not None:
            self._options["adbc.flight.sql.authorization_header"] = f"Bearer {address.key}"
        if ca_file is not None:
            self._options["adbc.flight.sql.client_option.tls_root_certs"] = Path(ca_file).read_text(encoding="utf-8")
        self._lock = Lock()
        self._idle: list[Any] = []
        self.close = weakref.finalize(self, _close, self._idle)

    def cursor(self, headers: Mapping[str, str], stop: RemoteStop) -> _Using:
        """Return a cursor of the driver for one statement."""
        stop.check()
        if stop.limit is not None:
            headers = {**headers, "timeout": repr(stop.limit)}
        try:
            connection = self._taken()
            sent = {f"{_HEADER}{name}": value for name, value in headers.items()}
            cursor = connection.cursor(adbc_stmt_kwargs=sent)
        except self._dbapi.Error as error:
            raise flight_failure(error, "", str(self)) from error
        using = _Using(self, connection, cursor, stop, self._dbapi.Error)
        stop.guard(using.cancel)
        return using

    @contextmanager
    def connection(self) -> Generator[Any]:
        """Lend a connection for something that is no statement."""
        try:
            connection = self._taken()
            yield connection
        except self._dbapi.Error as error:
            raise flight_failure(error, "", str(self)) from error
        self.give_back(connection)

    def _taken(self) -> Any:  # noqa: ANN401
        if _process() != os.getpid():
            raise OperationalError(
                f"Flight SQL was in use before this process was forked, and its driver does not outlive that: start "
                f"processes by `spawn`, or connect by http:// ({self})",
                sqlstate=NO_CONNECTION,
            )
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return self._dbapi.connect(str(self), db_kwargs=self._options, autocommit=True)

    def give_back(self, connection: Any) -> None:  # noqa: ANN401  the driver has no types
        """Keep a connection for the next statement."""
        with self._lock:
            if self.close.alive:
                self._idle.append(connection)
                return
        connection.close()

    def __str__(self) -> str:
        return str(self._address)


class _Using:
    """A connection of the driver while a statement has it."""

    def __init__(self, driver: _Driver, connection: Any, cursor: Any, stop: RemoteStop, error: type[Exception]) -> None:  # noqa: ANN401
        self.cursor = cursor
        self._driver = driver
        self._connection: Any = connection
        self._stop = stop
        self._error = error

    def cancel(self) -> None:
        """Give the statement up, from another thread."""
        with suppress(self._error):
            self.cursor.adbc_cancel()

    def batches(self, reader: pa.RecordBatchReader, text: str) -> Generator[pa.RecordBatch]:
        """Yield what comes."""
        with self.trouble(text):
            yield from reader
        self.close()

    def close(self, *, is_broken: bool = False) -> None:
        """Let go of the connection. Called again it does nothing."""
        connection, self._connection = self._connection, None
        if connection is None or _process() != os.getpid():
            return
        self._stop.guard(None)
        try:
            self.cursor.close()
        except self._error:
            # Else the driver closes it once more when it is collected, and complains of that on stderr.
            self.cursor._closed = True  # noqa: SLF001
        if not is_broken:
            self._driver.give_back(connection)
            return
        # It would say for a while that there is no server, whether there is one again or not.
        with suppress(self._error, RuntimeError):
            connection.close()

    @contextmanager
    def trouble(self, text: str) -> Generator[None]:
        """Make the driver's errors ours, and close the cursor behind them."""
        try:
            yield
        except (self._error, OSError, pa.ArrowException) as error:
            failure = flight_failure(error, text, str(self._driver))
            self.close(is_broken=failure.sqlstate in (CANNOT_CONNECT, BROKEN))
            if self._stop.is_cancelled:
                raise Cancelled from error
            raise failure from error
        except BaseException:
            self.close()
            raise


def _table(number: int, schema: str, found: dict[str, Any]) -> Table:
    usual = {column.name for column in columns_of()}
    names = [column["column_name"] for column in found["table_columns"] or ()]
    name = found["table_name"]
    return Table(number, schema, name, name, None, tuple(each for each in names if each not in usual))


@cache
def _process() -> int:
    """Return the process that the driver runs in: the first one that asks. It has threads, which no fork has."""
    return os.getpid()


def _close(idle: list[Any]) -> None:
    while idle and _process() == os.getpid():
        idle.pop().close()
