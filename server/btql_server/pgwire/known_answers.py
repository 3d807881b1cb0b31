"""Statements that a session answers by itself, without a thread: SHOW, and what connection pools send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_server.pgwire.answers import text_rows
from btql_server.pgwire.reading_tokens import Reading
from btql_server.pgwire.scanning import tokens

if TYPE_CHECKING:
    from btql_server.pgwire.answers import Opened
    from btql_server.pgwire.session import Session
    from btql_server.pgwire.statements import Statement

_UNLOCK = ["SELECT", "PG_ADVISORY_UNLOCK_ALL", "(", ")"]
"""There are no locks. This is what connection pools send before a connection is used again."""


def known_by(session: Session, statement: Statement) -> Opened | None:
    """Return the answer to a statement that the session knows by itself."""
    if statement.verb == "SHOW":
        return _show(session, statement)
    if statement.verb == "SELECT" and "advisory" in statement.text:
        words = [each.upper or each.text for each in tokens(statement.text, len(_UNLOCK) + 1)]
        if words == _UNLOCK:
            return text_rows(["pg_advisory_unlock_all"], [[""]])
    return None


def _show(session: Session, statement: Statement) -> Opened:
    reading = Reading(statement.tokens, len(statement.text))
    reading.expect("SHOW")
    variables = session.variables
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
