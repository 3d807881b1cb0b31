"""How statements are run and their rows handed out: on threads, in pieces, no faster than the client reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from btql_server.pgwire import messages
from btql_server.pgwire.answers import Opened, Question, fixed, known_answer, open_answer, write
from btql_server.pgwire.conforming import conforming
from btql_server.pgwire.cursors import fetch_of
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.known_answers import known_by
from btql_server.pgwire.known_settings import TRANSACTION_READ_ONLY
from btql_server.pgwire.portals import Portal
from btql_server.pgwire.scanning import is_btql
from btql_server.reading.directory import Visible

if TYPE_CHECKING:
    from btql_server.pgwire.session import Session
    from btql_server.pgwire.statements import Statement
    from btql_server.pgwire.work import Work

P = ParamSpec("P")
T = TypeVar("T")
_PLAIN_TAGS = frozenset({"SHOW", "EXPLAIN"})


class Answering:
    """Runs the statements of one session that give rows, or write some."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def begin(self, portal: Portal) -> None:
        """Run the statement of a portal; its rows are there to be handed out."""
        session = self._session
        statement = portal.prepared.statement
        assert statement is not None
        if statement.kind == "fetch":
            await self._fetch(portal, statement)
            return
        known = known_by(session, statement)
        if known is not None:
            portal.opened = known
            return
        async with session.working(statement.verb, goes_on=True) as work:
            portal.opened = await self._open(statement.text, portal.values, work)
            portal.opened.began = work.began
        for warning in portal.opened.warnings:
            session.warn(warning)

    async def open_inner(self, text: str, values: Sequence[object], work: Work) -> Opened:
        """Run a query that stands inside of another statement."""
        return await self._open(text, values, work)

    async def on_thread(self, opened: Opened, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call what computes rows of an answer on a thread for exports."""
        pool = self._session.state.pools["bulk"]
        return await (pool.go_on if opened.has_begun else pool.run)(function, *args, **kwargs)

    async def _open(self, text: str, values: Sequence[object], work: Work) -> Opened:
        session = self._session
        question = await self._question(text, values, work)
        if not values and (known := known_answer(question())) is not None:
            return known
        if not is_btql(text) and await session.look(session.catalog.answers, text):
            return await self._of_catalog(text, values, work)
        return await session.state.pools["query"].run(lambda: open_answer(question(session.transaction.pinned())))

    async def _of_catalog(self, text: str, values: Sequence[object], work: Work) -> Opened:
        """Answer a statement about tables, types and the session itself."""
        session = self._session
        changed: list[tuple[str, str, bool]] = []
        asked = session.catalog_session(lambda name, value, local: changed.append((name, value, local)))
        visible = Visible(work.asker)
        run = partial(session.catalog.run, text, visible, asked, parameters=values, stop=work.stop)
        answer = await session.state.pools["small"].run(run)
        for name, value, local in changed:
            # By set_config(). What is local ends with the statement, where that stands alone.
            if session.transaction.is_open or not local:
                session.set(name, value, local=local)
        return fixed(answer.table, answer.types)

    async def _question(self, text: str, values: Sequence[object], work: Work) -> partial[Question]:
        session = self._session
        options = session.options()
        return partial(Question, await session.look(conforming, text), work.asker, work.stop, options, values)

    async def move(self, statement: Statement) -> None:
        """Run a MOVE: leave out rows of a cursor."""
        session = self._session
        asked = fetch_of(statement)
        _, opened = await self._cursor(asked.name)
        async with session.working("MOVE", opened):
            opened.resume()
            try:
                await self._skip(opened, asked.skipped)
                count = await self._skip(opened, asked.rows)
            finally:
                opened.pause()
        session.wire.send(messages.complete(f"MOVE {count}"))

    async def _cursor(self, name: str) -> tuple[Portal, Opened]:
        """Return a cursor and its answer; a portal that was only bound begins now."""
        cursor = self._session.kept.cursor(name)
        statement = cursor.prepared.statement
        if cursor.opened is None and statement is not None and statement.kind == "rows":
            await self.begin(cursor)
        if cursor.opened is None:
            raise Failure("34000", f'cursor "{name[:80]}" does not exist')
        return cursor, cursor.opened

    async def _skip(self, opened: Opened, rows: int | None) -> int:
        """Leave out the next rows of an answer, all with None; return how many there were."""
        return 0 if rows == 0 else await self.on_thread(opened, opened.skip, rows)

    async def _fetch(self, portal: Portal, statement: Statement) -> None:
        asked = fetch_of(statement)
        cursor, opened = await self._cursor(asked.name)
        portal.opened, portal.skipped, portal.rows = opened, asked.skipped, asked.rows
        if not portal.formats:
            portal.formats = cursor.formats

    async def hand_out(self, portal: Portal, rows: int | None) -> None:
        """Send the rows of a portal, at most ``rows`` of them, and say how it stands then."""
        session, opened = self._session, portal.opened
        assert opened is not None
        statement = portal.prepared.statement
        is_fetch = statement is not None and statement.kind == "fetch"
        async with session.working("FETCH" if is_fetch else _verb(statement, opened), opened) as work:
            opened.resume()
            try:
                skipped, portal.skipped = portal.skipped, 0
                await self._skip(opened, skipped)
                suspended = await self._send(portal, opened, rows, work)
            finally:
                opened.pause()
        if suspended:
            session.wire.send(messages.PORTAL_SUSPENDED)
            return
        verb = "FETCH" if is_fetch else opened.verb
        if statement is not None and statement.verb == "EXPLAIN":
            verb = "EXPLAIN"
        session.wire.send(messages.complete(verb if verb in _PLAIN_TAGS else f"{verb} {work.rows}"))

    async def _send(self, portal: Portal, opened: Opened, rows: int | None, work: Work) -> bool:
        """Send rows; return whether the client has to ask for more."""
        session = self._session
        encoder = portal.encoder()
        while True:
            # A client that asks for all rows of a FETCH 10 gets 10.
            asked = None if rows is None else rows - work.rows
            room = asked if portal.rows is None else min(portal.rows, portal.rows if asked is None else asked)
            if opened.is_small:
                piece = opened.piece(encoder.parts, room)
            else:
                piece = await self.on_thread(opened, opened.piece, encoder.parts, room)
            waited = time.monotonic()
            for part in piece.parts:
                await session.wire.stream(part, opened.reader)
            if opened.stop is not None:
                # Time that the reader takes does not count.
                opened.stop.add(time.monotonic() - waited)
            work.rows += piece.rows
            if portal.rows is not None:
                portal.rows -= piece.rows
            if piece.done or portal.rows == 0:
                return False
            if rows is not None and work.rows >= rows:
                return True
            opened.reader.asks()
            # A reader may take any time, and a key that is revoked meanwhile is good for nothing more.
            await session.principal()

    async def write(self, portal: Portal) -> None:
        """Run a statement that writes."""
        session = self._session
        statement = portal.prepared.statement
        assert statement is not None
        self.check_writable(statement.verb)
        async with session.working(statement.verb) as work:
            question = await self._question(statement.text, portal.values, work)
            pool = session.state.pools["query"]
            count, warnings = await pool.run(lambda: write(question(session.transaction.pinned())))
            work.rows = count
        self.wrote()
        for warning in warnings:
            session.warn(warning)
        session.wire.send(
            messages.complete(f"INSERT 0 {count}" if statement.verb == "INSERT" else f"{statement.verb} {count}")
        )

    def check_writable(self, verb: str) -> None:
        """Refuse a statement that writes where only reading was asked for."""
        if self._session.variables.get(TRANSACTION_READ_ONLY) == "on":
            raise Failure("25006", f"cannot execute {verb} in a read-only transaction")

    def wrote(self) -> None:
        """Note a write, and say what is to be said about it."""
        session = self._session
        session.transaction.wrote()
        if session.transaction.is_open and session.transaction.writes == 1:
            session.warn(
                "what is written in a transaction is durable at once: ROLLBACK does not undo it",
                hint="write what belongs together in one statement, which is stored as a whole or not at all",
            )

    async def close(self, portal: Portal) -> None:
        """Let go of a portal's answer."""
        opened, portal.opened = portal.opened, None
        if opened is None or (portal.prepared.statement is not None and portal.prepared.statement.kind == "fetch"):
            return
        await self.let_go(opened)

    @staticmethod
    async def let_go(opened: Opened) -> None:
        """Close an answer; one from the engine may have to wait for it, and not on the event loop."""
        if opened.is_small:
            opened.close()
        else:
            await asyncio.to_thread(opened.close)


def _verb(statement: Statement | None, opened: Opened) -> str:
    return opened.verb if statement is None else statement.verb
