"""The actions of Flight SQL: statements are prepared and forgotten, and those that run are stopped."""

from __future__ import annotations

from collections.abc import Iterator

from btql_server.flight import envelopes, messages, parameters
from btql_server.flight.callers import FlightCall
from btql_server.flight.commands import no_transactions, refuse_transaction, wrapped
from btql_server.flight.prepared import PreparedStatements
from btql_server.flight.protobuf import decode, encode
from btql_server.flight.refusals import FlightRefusal
from btql_server.flight.statements import Statements
from btql_server.flight.tickets import Handle

ACTIONS = {
    "CreatePreparedStatement": "Prepare a statement.",
    "ClosePreparedStatement": "Forget a prepared statement.",
    "CancelFlightInfo": "Stop a statement, by its flight info.",
    "CancelQuery": "Stop a statement; older clients ask for it so.",
    "CloseSession": "End a session; a connection has nothing else to let go of.",
}
_CANCELLED, _NOT_CANCELLABLE = 1, 3
_CLOSED = 1
_NO_TRANSACTIONS = frozenset({"BeginTransaction", "EndTransaction", "BeginSavepoint", "EndSavepoint"})


class Actions:
    """Does what is no transfer of rows."""

    def __init__(self, statements: Statements, prepared: PreparedStatements) -> None:
        self._statements = statements
        self._prepared = prepared

    def do(self, call: FlightCall, name: str, body: bytes) -> Iterator[bytes]:
        """Do an action; return the bodies of its results."""
        call.command = name if name in ACTIONS else "unknown"
        match name:
            case "CreatePreparedStatement":
                call.count()
                return iter((self._prepare(call, body),))
            case "ClosePreparedStatement":
                closing = wrapped(messages.ActionClosePreparedStatementRequest, body)
                self._prepared.close(closing.prepared_statement_handle, call.owner)
                return iter(())
            case "CancelFlightInfo":
                info = decode(messages.CancelFlightInfoRequest, body).info
                return iter((encode(self._cancel(call, info)),))
            case "CancelQuery":
                asked = wrapped(messages.ActionCancelQueryRequest, body)
                info = decode(messages.FlightInfoMessage, asked.info)
                return iter((envelopes.wrap_as("ActionCancelQueryResult", self._cancel(call, info)),))
            case "CloseSession":
                return iter((encode(messages.StatusResult(_CLOSED)),))
            case _ if name in _NO_TRANSACTIONS:
                raise no_transactions()
            case _:
                listed = ", ".join(ACTIONS)
                raise FlightRefusal("UNIMPLEMENTED", f"there is no action `{name[:80]}`", f"there are {listed}")

    def _prepare(self, call: FlightCall, body: bytes) -> bytes:
        request = wrapped(messages.ActionCreatePreparedStatementRequest, body)
        refuse_transaction(request.transaction_id)
        described = self._statements.described(call, request.query, lenient=True)
        taken = parameters.schema_of(described.parameters)
        result = messages.ActionCreatePreparedStatementResult(
            self._prepared.add(call.owner, request.query),
            described.schema.serialize().to_pybytes() if described.outputs else b"",
            taken.serialize().to_pybytes() if taken else b"",
        )
        return envelopes.wrap(result)

    def _cancel(self, call: FlightCall, info: messages.FlightInfoMessage) -> messages.StatusResult:
        for endpoint in info.endpoint:
            command = envelopes.command_of(endpoint.ticket.ticket)
            if isinstance(command, messages.TicketStatementQuery):
                number = decode(Handle, command.statement_handle).id
                if self._statements.tickets.cancel(number, call.owner):
                    return messages.StatusResult(_CANCELLED)
        return messages.StatusResult(_NOT_CANCELLABLE)
