"""The extended protocol: Parse prepares, Bind gives values, Describe asks for columns and Execute for rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_server.pgwire import messages, requests
from btql_server.pgwire.describing import Describing
from btql_server.pgwire.failure import Failure
from btql_server.pgwire.portals import Portal, Prepared
from btql_server.pgwire.scanning import NOTHING, split
from btql_server.pgwire.statements import understood

if TYPE_CHECKING:
    from btql_server.pgwire.answering import Answering
    from btql_server.pgwire.session import Session


class Extended:
    """Answers the messages of one session that prepare statements and run what was prepared."""

    def __init__(self, session: Session, answering: Answering) -> None:
        self._session = session
        self._answering = answering
        self._describing = Describing(session)

    async def message(self, kind: str, body: bytes) -> None:
        """Answer one message."""
        match kind:
            case "P":
                await self._parse(requests.read_parse(body))
            case "B":
                await self._bind(requests.read_bind(body))
            case "D":
                await self._describe(requests.read_named(body))
            case "E":
                await self._execute(*requests.read_execute(body))
            case _:
                await self._close(requests.read_named(body))

    async def _parse(self, asked: requests.Parse) -> None:
        session = self._session
        session.asked = NOTHING
        pieces = await session.look(split, asked.text)
        if len(pieces) > 1:
            raise Failure("42601", "cannot insert multiple commands into a prepared statement", at=pieces[1].offset)
        statement = understood(pieces[0]) if pieces else None
        if statement is not None:
            session.check_failed(statement)
        if not asked.name:
            await session.drop_unnamed()
        session.kept.add(asked.name, Prepared(statement, asked.types))
        session.wire.send(messages.PARSE_COMPLETE)

    async def _bind(self, asked: requests.Bind) -> None:
        session = self._session
        prepared = session.kept.statement(asked.statement)
        if prepared.statement is not None:
            session.check_failed(prepared.statement)
            session.asked = prepared.statement.piece
        if not asked.portal:
            await session.close_portal("")
        values = await self._describing.values(prepared, asked)
        size = sum(map(len, filter(None, asked.values)))
        session.kept.add_portal(Portal(asked.portal, prepared, values, asked.result_formats, size))
        session.wire.send(messages.BIND_COMPLETE)

    async def _describe(self, asked: requests.Named) -> None:
        session = self._session
        if asked.kind == "S":
            prepared = session.kept.statement(asked.name)
            if prepared.statement is not None:
                session.check_failed(prepared.statement)
                session.asked = prepared.statement.piece
            await self._describing.describe(prepared)
            session.wire.send(messages.parameter_description(prepared.parameters or ()))
            columns = prepared.columns
            if columns is None:
                session.wire.send(messages.NO_DATA)
            else:
                formats = [0] * len(columns.names)
                session.wire.send(messages.row_description(columns.names, columns.types, formats))
            return
        portal = session.kept.portal(asked.name)
        statement = portal.prepared.statement
        if portal.opened is None and (statement is None or statement.kind not in ("rows", "fetch")):
            session.wire.send(messages.NO_DATA)
            return
        if portal.opened is None:
            assert statement is not None
            session.check_failed(statement)
            session.asked = statement.piece
            await self._answering.begin(portal)
        session.wire.send(portal.description())

    async def _execute(self, name: str, rows: int) -> None:
        session = self._session
        portal = session.kept.portal(name)
        statement = portal.prepared.statement
        if statement is None:
            session.wire.send(messages.EMPTY_QUERY)
            return
        session.check_failed(statement)
        session.asked = statement.piece
        if statement.kind in ("rows", "fetch") or portal.is_cursor:
            if portal.opened is None:
                await self._answering.begin(portal)
            await self._answering.hand_out(portal, rows or None)
            return
        if portal.done:
            raise Failure("55000", f'portal "{name[:80]}" cannot be run')
        portal.done = True
        await session.execute_other(portal)

    async def _close(self, asked: requests.Named) -> None:
        session = self._session
        if asked.kind == "S":
            session.kept.drop(asked.name)
        else:
            await session.close_portal(asked.name)
        session.wire.send(messages.CLOSE_COMPLETE)
