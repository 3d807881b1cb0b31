"""How statements are run and their rows handed out: on threads, in pieces, no faster than the client reads."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from btql_planner.types import NUMERIC, Kind
from btql_server.pgwire import messages, requests
from btql_server.pgwire.answers import Opened, Question, fixed, known_answer, open_answer, text_rows, write
from btql_server.pgwire.cursors import fetch_of, inner_of
from btql_server.pgwire.decoder import decode_parameter
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.known_settings import TRANSACTION_READ_ONLY
from btql_server.pgwire.portals import Columns, Portal, Prepared
from btql_server.pgwire.reading_tokens import Reading
from btql_server.pgwire.scanning import is_btql
from btql_server.pgwire.types import NAMED, TEXT, column_type, pg_type, type_named
from btql_server.reading.directory import Visible
from btql_server.reading.running import describe_query

if TYPE_CHECKING:
    from btql.describe import Described
    from btql_planner.types import Type
    from btql_server.pgwire.session import Session
    from btql_server.pgwire.statements import Statement
    from btql_server.pgwire.work import Work

_PLAIN_TAGS = frozenset({"SHOW", "EXPLAIN"})


class Answering:
    """Runs the statements of one session that give rows, or write some."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def describe(self, prepared: Prepared) -> None:
        """Find out what a statement takes and gives, to tell it to the client."""
        statement = prepared.statement
        if prepared.is_described or statement is None:
            return
        if statement.kind in ("session", "copy"):
            prepared.parameters = prepared.given
            if (opened := self._known(statement)) is not None:
                prepared.columns = Columns(opened.names, opened.types)
        elif statement.kind == "fetch":
            prepared.parameters = ()
            cursor = self._session.kept.cursor(fetch_of(statement).name)
            if cursor.opened is not None:
                prepared.columns = Columns(cursor.opened.names, cursor.opened.types)
        elif statement.kind == "rows" and (opened := self._known(statement)) is not None:
            prepared.parameters = prepared.given
            prepared.columns = Columns(opened.names, opened.types)
        elif statement.kind == "rows" and self._is_catalog(statement):
            await self._describe_catalog(prepared, statement)
        else:
            found = await self._described(statement)
            prepared.parameters = _parameters(found, prepared.given)
            if statement.kind == "rows":
                names = [each.name for each in found.outputs]
                prepared.columns = Columns(names, [column_type(each) for each in found.outputs])
        prepared.is_described = True

    def _is_catalog(self, statement: Statement) -> bool:
        return not statement.piece.is_btql and self._session.catalog.answers(statement.text)

    async def _describe_catalog(self, prepared: Prepared, statement: Statement) -> None:
        session = self._session
        asked = session.catalog_session(lambda name, value: None)  # noqa: ARG005  nothing is run
        async with session.working("DESCRIBE") as work:
            visible = Visible(work.asker)
            describe = session.catalog.describe
            run = partial(describe, statement.text, visible, asked, types=prepared.given, stop=work.stop)
            found = await session.state.pools["small"].run(run)
        prepared.parameters = tuple(each.oid for each in found.parameters)
        prepared.columns = Columns(list(found.schema.names), found.types)

    async def _described(self, statement: Statement) -> Described:
        session = self._session
        text, shift = statement.text, 0
        if statement.kind == "declare":
            text, shift = inner_of(statement)
        session.offset = statement.piece.offset + shift
        options = session.variables.options()
        async with session.working("DESCRIBE") as work:
            return await session.state.pools["query"].run(
                lambda: describe_query(
                    work.asker, text, work.stop, options=options, pinned=session.transaction.pinned()
                )
            )

    async def values(self, prepared: Prepared, asked: requests.Bind) -> Sequence[object]:
        """Return the values of parameters; types that the client leaves open are found out."""
        given = asked.values
        types = prepared.parameters
        if types is None and len(prepared.given) >= len(given) and 0 not in prepared.given[: len(given)]:
            types = prepared.given
        if types is None:
            if not given:
                return ()
            # Of its columns nothing is promised by that.
            asked_for = Prepared(prepared.statement, prepared.given)
            await self.describe(asked_for)
            types = prepared.parameters = asked_for.parameters or ()
        if prepared.parameters is not None and len(given) != len(types):
            message = (
                f'bind message supplies {len(given)} parameters, but prepared statement "{asked.statement[:80]}" '
                f"requires {len(types)}"
            )
            raise Failure("08P01", message)
        formats = asked.formats or (0,)
        return [
            None if data is None else decode_parameter(type_, formats[min(place, len(formats) - 1)], data, place + 1)
            for place, (data, type_) in enumerate(zip(given, types, strict=False))
        ]

    async def begin(self, portal: Portal) -> None:
        """Run the statement of a portal; its rows are there to be handed out."""
        session = self._session
        statement = portal.prepared.statement
        assert statement is not None
        if statement.kind == "fetch":
            self._fetch(portal, statement)
            return
        known = self._known(statement)
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

    async def _open(self, text: str, values: Sequence[object], work: Work) -> Opened:
        session = self._session
        question = self._question(text, values, work)
        if not values and (known := known_answer(question())) is not None:
            return known
        if not is_btql(text) and session.catalog.answers(text):
            return await self._of_catalog(text, values, work)
        return await session.state.pools["query"].run(lambda: open_answer(question(session.transaction.pinned())))

    async def _of_catalog(self, text: str, values: Sequence[object], work: Work) -> Opened:
        """Answer a statement about tables, types and the session itself."""
        session = self._session
        changed: list[tuple[str, str]] = []
        asked = session.catalog_session(lambda name, value: changed.append((name, value)))
        visible = Visible(work.asker)
        run = partial(session.catalog.run, text, visible, asked, parameters=values, stop=work.stop)
        answer = await session.state.pools["small"].run(run)
        for name, value in changed:
            # By set_config(), whose answer it is, too.
            session.set(name, value)
        return fixed(answer.table, answer.types)

    def _question(self, text: str, values: Sequence[object], work: Work) -> partial[Question]:
        options = self._session.variables.options()
        return partial(Question, text, work.asker, work.stop, options, values)

    def _fetch(self, portal: Portal, statement: Statement) -> None:
        asked = fetch_of(statement)
        cursor = self._session.kept.cursor(asked.name)
        if cursor.opened is None:
            raise Failure("34000", f'cursor "{asked.name[:80]}" does not exist')
        portal.opened, portal.rows = cursor.opened, asked.rows
        if not portal.formats:
            portal.formats = cursor.formats

    def _known(self, statement: Statement) -> Opened | None:
        """Return the answer to a statement that the session knows by itself."""
        if statement.verb == "SHOW":
            return self._show(statement)
        if statement.verb == "SELECT" and "advisory" in statement.text:
            words = [each.upper for each in statement.tokens]
            if words[1] == "PG_ADVISORY_UNLOCK_ALL" and len(words) == 4:
                # There are no locks. This is what connection pools send before a connection is used again.
                return text_rows(["pg_advisory_unlock_all"], [[""]])
        return None

    def _show(self, statement: Statement) -> Opened:
        reading = Reading(statement.tokens, len(statement.text))
        reading.expect("SHOW")
        variables = self._session.variables
        if reading.take("ALL"):
            reading.end()
            return text_rows(["name", "setting", "description"], variables.all(), "SHOW")
        if reading.take("TRANSACTION", "ISOLATION", "LEVEL"):
            name = "transaction_isolation"
        elif reading.take("TIME", "ZONE"):
            name = "timezone"
        elif reading.take("SESSION", "AUTHORIZATION"):
            name = "session_authorization"
        else:
            name = reading.dotted().lower()
        reading.end()
        return text_rows([variables.spelled(name)], [[variables.get(name)]], "SHOW")

    async def hand_out(self, portal: Portal, rows: int | None) -> None:
        """Send the rows of a portal, at most ``rows`` of them, and say how it stands then."""
        session, opened = self._session, portal.opened
        assert opened is not None
        statement = portal.prepared.statement
        is_fetch = statement is not None and statement.kind == "fetch"
        async with session.working("FETCH" if is_fetch else _verb(statement, opened), opened) as work:
            opened.resume()
            try:
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
                piece = await session.state.pools["bulk"].run(opened.piece, encoder.parts, room)
            waited = time.monotonic()
            for part in piece.parts:
                await session.wire.stream(part)
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
            # A reader may take any time, and a key that is revoked meanwhile is good for nothing more.
            await session.principal()

    async def write(self, portal: Portal) -> None:
        """Run a statement that writes."""
        session = self._session
        statement = portal.prepared.statement
        assert statement is not None
        self.check_writable(statement.verb)
        async with session.working(statement.verb) as work:
            question = self._question(statement.text, portal.values, work)
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


def _parameters(found: Described, given: tuple[int, ...]) -> tuple[int, ...]:
    """Return the types of parameters: those that the client has given, or those that fit where they stand."""
    types: list[int] = []
    for place, each in enumerate(found.parameters):
        asked = given[place] if place < len(given) else 0
        cast = None if each.type_name is None else type_named(each.type_name)
        types.append(asked or (_type_of(each.kinds) if cast is None else cast.oid))
    return tuple(types)


def _type_of(kinds: Type) -> int:
    if len(kinds) == 1:
        return pg_type(next(iter(kinds))).oid
    if kinds and kinds <= NUMERIC:
        return NAMED["numeric" if Kind.BIG in kinds and len(kinds) == 1 else "float8"].oid
    return TEXT.oid
