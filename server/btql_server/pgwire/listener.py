"""The door of the Postgres wire in one worker: accepts connections, and keeps them within bounds.

Each connection has a task. It must begin within a time limit (:mod:`.startup`, :mod:`.authentication`), then it is a
:class:`~btql_server.pgwire.session.Session` until one of the two sides ends it. Workers accept from the same socket.

A worker that stops accepts no more; sessions without a statement that runs are told so and end at once, the others may
finish theirs within the grace, and are then stopped.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

from btql_server.pgwire import messages
from btql_server.pgwire.authentication import Authentication, Refused
from btql_server.pgwire.cancelling import Cancelling
from btql_server.pgwire.catalog.catalog import Catalog
from btql_server.pgwire.failure import report_of
from btql_server.pgwire.messages import Report
from btql_server.pgwire.requests import NEWEST_MINOR, CancelRequest, Startup
from btql_server.pgwire.scanning import NOTHING
from btql_server.pgwire.session import ENDING, Session
from btql_server.pgwire.startup import begin
from btql_server.pgwire.throttle import Throttle
from btql_server.pgwire.tls import load_tls
from btql_server.pgwire.wire import Gone, Wire, keep_alive

if TYPE_CHECKING:
    from btql_server.pgwire.authentication import Admitted
    from btql_server.state import State

log = logging.getLogger("btql.pg")
BEGIN_S = 60.0
"""How long a connection may take to become a session."""
_BREATH_S = 0.2
_LAST_S = 2.0
"""What statements may take to notice that they are to end."""
_STARTUP_OPTIONS = frozenset({"user", "database", "replication", "options"})


class PgListener:
    """Accepts connections of the Postgres wire, for one worker."""

    def __init__(self, state: State, listener: socket.socket, worker: int) -> None:
        settings = state.settings
        self._state = state
        self._listener = listener
        self._tls = None
        if settings.tls_cert is not None and settings.tls_key is not None:
            self._tls = load_tls(settings.tls_cert, settings.tls_key)
        throttle, trust = Throttle(settings.limits.refused_wait_s), settings.insecure_no_auth
        self._authentication = Authentication(state.keys, state.pools["lookup"], throttle, trust=trust)
        self._cancelling = Cancelling(worker)
        storage = state.storage
        self._catalog = Catalog(lambda table: storage.snapshot(storage.object(table.schema, table.id)))
        self._accepting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._sessions: set[Session] = set()

    def start(self) -> None:
        """Begin to accept; for the thread of the event loop."""
        self._listener.setblocking(False)  # noqa: FBT003  its only parameter
        self._cancelling.open()
        self._accepting = asyncio.create_task(self._accept())

    def stop(self) -> None:
        """Accept no more, and end sessions that do nothing."""
        if self._accepting is not None:
            self._accepting.cancel()
        for session in list(self._sessions):
            session.stop()

    def interrupt(self) -> None:
        """Stop what still runs."""
        for session in list(self._sessions):
            session.interrupt()

    async def closed(self) -> None:
        """Wait until all sessions have ended."""
        if self._accepting is not None:
            await asyncio.wait([self._accepting])
        in_session = {session.task for session in self._sessions}
        for task in self._tasks - in_session:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._state.settings.stop_grace_s + _LAST_S)
            # Clients that do not read what they are sent.
            for session in list(self._sessions):
                session.wire.abort()
            for task in self._tasks:
                task.cancel()
        self._cancelling.close()
        await asyncio.to_thread(self._catalog.close)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._listener)
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    log.error("cannot accept a connection", extra={"error": str(error)})  # noqa: TRY400
                await asyncio.sleep(_BREATH_S)
                continue
            connection.setblocking(False)  # noqa: FBT003
            keep_alive(connection)
            task = asyncio.create_task(self._serve(connection, str(address[0])))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: socket.socket, address: str) -> None:
        """Serve one connection to its end."""
        wire: Wire | None = None
        try:
            async with asyncio.timeout(BEGIN_S):
                wire, said = await begin(connection, self._tls)
                if isinstance(said, CancelRequest):
                    self._cancelling.cancel(said.process, said.secret)
                    return
                self._check_room()
                admitted, database = await self._admit(wire, said, address)
            await self._session(wire, said, admitted, database, address)
        except (Gone, ConnectionError):
            pass
        except Exception as error:  # noqa: BLE001  whoever it is learns why
            await self._refuse(error, wire, connection, address)
        finally:
            if wire is not None:
                wire.close()
                if self._state.stopping.is_set():
                    # What the system has not taken by now, the client does not read.
                    wire.abort()
            else:
                connection.close()

    def _check_room(self) -> None:
        most = self._state.settings.limits.pg_connections_max
        if len(self._sessions) >= most or len(self._tasks) >= 2 * most:
            raise Refused(
                Report("FATAL", "53300", f"sorry, too many clients already: a worker has at most {most:,} connections")
            )

    async def _admit(self, wire: Wire, said: Startup, address: str) -> tuple[Admitted, str]:
        """Find out who it is, and which protocol and options both sides know."""
        unknown = [name for name in said.parameters if name.startswith("_pq_.")]
        if said.minor > NEWEST_MINOR or unknown:
            wire.send(messages.negotiate(min(said.minor, NEWEST_MINOR), unknown))
        user = said.parameters.get("user", "")
        if not user:
            raise Refused(Report("FATAL", "28000", "no PostgreSQL user name specified in startup packet"))
        if said.parameters.get("replication", "false").lower() not in ("false", "off", "no", "0"):
            raise Refused(Report("FATAL", "0A000", "there is no replication here"))
        binding = None if self._tls is None else self._tls.binding
        admitted = await self._authentication.admit(wire, user, address, binding)
        return admitted, said.parameters.get("database", "") or user

    async def _session(self, wire: Wire, said: Startup, admitted: Admitted, database: str, address: str) -> None:
        metrics = self._state.metrics.pg
        session: Session | None = None

        def cancel() -> None:
            if session is not None:
                session.cancel()

        number, secret = self._cancelling.register(cancel, long=said.minor >= 2)
        session = Session(self._state, self._catalog, wire, admitted, address, number)
        metrics.opened()
        try:
            session.database, session.user = database, said.parameters["user"]
            self._greet(session, said, number, secret)
            if self._state.stopping.is_set():
                raise Refused(ENDING)
            self._sessions.add(session)
            log.info("a session begins", extra={"session": number, "tls": wire.tls is not None})
            await session.run()
        finally:
            self._sessions.discard(session)
            self._cancelling.forget(number)
            metrics.closed(wire.received_bytes, wire.sent_bytes)
            log.info("a session ended", extra={"session": number, "bytes": wire.sent_bytes})

    @staticmethod
    def _greet(session: Session, said: Startup, number: int, secret: bytes) -> None:
        """Say that the client is let in, how the session is set up, and how it can be cancelled."""
        wire, variables = session.wire, session.variables
        variables.tell("session_authorization", said.parameters["user"])
        variables.tell("ssl", "on" if wire.tls is not None else "off")
        for name, value in {**_options(said.parameters.get("options", "")), **said.parameters}.items():
            if name not in _STARTUP_OPTIONS and not name.startswith("_pq_."):
                variables.start(name, value)
        wire.send(messages.AUTHENTICATED)
        wire.send(*(messages.parameter_status(name, value) for name, value in variables.reported()))
        wire.send(messages.backend_key(number, secret))

    async def _refuse(self, error: Exception, wire: Wire | None, connection: socket.socket, address: str) -> None:
        """Tell a client why it is not let in, and note it."""
        if isinstance(error, Refused):
            report = error.report
        elif isinstance(error, TimeoutError):
            report = Report("FATAL", "57014", "canceling authentication due to timeout")
        else:
            report = replace(report_of(error, NOTHING, uuid4().hex), severity="FATAL")
        self._state.metrics.pg.refused(report.sqlstate)
        log.info("a connection was refused", extra={"sqlstate": report.sqlstate, "client": address})
        with suppress(OSError, Gone):
            if wire is not None:
                wire.send(report.encoded())
                wire.flush()
            else:
                await asyncio.get_running_loop().sock_sendall(connection, report.encoded())


def _options(text: str) -> dict[str, str]:
    """Return the settings of ``options``: ``-c name=value`` and ``--name=value``; a backslash keeps a space."""
    words = [each.replace("\0", " ") for each in text.replace("\\ ", "\0").split()]
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        if word == "-c":
            word = next(rest, "")  # noqa: PLW2901  its value stands in the next word
        elif word.startswith("-c"):
            word = word[2:]  # noqa: PLW2901
        elif word.startswith("--"):
            word = word[2:].replace("-", "_")  # noqa: PLW2901
        else:
            continue
        name, equals, value = word.partition("=")
        if equals:
            found[name] = value
    return found
