"""Statements about the session itself: transactions, settings, cursors, and what drivers send before they go on.

What other databases have and this one has not is refused, with what to do instead. What changes nothing here, and
whose absence nobody could notice, is answered as if it were done (``UNLISTEN *``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_server.pgwire import messages
from btql_server.pgwire.catalog.bases import quoted
from btql_server.pgwire.cursors import declared
from btql_server.pgwire.failure import Failure, unsupported
from btql_server.pgwire.portals import Portal, Prepared
from btql_server.pgwire.reading_tokens import Reading
from btql_server.pgwire.scanning import Piece
from btql_server.pgwire.statements import Statement, understood

if TYPE_CHECKING:
    from btql_server.pgwire.answering import Answering
    from btql_server.pgwire.session import Session

_NOT_HERE = {
    "LISTEN": ("there are no notifications", "ask again with a filter on `_xact_id` for what is new"),
    "NOTIFY": ("there are no notifications", "write a row"),
    "LOCK": ("there are no locks", "readers see one moment, and each statement that writes is one transaction"),
    "CHECKPOINT": ("there are no checkpoints", "what was acknowledged is durable"),
    "VACUUM": ("there is no VACUUM", "the server compacts by itself; `btql compact` does it at once"),
    "ANALYZE": ("there is no ANALYZE", "statistics are made when rows are compacted"),
    "ANALYSE": ("there is no ANALYZE", "statistics are made when rows are compacted"),
    "PREPARE": ("there is no PREPARE statement", "drivers prepare by the protocol: send the statement with parameters"),
    "EXECUTE": ("there is no EXECUTE statement", "drivers prepare by the protocol: send the statement with parameters"),
}


class Commands:
    """Runs the statements of one session that are about the session."""

    def __init__(self, session: Session, answering: Answering) -> None:
        self._session = session
        self._answering = answering

    async def run(self, statement: Statement) -> str:
        """Run a statement; return the tag of its answer."""
        if statement.verb in _NOT_HERE:
            message, hint = _NOT_HERE[statement.verb]
            raise unsupported(message, hint, at=0)
        reading = Reading(statement.tokens, len(statement.text))
        verb = reading.next().upper
        match verb:
            case "BEGIN" | "START":
                self._begin(reading, verb)
            case "COMMIT" | "END":
                return await self._end(reading, commit=True)
            case "ROLLBACK" | "ABORT":
                return await self._end(reading, commit=False)
            case "SAVEPOINT" | "RELEASE":
                self._savepoint(reading, verb)
            case "SET":
                self._set(reading)
            case "RESET":
                self._reset(reading)
            case _:
                return await self._forget(reading, verb, statement.tag)
        return statement.tag

    async def declare(self, portal: Portal) -> None:
        """Run a DECLARE: its query begins, and FETCH hands it out."""
        session, statement = self._session, portal.prepared.statement
        assert statement is not None
        asked = declared(statement)
        if not session.transaction.is_open and not asked.hold:
            raise Failure(
                "25P01", "DECLARE CURSOR can only be used in transaction blocks", "write BEGIN before, or WITH HOLD"
            )
        inner = understood(Piece(statement.text[asked.query_at :], statement.piece.offset + asked.query_at))
        if inner.kind != "rows":
            raise Failure("42601", "a cursor is declared for a query", at=asked.query_at)
        formats = (1,) if asked.binary else ()
        cursor = Portal(asked.name, Prepared(inner), portal.values, formats, portal.value_bytes)
        cursor.is_cursor, cursor.hold = True, asked.hold
        # First, as there may be one of that name already.
        session.kept.add_portal(cursor)
        session.asked = inner.piece
        try:
            await self._answering.begin(cursor)
        except BaseException:
            session.kept.portals.pop(asked.name, None)
            raise
        session.wire.send(messages.complete("DECLARE CURSOR"))

    def _begin(self, reading: Reading, verb: str) -> None:
        transaction = self._session.transaction
        reading.take_any("WORK", "TRANSACTION") if verb == "BEGIN" else reading.expect("TRANSACTION")
        read_only = self._modes(reading)
        if transaction.is_open:
            self._session.warn("there is already a transaction in progress", "25001")
            return
        variables = self._session.variables
        transaction.begin(read_only=variables.reads_by_default if read_only is None else read_only)
        variables.begin()

    def _modes(self, reading: Reading) -> bool | None:
        """Read the modes of a transaction; return whether it only reads, if they say that."""
        read_only = None
        while not reading.is_done:
            if reading.take("READ", "ONLY") or reading.take("READ", "WRITE"):
                read_only = reading.before.upper == "ONLY"
            elif reading.take("ISOLATION", "LEVEL"):
                if (
                    reading.take_any("SERIALIZABLE") is None
                    and not reading.take("REPEATABLE", "READ")
                    and not reading.take("READ", "COMMITTED")
                    and not reading.take("READ", "UNCOMMITTED")
                ):
                    raise reading.wrong()
            elif not reading.take("DEFERRABLE") and not reading.take("NOT", "DEFERRABLE"):
                raise reading.wrong()
            reading.take(",")
        return read_only

    async def _end(self, reading: Reading, *, commit: bool) -> str:
        """End the transaction, or go back to a savepoint."""
        session, transaction = self._session, self._session.transaction
        reading.take_any("WORK", "TRANSACTION")
        if reading.take("PREPARED"):
            raise unsupported("there are no prepared transactions")
        if not commit and reading.take("TO"):
            reading.take("SAVEPOINT")
            name = reading.name()
            reading.end()
            session.variables.back_to(transaction.back_to(name))
            return "ROLLBACK"
        chain = reading.take("AND", "CHAIN")
        if not chain:
            reading.take("AND", "NO", "CHAIN")
        reading.end()
        failed, read_only = transaction.is_failed, transaction.read_only
        if not transaction.is_open:
            if chain:
                raise Failure("25P01", "COMMIT AND CHAIN can only be used in transaction blocks")
            session.warn("there is no transaction in progress", "25P01")
            return "COMMIT" if commit else "ROLLBACK"
        if transaction.writes and (failed or not commit):
            count = transaction.writes
            written = (
                "a statement of this transaction has" if count == 1 else f"{count} statements of this transaction have"
            )
            session.warn(f"{written} written, and that is not undone")
        transaction.end()
        session.variables.end(failed=failed or not commit)
        await session.close_portals()
        if chain:
            transaction.begin(read_only=bool(read_only))
            session.variables.begin()
        return "COMMIT" if commit and not failed else "ROLLBACK"

    def _savepoint(self, reading: Reading, verb: str) -> None:
        transaction = self._session.transaction
        if verb == "RELEASE":
            reading.take("SAVEPOINT")
        name = reading.name()
        reading.end()
        if verb == "RELEASE":
            transaction.release(name)
        else:
            transaction.savepoint(name, self._session.variables.kept())

    def _set(self, reading: Reading) -> None:
        """Run a SET."""
        session = self._session
        if reading.take("SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"):
            read_only = self._modes(reading)
            if read_only is not None:
                session.variables.set("default_transaction_read_only", "on" if read_only else "off")
            return
        if reading.take("TRANSACTION"):
            if not session.transaction.is_open:
                session.warn("SET TRANSACTION can only be used in transaction blocks", "25P01")
            read_only = self._modes(reading)
            if read_only is not None:
                session.transaction.set_read_only(read_only)
            return
        if reading.take("CONSTRAINTS"):
            # There are none, so that all of them may be checked whenever somebody likes.
            return
        local = reading.take("LOCAL")
        if not local:
            reading.take("SESSION")
        if reading.take("AUTHORIZATION"):
            if reading.take("DEFAULT"):
                # What connection pools send before somebody else gets the connection.
                reading.end()
                return
            raise Failure("42501", "the session belongs to the owner of its key", "connect with another key")
        name = self._variable(reading)
        value = self._value(reading, in_quotes=name == "search_path")
        if local and not session.transaction.is_open:
            session.warn("SET LOCAL can only be used in transaction blocks", "25P01")
            return
        session.set(name.lower(), value, local=local)

    def _variable(self, reading: Reading) -> str:
        if reading.take("TIME", "ZONE"):
            return "timezone"
        if reading.take("NAMES"):
            return "client_encoding"
        if reading.take("ROLE"):
            return "role"
        name = reading.dotted().lower()
        if not reading.take("TO"):
            reading.expect("=")
        return name

    @staticmethod
    def _value(reading: Reading, *, in_quotes: bool = False) -> str | None:
        """Read a value: a word, a text or a number, or several with commas; None for DEFAULT.

        With ``in_quotes`` they are names, and keep the quotes that they need.
        """
        values: list[str] = []
        while True:
            if reading.take("DEFAULT"):
                reading.end()
                return None
            sign = "-" if reading.take("-") else ""
            token = reading.next()
            if token.upper == "INTERVAL":
                # A time zone, as Sequelize sets it: INTERVAL '+00:00' HOUR TO MINUTE.
                token = reading.next()
                reading.take("HOUR", "TO", "MINUTE")
            if token.kind == "mark":
                raise Failure("42601", f'syntax error at or near "{token.text}"', at=token.start)
            value = sign + (token.text if token.kind == "word" else token.value)
            values.append(quoted(value) if in_quotes and token.kind != "word" else value)
            if not reading.is_done and not reading.take(","):
                # Such as 5 min without its quotes.
                values[-1] += f" {reading.next().value}"
                if not reading.take(","):
                    reading.end()
            if reading.before.text != ",":
                return ", ".join(values)

    def _reset(self, reading: Reading) -> None:
        variables = self._session.variables
        if reading.take("ALL"):
            reading.end()
            variables.reset_all()
            return
        if reading.take("SESSION", "AUTHORIZATION"):
            reading.end()
            return
        name = "timezone" if reading.take("TIME", "ZONE") else reading.dotted().lower()
        reading.end()
        variables.set(name, None)

    async def _forget(self, reading: Reading, verb: str, tag: str) -> str:
        """Run what lets go of something: DISCARD, DEALLOCATE, CLOSE, UNLISTEN."""
        session = self._session
        match verb:
            case "DISCARD":
                what = reading.take_any("ALL", "PLANS", "SEQUENCES", "TEMP", "TEMPORARY")
                if what is None:
                    raise reading.wrong()
                reading.end()
                if what == "ALL":
                    if session.transaction.is_open:
                        raise Failure("25001", "DISCARD ALL cannot run inside a transaction block")
                    await session.close_portals(held=True)
                    session.kept.drop_all()
                    session.variables.reset_all()
                return f"DISCARD {what}"
            case "DEALLOCATE":
                reading.take("PREPARE")
                if reading.take("ALL"):
                    session.kept.drop_all()
                    tag = "DEALLOCATE ALL"
                else:
                    name = reading.name()
                    if not session.kept.drop(name):
                        raise Failure("26000", f'prepared statement "{name[:80]}" does not exist')
            case "CLOSE":
                if reading.take("ALL"):
                    for name in [name for name, each in session.kept.portals.items() if each.is_cursor]:
                        await self._answering.close(session.kept.portals.pop(name))
                    tag = "CLOSE CURSOR ALL"
                else:
                    name = reading.name()
                    session.kept.cursor(name)
                    await self._answering.close(session.kept.portals.pop(name))
            case _:
                if not reading.take("*"):
                    reading.name()
        reading.end()
        return tag
