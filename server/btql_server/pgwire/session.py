"""A session: messages in, answers out, one after the other.

The simple protocol is a Query with one statement or several; the extended one prepares (Parse), gives values (Bind),
asks for columns (Describe) and rows (Execute), and ends with Sync. An error in the extended protocol skips everything
up to the Sync; then ReadyForQuery says how the transaction stands.

What is asked for runs on threads, through the functions that all doors use (:mod:`btql_server.reading.running`); this
thread only moves bytes. While a statement runs nothing else of its session is read, but a client that goes away, a
CancelRequest, and the end of the server stop it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from btql.errors import Cancelled
from btql_server.access.asker import Asker
from btql_server.access.recorder import record_statement
from btql_server.pgwire import messages, requests
from btql_server.pgwire.answering import Answering
from btql_server.pgwire.catalog.session_values import OfSession
from btql_server.pgwire.catalog.session_values import Session as CatalogSession
from btql_server.pgwire.commands import Commands
from btql_server.pgwire.copying import Copying
from btql_server.pgwire.extended import Extended
from btql_server.pgwire.failure import Failure, Revoked, refuse_kind, report_of, state_of
from btql_server.pgwire.messages import Report
from btql_server.pgwire.portals import Kept
from btql_server.pgwire.requests import Violation
from btql_server.pgwire.scanning import NOTHING
from btql_server.pgwire.simple import Simple
from btql_server.pgwire.transaction import Transaction
from btql_server.pgwire.variables import Variables
from btql_server.pgwire.wire import Gone, Wire
from btql_server.pgwire.work import Work, count_request
from btql_server.reading.running import stop_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from btql_planner.options import QueryOptions
    from btql_server.access.model import Principal
    from btql_server.pgwire.answers import Opened
    from btql_server.pgwire.authentication import Admitted
    from btql_server.pgwire.catalog.catalog import Catalog
    from btql_server.pgwire.portals import Portal
    from btql_server.pgwire.statements import Statement
    from btql_server.state import State

T = TypeVar("T")
_LONG_TEXT = 32 << 10
ENDING = Report("FATAL", "57P01", "terminating connection due to administrator command", hint="connect again")


class Session:
    """One session, from its first ReadyForQuery on."""

    def __init__(
        self, state: State, catalog: Catalog, wire: Wire, admitted: Admitted, address: str, number: int
    ) -> None:
        self.state = state
        self.catalog = catalog
        self.wire = wire
        self.address = address
        self.number = number
        self.database = "btql"
        self.user = "btql"
        self.transaction = Transaction(state.storage)
        tell = messages.parameter_status
        self.variables = Variables(lambda name, value: wire.send(tell(name, value)), self.transaction)
        self.kept = Kept()
        self.gone = threading.Event()
        self.work: Work | None = None
        self.asked = NOTHING
        """The statement that runs; its errors say where in the text that the client has sent."""
        self._admitted = admitted
        self._answering = Answering(self)
        self._commands = Commands(self, self._answering)
        self._copying = Copying(self, self._answering)
        self._simple = Simple(self, self._answering)
        self._extended = Extended(self, self._answering)
        self._skipping = False
        self._idle = False
        self._ending = False
        self.task = asyncio.current_task()
        wire.lost, wire.probe = self.gone.set, tell("integer_datetimes", "on")
        wire.hold = state.bodies.held().change

    async def run(self) -> None:
        """Answer messages until the client ends the session."""
        try:
            self.ready()
            while not self._ending:
                self._idle = True
                kind, body = await self.wire.message()
                self._idle = False
                if kind == ord("X"):
                    return
                await self._message(kind, body)
            self.say(ENDING)
        except Violation as error:
            self.say(report_of(error, NOTHING, ""))
        finally:
            self.wire.release()
            await self.close_portals()

    def stop(self) -> None:
        """End the session as soon as no statement runs."""
        self._ending = True
        if self._idle:
            self.say(ENDING)
            self.wire.close()

    def cancel(self) -> None:
        """Stop the statement that runs, if one does."""
        if self.work is not None:
            self.work.stop.cancel()

    def interrupt(self) -> None:
        """Stop what still runs; a client that takes nothing is not waited for."""
        self.gone.set()
        if self._idle:
            self.wire.abort()
        elif self.work is not None:
            self.work.stop.reader.stop(Cancelled())

    def say(self, report: Report) -> None:
        """Send an error or a notice; notices that the client does not want are left out."""
        if report.severity in ("ERROR", "FATAL") or self.variables.tells(report.severity):
            self.wire.send(report.encoded())

    def warn(self, message: str, sqlstate: str = "01000", hint: str | None = None) -> None:
        """Send a warning."""
        self.say(Report("WARNING", sqlstate, message, hint=hint))

    def set(self, name: str, value: str | None, *, local: bool = False) -> None:
        """Change a setting, and say what is to be known about that."""
        note = self.variables.set(name, value, local=local)
        if note is not None:
            self.warn(note)

    def catalog_session(self, change_setting: Callable[[str, str, bool], None] | None = None) -> CatalogSession:
        """Return what functions such as ``current_user`` tell."""
        settings = {name: value for name, value, _ in self.variables.all()}
        address = (self.address, 0)
        return CatalogSession(self.database, self.user, self.number, settings, change_setting, address)

    def options(self) -> QueryOptions:
        """Return the options of queries."""
        return replace(self.variables.options(), session=OfSession(self.catalog_session))

    async def principal(self) -> Principal:
        """Return who asks; a key that was revoked meanwhile is good for nothing more."""
        prefix = self._admitted.prefix
        if prefix is None:
            return self._admitted.principal
        found = await self.state.look_up(self.state.keys.living, prefix)
        if found is None:
            raise Revoked("the key of this session was revoked, or has expired")
        return found

    @asynccontextmanager
    async def working(self, verb: str, opened: Opened | None = None, *, goes_on: bool = False) -> AsyncGenerator[Work]:
        """Run one statement in the block: it can be cancelled, is counted, and what it changed is recorded.

        What ``goes_on`` is counted later, with its rows: when what it ``opened`` is handed out.
        """
        if opened is None or opened.asker is None:
            asker = Asker(self.state, await self.principal(), uuid4().hex, self.gone)
        else:
            asker = opened.asker
        if opened is None:
            await count_request(asker)
        stop = None if opened is None else opened.stop
        work = self.work = Work(verb, asker, stop or stop_of(asker, self.variables.timeout_s()))
        if opened is not None and opened.began is not None:
            work.began, opened.began = opened.began, None
        try:
            try:
                yield work
            finally:
                if asker.changes:
                    await record_statement(asker, "postgres", self.address)
                    asker.changes.clear()
        except BaseException as error:
            work.sqlstate = "08006" if isinstance(error, Gone) else state_of(error)
            work.error = getattr(error, "code", None) or type(error).__name__
            raise
        finally:
            self.work = None
            if not goes_on or work.error is not None:
                work.done(self.state.metrics.pg, self.number, self.state.tracing)

    async def _message(self, kind: int, body: bytes) -> None:
        """Answer one message."""
        if self._skipping and kind != ord("S"):
            return
        try:
            match chr(kind):
                case "Q":
                    await self._simple.query(requests.read_text(body))
                case "S":
                    requests.read_empty(body)
                    await self._sync()
                case "H":
                    self.wire.flush()
                case "d" | "c" | "f":
                    # What was on its way when a COPY failed.
                    pass
                case "F" | "p":
                    refuse_kind(kind)
                case _:
                    await self._extended.message(chr(kind), body)
        except (Gone, Violation):
            raise
        except Exception as error:  # noqa: BLE001  every message gets an answer
            self._refuse(error)
            if kind in b"QF":
                self.ready()
            else:
                # Some clients send their Sync only once they have read the error.
                self.wire.flush()
                self._skipping = True

    def _refuse(self, error: Exception) -> None:
        trace_id = uuid4().hex if self.work is None else self.work.asker.trace_id
        report = report_of(error, self.asked, trace_id)
        self.transaction.fail()
        if isinstance(error, Revoked):
            self.say(Report("FATAL", report.sqlstate, report.message, hint=report.hint))
            raise Gone from None
        if self._ending and self.gone.is_set():
            self.say(ENDING)
            raise Gone from None
        self.say(report)

    def ready(self) -> None:
        """Say that the next statement may come."""
        self.wire.send(messages.ready(self.transaction.status))
        self.wire.flush()

    @staticmethod
    async def look(look: Callable[[str], T], text: str) -> T:
        """Return what is seen at a look at a text, which may be long."""
        # A long text takes a while, which is not spent on the thread of the event loop.
        return await asyncio.to_thread(look, text) if len(text) > _LONG_TEXT else look(text)

    async def execute_other(self, portal: Portal) -> None:
        """Run a statement that gives no rows."""
        statement = portal.prepared.statement
        assert statement is not None
        match statement.kind:
            case "write":
                await self._answering.write(portal)
            case "declare":
                await self._commands.declare(portal)
            case "copy":
                await self._copying.run(statement)
            case _ if statement.verb == "MOVE":
                await self._answering.move(statement)
            case _:
                async with self.working(statement.verb):
                    tag = await self._commands.run(statement)
                self.wire.send(messages.complete(tag))

    def check_failed(self, statement: Statement) -> None:
        """Refuse a statement in a transaction that failed."""
        if self.transaction.is_failed and not statement.runs_in_failed:
            message = "current transaction is aborted, commands ignored until end of transaction block"
            raise Failure("25P02", message, "end it by ROLLBACK")

    async def _sync(self) -> None:
        self._skipping = False
        if not self.transaction.is_open:
            await self.close_portals()
        self.ready()

    async def drop_unnamed(self) -> None:
        """Forget the statement and the portal without a name."""
        self.kept.drop("")
        await self.close_portal("")

    async def close_portal(self, name: str) -> None:
        """Close a portal, if there is one of this name."""
        portal = self.kept.portals.pop(name, None)
        if portal is not None:
            await self._answering.close(portal)

    async def close_portals(self, *, held: bool = False) -> None:
        """Close the portals that end with their transaction; with ``held`` all of them."""
        ended = self.wire.is_lost or self._ending
        for name in [name for name, each in self.kept.portals.items() if held or ended or not each.hold]:
            await self.close_portal(name)
