"""COPY: rows out as text, CSV or in binary, and rows in, which are stored as events.

What comes in is one transaction, all rows or none: it is stored once the client has sent everything. A row becomes a
document, its columns being paths, as with INSERT; it replaces the row that has the same id. Null says nothing: the
field is not in the document.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, cast
from uuid import UUID, uuid4

import msgspec

from btql.errors import QueryError
from btql.tables import columns_of
from btql.write_statements import OURS
from btql_planner import sql_text
from btql_server.pgwire import messages, requests
from btql_server.pgwire.conforming import conforming
from btql_server.pgwire.copy_in import CopyDecoder
from btql_server.pgwire.copy_out import CopyEncoder
from btql_server.pgwire.copy_statement import Copy, read_copy
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.requests import Violation
from btql_server.pgwire.scanning import Piece
from btql_server.pgwire.types import JSONB, NAMED, TEXT, PgType, column_type
from btql_server.reading.directory import Visible
from btql_server.reading.running import describe_query, target_of
from btql_server.writing.comments import with_author
from btql_server.writing.rows import read_row
from btql_server.writing.store import Writes
from btql_storage.fields import NUMBER_FIELDS
from btql_storage.ingest.accept import EVENTS_MAX

if TYPE_CHECKING:
    from btql_server.access.asker import Asker
    from btql_server.pgwire.answering import Answering
    from btql_server.pgwire.answers import Opened
    from btql_server.pgwire.session import Session
    from btql_server.pgwire.statements import Statement
    from btql_server.pgwire.work import Work
    from btql_storage.ingest.envelope import Read

_PIECE_BYTES = 256 << 10
_TYPES = {
    "text": TEXT,
    "text[]": NAMED["_text"],
    "timestamptz": NAMED["timestamptz"],
    "boolean": NAMED["bool"],
    "jsonb": JSONB,
}


class Copying:
    """Runs the COPY statements of one session."""

    def __init__(self, session: Session, answering: Answering) -> None:
        self._session = session
        self._answering = answering

    async def run(self, statement: Statement) -> None:
        """Run a COPY."""
        asked = read_copy(statement)
        if asked.comes_in:
            self._answering.check_writable("COPY FROM")
            rows = await self._take_in(statement, asked)
        else:
            rows = await self._send_out(statement, asked)
        self._session.wire.send(messages.complete(f"COPY {rows}"))

    async def _send_out(self, statement: Statement, asked: Copy) -> int:
        session = self._session
        text, before = asked.query, 0
        if asked.is_table:
            columns = ", ".join(map(_quoted, asked.columns)) or "*"
            # Each name is in quotes; the table is what the client has written, and is read like any other query.
            head = f"SELECT {columns} FROM "  # noqa: S608
            text, before = head + asked.query, len(head)
        # Where a mistake is, is said in terms of what the client has sent.
        session.asked = Piece(text, statement.piece.offset + asked.query_at - before)
        async with session.working("COPY") as work:
            opened = await self._answering.open_inner(text, (), work)
            types = [_type_of(name) for name in opened.names] if asked.is_table else opened.types
            encoder = CopyEncoder(opened.schema, types, asked.form, asked.options)
            session.wire.send(messages.copy_response(b"H", int(asked.form == "binary"), len(opened.names)))
            try:
                whole = await self._begin(asked, opened, encoder, work)
                while not whole:
                    if opened.is_small:
                        piece = opened.piece(encoder.messages, None)
                    else:
                        piece = await self._answering.on_thread(opened, opened.piece, encoder.messages, None)
                    waited = time.monotonic()
                    for part in piece.parts:
                        await session.wire.stream(part, opened.reader)
                    work.stop.add(time.monotonic() - waited)
                    work.rows += piece.rows
                    if piece.done:
                        if end := encoder.end():
                            session.wire.send(messages.copy_data(end))
                        break
                    opened.reader.asks()
                    await session.principal()
            finally:
                await self._answering.let_go(opened)
        session.wire.send(messages.COPY_DONE)
        return work.rows

    async def _begin(self, asked: Copy, opened: Opened, encoder: CopyEncoder, work: Work) -> bool:
        """Send what comes before the rows, and return whether that is all there is.

        In binary it is in one message with the first row, or with the end where there is none, as clients expect.
        """
        header = encoder.header()
        whole = False
        if header and asked.form == "binary":
            first = await self._answering.on_thread(opened, opened.piece, lambda batch: [encoder.encode(batch)], 1)
            work.rows += first.rows
            whole = not first.rows
            header += encoder.end() if whole else b"".join(first.parts)
        if header:
            self._session.wire.send(messages.copy_data(header))
        return whole

    async def _take_in(self, statement: Statement, asked: Copy) -> int:
        session = self._session
        head = "INSERT INTO "
        insert = f"{head}{asked.query} (id) VALUES ('')"
        session.asked = Piece(insert, statement.piece.offset + asked.query_at - len(head))
        async with session.working("COPY") as work:
            pool = session.state.pools["write"]
            insert = conforming(insert)
            constants = await pool.run(_constants, work.asker, insert)
            columns = asked.columns or tuple(each.name for each in columns_of(constants))
            told = await self._told(asked, columns, work) if asked.form == "binary" else None
            incoming = _Incoming(asked, columns, work.asker, insert, told)
            session.wire.send(messages.copy_response(b"G", int(asked.form == "binary"), len(columns)))
            session.wire.flush()
            await self._receive(incoming, work)
            await pool.run(incoming.store)
            work.rows = incoming.rows
        self._answering.wrote()
        return work.rows

    async def _told(self, asked: Copy, columns: Sequence[str], work: Work) -> Sequence[PgType] | None:
        """Return the types that a query for the columns is described with; None where the table is not there yet."""
        session = self._session
        text = conforming(f"SELECT {', '.join(map(_quoted, columns))} FROM {asked.query}")  # noqa: S608
        try:
            found = await session.state.pools["query"].run(
                lambda: describe_query(work.asker, text, work.stop, pinned=session.transaction.pinned())
            )
        except QueryError:
            return None
        return [column_type(each) for each in found.outputs]

    async def _receive(self, incoming: _Incoming, work: Work) -> None:
        """Take what the client sends until it says that this was all."""
        session = self._session
        pool = session.state.pools["write"]
        waiting: list[bytes] = []
        size = 0
        while True:
            waited = time.monotonic()
            kind, body = await session.wire.message()
            work.stop.add(time.monotonic() - waited)
            work.stop.check()
            match chr(kind):
                case "d":
                    waiting.append(body)
                    size += len(body)
                    if size >= _PIECE_BYTES:
                        await pool.run(incoming.feed, b"".join(waiting))
                        waiting.clear()
                        size = 0
                case "c":
                    await pool.run(incoming.end, b"".join(waiting))
                    return
                case "f":
                    raise Failure("57014", f"COPY from stdin failed: {requests.read_text(body)[:200]}")
                case "H" | "S":
                    # A Sync that was sent too early is answered when it comes again.
                    pass
                case _:
                    raise Violation(f"unexpected message type {chr(kind)} during COPY from stdin")


class _Incoming:
    """The rows that come in, as events that wait to be stored together."""

    def __init__(
        self, asked: Copy, columns: Sequence[str], asker: Asker, insert: str, told: Sequence[PgType] | None
    ) -> None:
        for name in asked.columns:
            if name in OURS:
                raise Failure("42601", f"`{name}` cannot be written here: the database gives it", "leave it out")
        self._asker = asker
        self._insert = insert
        self._paths = [None if name in OURS else tuple(name.split(".")) for name in columns]
        self._decoder = CopyDecoder(columns, [_type_of(name) for name in columns], asked.form, asked.options, told)
        self._events: list[Read] = []
        self._limits = asker.state.settings.limits
        self._received = 0
        self.rows = 0

    def feed(self, data: bytes) -> None:
        """Take some bytes."""
        self._received += len(data)
        if self._received > self._limits.request_bytes_max:
            most = self._limits.request_bytes_max
            raise Failure("54000", f"a COPY takes at most {most:,} bytes, as it is one transaction", "send several")
        self._add(self._decoder.feed(data))

    def end(self, data: bytes) -> None:
        """Take the last bytes."""
        self.feed(data)
        self._add(self._decoder.end())

    def store(self) -> None:
        """Store all rows; an object that is not there yet is made only now."""
        if not self._events:
            return
        target = target_of(self._asker, self._insert, create=True)
        assert target is not None
        writes = Writes()
        for number, event in enumerate(self._events, 1):
            writes.add(target, event, ("row", number))
        writes.store(self._asker)

    def _add(self, rows: Sequence[Sequence[object]]) -> None:
        for row in rows:
            self.rows += 1
            if self.rows > EVENTS_MAX:
                message = f"a COPY takes at most {EVENTS_MAX:,} rows, as it is one transaction"
                raise Failure("54000", message, "send them in several COPY statements")
            event = read_row(_encode(self._document(row)), ("row", self.rows), self._limits)
            self._events.append(with_author(event, self._asker.principal))

    def _document(self, row: Sequence[object]) -> Mapping[str, object]:
        document: dict[str, object] = {}
        for path, value in zip(self._paths, row, strict=True):
            if path is None or value is None:
                continue
            place = document
            for key in path[:-1]:
                below = place.get(key)
                if not isinstance(below, dict):
                    below = place[key] = {}
                place = cast("dict[str, object]", below)
            place[path[-1]] = value
        document.setdefault("id", str(uuid4()))
        return document


def _constants(asker: Asker, insert: str) -> Sequence[str]:
    """Return the fields that all rows of an object have in common; forbidden where it may not be written."""
    target = target_of(asker, insert, create=False)
    return () if target is None else tuple(Visible(asker).constants(target))


def _type_of(name: str) -> PgType:
    """Return the type of a column that comes in: of a field, or of what is in one."""
    field, dot, _ = name.partition(".")
    if dot:
        return NAMED["float8"] if field in NUMBER_FIELDS else TEXT
    known = {each.name: _TYPES[each.type] for each in columns_of()}
    return known.get(name, TEXT if name in OURS else JSONB)


def _quoted(path: str) -> str:
    return ".".join(map(sql_text.name, path.split(".")))


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
        case date() | UUID():
            return str(value)
        case Decimal():
            return float(value)
        case _:
            raise TypeError(type(value).__name__)


_encode = msgspec.json.Encoder(enc_hook=_plain).encode
