"""Rows of an upload, stored as events: by ``CommandStatementIngest``, or by the path of a table.

They are checked and stored as those of HTTP are (:mod:`btql_server.writing`). Up to 65,536 rows of up to 64 MiB of
JSON are one transaction: all of them are stored, or none. A longer upload is several transactions, each stored once
its rows have come; should a later one fail, the error says how many rows are there already.

Where an upload replaces what is there, the rows of before are deleted in its first transaction, as far as they fit
into it. A table is made with its first rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from btql_grammar import tree
from btql_grammar.sources import KINDS
from btql_grammar.span import Source, Span
from btql_server.flight.documents import Documents
from btql_server.flight.metadata import CATALOG
from btql_server.flight.refusals import FlightRefusal
from btql_server.http.errors import HttpError, invalid
from btql_server.reading.directory import Visible
from btql_server.writing.comments import with_author
from btql_server.writing.rows import read_row
from btql_server.writing.store import ADDRESS_KEYS, Writes, beyond_limit
from btql_storage.errors import BadEvent, LimitExceeded, StorageError
from btql_storage.ingest.accept import EVENTS_MAX, accept
from btql_storage.ingest.envelope import Read
from btql_storage.limits import Limits

if TYPE_CHECKING:
    from btql_server.flight.callers import FlightCall
    from btql_server.flight.messages import CommandStatementIngest
    from btql_server.flight.statements import Statements
    from btql_storage.catalog import ObjectInfo

DEFAULT_KIND = "project_logs"
"""The schema of a table that is named without one."""
BYTES_MAX = 64 << 20
_CREATE, _FAIL_IF_MISSING = 1, 2
_FAIL_IF_THERE, _APPEND, _REPLACE = 1, 2, 3
_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class IngestSpec:
    """Where the rows of an upload go, and what becomes of what is there."""

    kind: str
    name: str
    create: bool
    """Make the table where it is missing."""
    must_be_new: bool = False
    replace: bool = False


def spec_of(command: CommandStatementIngest) -> IngestSpec:
    """Return what a command asks for."""
    if command.temporary:
        raise FlightRefusal("UNIMPLEMENTED", "there are no temporary tables here", "leave `temporary` out")
    if command.transaction_id:
        raise FlightRefusal("UNIMPLEMENTED", "there are no transactions of several statements here", "use autocommit")
    if command.catalog not in (None, "", CATALOG):
        raise FlightRefusal("INVALID_ARGUMENT", f"there is one catalog only, `{CATALOG}`", "leave the catalog out")
    kind = command.schema or DEFAULT_KIND
    if kind not in KINDS:
        message = (
            f"`{kind}` is no schema: write {', '.join(f'`{each}`' for each in KINDS[:3])} or another kind of object"
        )
        raise FlightRefusal("INVALID_ARGUMENT", message)
    if not command.table:
        raise FlightRefusal("INVALID_ARGUMENT", "the upload names no table")
    options = command.table_definition_options
    if options.if_not_exist not in (_CREATE, _FAIL_IF_MISSING) or options.if_exists not in (
        _FAIL_IF_THERE,
        _APPEND,
        _REPLACE,
    ):
        message = "the upload does not say what to do where the table is missing, and where it is there"
        raise FlightRefusal("INVALID_ARGUMENT", message, "set both of its table definition options")
    return IngestSpec(
        kind,
        command.table,
        create=options.if_not_exist == _CREATE,
        must_be_new=options.if_exists == _FAIL_IF_THERE,
        replace=options.if_exists == _REPLACE,
    )


class Ingest:
    """One upload."""

    def __init__(self, statements: Statements, call: FlightCall, spec: IngestSpec) -> None:
        self._statements = statements
        self._call = call
        self._asker = call.asker
        self._spec = spec
        self._visible = Visible(call.asker)
        self._stored = 0
        self._target: ObjectInfo | None = None

    def store(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
        """Store all rows; return how many there were."""
        documents = Documents(schema)
        self._target = self._statements.on("small", self._found)
        waiting: list[bytes] = []
        size = 0
        first = True
        for batch in batches:
            for event in documents.of(batch):
                waiting.append(event)
                size += len(event)
                if len(waiting) == EVENTS_MAX or size >= BYTES_MAX:
                    self._store(waiting, first=first)
                    waiting, size, first = [], 0, False
            self._call.rows += batch.num_rows
        if self._call.gone():
            raise FlightRefusal("CANCELLED", f"the upload ended too early: {self._told()}")
        if waiting or first:
            self._store(waiting, first=first)
        return self._stored

    def _found(self) -> ObjectInfo | None:
        """Return the object to write to; None where it is to be made."""
        spec = self._spec
        found = self._visible.target(spec.kind, spec.name, create=False)
        name = f'{spec.kind}."{spec.name}"'
        if found is None and not spec.create:
            raise FlightRefusal("NOT_FOUND", f"there is no table `{name}`", "use the mode `create` or `create_append`")
        if found is not None and spec.must_be_new:
            message = f"there is a table `{name}` already"
            raise FlightRefusal("INVALID_ARGUMENT", message, "use the mode `append`, `create_append` or `replace`")
        return found

    def _store(self, events: list[bytes], *, first: bool) -> None:
        """Store rows in one transaction, if they fit into one."""
        try:
            self._statements.on("write", self._write, events, first=first)
        except (HttpError, StorageError) as error:
            if not self._stored:
                raise
            message = error.message if isinstance(error, HttpError) else str(error)
            status = error.status if isinstance(error, HttpError) else 400
            raise HttpError(status, f"{message}; {self._told()}") from error
        self._stored += len(events)

    def _told(self) -> str:
        return f"{self._stored:,} rows before are stored" if self._stored else "nothing is stored"

    def _write(self, events: list[bytes], *, first: bool) -> None:
        asker, limits = self._asker, self._asker.state.settings.limits
        paths = [("row", self._stored + index) for index in range(len(events))]
        rows = [read_row(event, path, limits) for event, path in zip(events, paths, strict=True)]
        if self._target is None:
            # It does not come into being with rows that cannot be stored.
            _check([*rows], paths, limits)
            self._target = self._visible.target(self._spec.kind, self._spec.name, create=True)
        target = self._target
        assert target is not None, "made where it was missing"
        writes = Writes()
        if first and self._spec.replace:
            writes = self._without_rows(target, EVENTS_MAX - len(events))
        for row, path in zip(rows, paths, strict=True):
            writes.add(target, with_author(row, asker.principal), path, row.change)
        writes.store(asker)
        if first:
            asker.changes.extend(self._visible.changes)

    def _without_rows(self, target: ObjectInfo, room: int) -> Writes:
        """Delete the rows that are there; return the last deletions, as many as there is room for, not yet stored."""
        asker, writes, count = self._asker, Writes(), 0
        database = asker.state.database.for_one(directory=Visible(asker))
        items = (tree.Item(tree.Identifier(("id",), span=_NOWHERE), "id"),)
        source = tree.From(self._spec.kind, (self._spec.name,), span=_NOWHERE)
        query = tree.Query(select=items, source=source, span=_NOWHERE, language="btql")
        ids = [str(row["id"]) for row in database.run(Source(""), query).rows()]
        for left, number in zip(reversed(range(len(ids))), ids, strict=True):
            writes.add(target, msgspec.json.encode({"id": number, "_object_delete": True}), ("row", number))
            count += 1
            if count == EVENTS_MAX or (left == 0 and count > room):
                writes.store(asker)
                writes, count = Writes(), 0
        return writes


def _check(events: list[Read], paths: list[tuple[str, int]], limits: Limits) -> None:
    """Refuse what the storage refuses."""
    try:
        accept(events, leave_out=ADDRESS_KEYS, limits=limits)
    except LimitExceeded as error:
        raise beyond_limit(error, paths[error.index]) from None
    except BadEvent as error:
        field = () if error.field is None else (error.field,)
        raise invalid(error.reason, [*paths[error.index], *field]) from None
