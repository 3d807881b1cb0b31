"""The simple protocol: a Query with one statement or several, which see one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_server.pgwire import messages
from btql_server.pgwire.portals import Portal, Prepared
from btql_server.pgwire.scanning import NOTHING, split
from btql_server.pgwire.statements import understood

if TYPE_CHECKING:
    from btql_server.pgwire.answering import Answering
    from btql_server.pgwire.scanning import Piece
    from btql_server.pgwire.session import Session


class Simple:
    """Answers the Query messages of one session."""

    def __init__(self, session: Session, answering: Answering) -> None:
        self._session = session
        self._answering = answering

    async def query(self, text: str) -> None:
        """Answer a Query."""
        session = self._session
        await session.drop_unnamed()
        session.asked = NOTHING
        pieces = await session.look(split, text)
        if not pieces:
            session.wire.send(messages.EMPTY_QUERY)
        several = len(pieces) > 1
        if several:
            session.transaction.begin_together(read_only=session.variables.reads_by_default)
        try:
            for piece in pieces:
                await self._run(piece)
        except Exception:
            self._tell_what_stays(several=several)
            raise
        finally:
            if several:
                session.transaction.end_together()
            if not session.transaction.is_open:
                await session.close_portals()
        session.ready()

    def _tell_what_stays(self, *, several: bool) -> None:
        session = self._session
        if several and session.transaction.writes and not session.transaction.is_open:
            session.warn(
                f"{session.transaction.writes} statements before the error have written, and that was not undone"
            )

    async def _run(self, piece: Piece) -> None:
        """Answer one statement of a Query."""
        session = self._session
        statement = understood(piece)
        session.asked = piece
        session.check_failed(statement)
        portal = Portal("", Prepared(statement))
        match statement.kind:
            case "rows" | "fetch":
                await self._answering.begin(portal)
                try:
                    session.wire.send(portal.description())
                    await self._answering.hand_out(portal, None)
                finally:
                    if statement.kind == "rows":
                        await self._answering.close(portal)
            case _:
                await session.execute_other(portal)
