"""A connection: what a program holds to write to and ask one database.

    with btql.connect("traces") as conn:
        conn.ingest("project_logs:demo", [{"input": "hello", "output": "hi"}])
        for row in conn.query("select: input, output | from: project_logs('demo')"):
            print(row)

A connection may be used from several threads at once. It is a connection of PEP 249, too: :meth:`Connection.cursor`
makes cursors, which work in the same way for a folder and for a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, cast

from btql.dbapi.manners import Manners
from btql.errors import InterfaceError, NotSupportedError, ProgrammingError
from btql.remote.address import is_address
from btql_grammar.sources import KINDS
from btql_storage.closing import Closing
from btql_storage.errors import UnknownObject, reason_of
from btql_storage.opening.location import given_place, locate

if TYPE_CHECKING:
    from btql.database import Database
    from btql.execution.stop import Stop
    from btql.moving.exporting import Export
    from btql.result import Result
    from btql.tables import Table
    from btql_grammar.parameters import Values
    from btql_grammar.tree_statements import ExplainFormat
    from btql_planner.options import LintMode, QueryOptions
    from btql_storage.catalog import ObjectInfo
    from btql_storage.compaction.job import CompactionProgress, CompactionReport
    from btql_storage.ingest.accept import Event
    from btql_storage.ingest.receipt import Receipt
    from btql_storage.retention.facade import Retention
    from btql_storage.retention.purge import PurgeReport
    from btql_storage.status import Status


def connect(  # noqa: PLR0913  options are keywords
    path: str | Path | None = None,
    *,
    create: bool = True,
    read_only: bool = False,
    prices: str | Path | Mapping[str, object] | None = None,
    api_key: str | None = None,
    ca_file: str | Path | None = None,
    timeout: float | None = None,
    background: bool = True,
) -> Connection:
    """Open the database in the folder ``path``, and make it where there is none; or connect to a server by its URL.

    A database may also be in a bucket, with services beside it: ``s3://bucket/prefix?catalog=postgresql://…``, or a
    name of ``btql.toml``; docs/storage-services.md has all about it. Without ``path`` it is the one that the
    environment variable ``BTQL_DATABASE`` has.

    A server is ``http://host:port`` or ``https://host:port``, or, over Arrow Flight SQL, ``grpc://host:port`` or
    ``grpc+tls://host:port``, which needs ``btql[flight]``; with the key in it (``http://KEY@host:port``), in
    ``api_key`` or in the environment variable ``BTQL_API_KEY``. ``ca_file`` has the certificates to trust, where those
    are not the system's. ``create``, ``read_only``, ``prices`` and ``background`` are for folders; ``read_only`` and
    ``prices`` are refused for a server. ``timeout`` is how many seconds a statement may take that is not given another.

    ``prices`` adds to what ``estimated_cost()`` knows of models: a file, JSON or TOML, or the same as
    a dictionary, ``{"models": {"my-model": {"input": 1.5, "output": 6.0}}}``, in dollars for a million tokens.

    Once something was written, and much waits for it, a thread of this process compacts, at most half of the time,
    until the connection is closed. ``background=False`` leaves that to :meth:`Connection.compact`, to ``btql compact``,
    or to a query that finds more waiting than it may read into memory.

    Raises :class:`btql.StorageError` where the folder holds something else, was
    written by a later version, or cannot be written to.
    """
    if path is None:
        path = given_place()
    if is_address(path):
        _refuse_of_folders(read_only=read_only, prices=prices is not None)
        connection = _remote(str(path), api_key, ca_file)
        connection.timeout = timeout
        return connection
    from btql.database import Database
    from btql.prices import price_source
    from btql_storage.store import Storage

    location = locate(path)
    storage = Storage.open(location, create=create and not read_only, read_only=read_only)
    connection = Connection(Database(storage, price_source(location.folder, prices)), background=background)
    connection.timeout = timeout
    return connection


def _refuse_of_folders(*, read_only: bool, prices: bool) -> None:
    """Refuse what a server would not heed."""
    if read_only:
        raise NotSupportedError("read_only is for folders and buckets; give the server a key that only reads")
    if prices:
        raise NotSupportedError("prices is for folders and buckets; a server has its own, beside its database")


def _remote(url: str, api_key: str | None, ca_file: str | Path | None) -> Connection:
    from btql.remote.address import address_of

    address, trusted = address_of(url, api_key), None if ca_file is None else str(ca_file)
    try:
        if address.scheme.startswith("grpc"):
            from btql.remote.flight import FlightConnection

            return FlightConnection(address, trusted)
        from btql.remote.http_connection import HttpConnection

        return HttpConnection(address, trusted)
    except OSError as error:
        message = f"no certificates can be read from ca_file, {trusted}: {reason_of(error)}"
        raise InterfaceError(message, sqlstate="08001") from error


class Connection(Manners, Closing):
    """An open database."""

    def __init__(self, database: Database, *, background: bool = False) -> None:
        self._database = database
        self._background = background

    def ingest(self, target: str, events: Iterable[Mapping[str, object]] | Iterable[bytes]) -> Receipt:
        """Write one batch of events to an object such as ``project_logs:demo``.

        Events are documents as dictionaries, or as JSON text in bytes. All of
        them are durable and visible when the call returns, or, where one is
        wrong, none of them is. The object comes into being with its first batch.
        """
        batch = cast("Sequence[Event]", events if isinstance(events, Sequence) else list(events))
        receipt = self._store(target, batch)
        if self._background:
            from btql_storage.background.loop import Policy

            # Once is enough, and whoever only reads needs no thread.
            self._background = False
            self._database.storage.run_in_background(Policy())
        return receipt

    def import_rows(self, target: str, rows: Sequence[bytes]) -> Receipt:
        """Write one batch of rows as they were exported: each replaces the row with its id, whatever it looks like."""
        return self._store(target, rows, as_rows=True)

    def _store(self, target: str, events: Sequence[Event], *, as_rows: bool = False) -> Receipt:
        kind, name = split_object(target)
        storage = self._database.storage
        try:
            found = storage.object(kind, name)
        except UnknownObject:
            from btql_storage.ingest.accept import accept

            # What cannot be stored leaves no object behind.
            accept(events, limits=storage.limits, as_rows=as_rows)
            found = storage.create_object(kind, name)
        return storage.ingest(found, events, as_rows=as_rows)

    def export(self, target: str, version: str | int | None = None) -> Export:
        """Return all rows of an object with everything that they hold, as of now or right after a transaction."""
        from btql.arguments import version_of
        from btql.moving.exporting import Export

        found = self._object(target)
        if version is not None and not found.keeps_history:
            kinds = "datasets, experiments, prompts and functions"
            raise NotSupportedError(f"{found.kind} has no versions: leave `version` out, it is for {kinds}")
        return Export(self._database.storage.snapshot(found, version_of(version)))

    def query(  # noqa: PLR0913  options are keywords
        self,
        query: str | Mapping[str, object],
        parameters: Values | None = None,
        *,
        tz_offset: int = 0,
        version: str | int | None = None,
        lint: LintMode = "off",
        limit: int | None = None,
        cursor: str | None = None,
        timeout: float | None = None,
    ) -> Result:
        """Ask in BTQL or SQL, or in the JSON form of BTQL. The answer is computed while it is read.

        ``parameters`` are values for ``?`` or ``$1``, in a list, or for ``:name``, in a dictionary; nothing in them is
        read as a part of the query.

        ``tz_offset`` moves the boundaries of days, hours and the like: minutes to add to local time
        to get UTC, as JavaScript counts. ``version`` reads experiments, datasets, prompts and functions as they
        were right after that transaction. ``lint`` may be ``default``, which tells on the result what may be slow,
        or ``strict``, which refuses such a query. ``limit`` counts where the query has none of its own,
        and ``cursor`` is the one of the page before. ``timeout`` is how many seconds the query may take, reading its
        answer included, the connection's unless told; it ends with :class:`btql.TimeLimit`.
        """
        from btql.arguments import options_of

        if parameters is not None:
            from btql.dbapi.parameters import checked

            parameters = checked(parameters)
        options = options_of(tz_offset=tz_offset, version=version, lint=lint, default_limit=limit, cursor=cursor)
        seconds = self.timeout if timeout is None else timeout
        return self.run(query, parameters, options, None if seconds is None else self.new_stop(seconds))

    def run(
        self, query: str | Mapping[str, object], parameters: Values | None, options: QueryOptions, stop: Stop | None
    ) -> Result:
        """Return the answer to a statement; ``stop``, one of :meth:`new_stop`, ends it."""
        if stop is None and self._database.storage.limits.query_seconds_max < inf:
            stop = self.new_stop(None)
        database = self._database if stop is None else self._database.for_one(stop=stop)
        return database.query(query, options=options, parameters=parameters)

    def run_many(self, query: str, parameters: Sequence[Values], stop: Stop) -> int:
        """Run a statement that writes once for each of several sequences of values; return how many rows it wrote."""
        return self._database.for_one(stop=stop).query_many(query, parameters)

    def new_stop(self, seconds: float | None) -> Stop:
        """Return what ends a statement: after some seconds, counted from now, or when it is told to."""
        from btql.arguments import seconds_of
        from btql.execution.stop import Stop

        seconds = seconds_of(seconds)
        seconds = min(inf if seconds is None else seconds, self._database.storage.limits.query_seconds_max)
        return Stop(seconds if seconds < inf else None)

    def explain(self, text: str, *, analyze: bool = False, format: ExplainFormat = "text") -> str:  # noqa: A002
        """Return how a query is understood and run; with ``analyze`` run it, and say what that took.

        ``format`` is ``text``, ``tree`` for a drawn plan, or ``json``, whose keys are told in ``docs/explain.md``.
        """
        from btql.explain import explain

        return explain(self._database, text, analyze=analyze, form=format)

    def compact(self, progress: Callable[[CompactionProgress], None] | None = None) -> CompactionReport:
        """Turn everything that is pending into parts. Reads and writes go on meanwhile."""
        return self._database.storage.compact(progress=progress)

    def status(self) -> Status:
        """Return what the database holds and how much of it waits for compaction."""
        return self._database.storage.status()

    def delete_object(self, target: str) -> None:
        """Delete an object such as ``project_logs:demo`` with all it holds: no query sees it any more.

        Its bytes go from the files within a time; :meth:`purge` removes them at once.
        """
        self._database.storage.retention.delete_object(self._object(target))

    def purge(self, target: str, texts: Sequence[str] = ()) -> PurgeReport:
        """Remove what was deleted from an object, or all of it where it was deleted, from every file, and prove it.

        ``texts`` are looked for in all files afterwards; ``report.proof.holds`` tells whether nothing was found.
        """
        retention = self.retention
        return retention.purge(retention.find(*split_object(target)), texts)

    @property
    def retention(self) -> Retention:
        """Policies for how long objects are kept, and which deletes may still be in files."""
        return self._database.storage.retention

    def objects(self) -> list[str]:
        """Return the objects as ``kind:name``."""
        return [f"{each.kind}:{each.name}" for each in self._database.storage.objects()]

    def paths(self, target: str) -> list[tuple[str, ...]]:
        """Return every field and path that rows of an object have."""
        from btql.execution.fields import SnapshotFields
        from btql_planner.names import field_paths

        with self._database.storage.snapshot(self._object(target)) as snapshot:
            return field_paths(SnapshotFields(snapshot))

    def tables(self) -> list[Table]:
        """Return the objects as tables with columns, for tools that ask what there is."""
        from btql.execution.directory import Everything
        from btql.tables import tables

        return tables(Everything(self._database.storage))

    def _object(self, target: str) -> ObjectInfo:
        return self._database.storage.object(*split_object(target))

    def close(self) -> None:
        """Let go of the database. Nothing is pending: writes were durable when they returned."""
        self.closed = True
        self._database.storage.close()


def split_object(target: str) -> tuple[str, str]:
    """Return kind and name of an object written as ``project_logs:demo``."""
    kind, colon, name = target.partition(":")
    if not colon or not name or kind not in KINDS:
        message = f"`{target}` is no object: write kind and name, such as `project_logs:demo`"
        raise ProgrammingError(message)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ProgrammingError(f"{target!a} holds half of a surrogate pair, which is not a character") from None
    return kind, name
