"""What a client asks for, read: the command in a descriptor, a ticket or the body of an action.

A command of Flight SQL is a message; of plain Flight it is the text of a statement, or the path of a table, which
becomes the statement that reads all of it.
"""

from __future__ import annotations

from pyarrow import flight

from btql_grammar.quotes import double_quoted
from btql_server.flight import envelopes, messages
from btql_server.flight.callers import FlightCall
from btql_server.flight.protobuf import decode
from btql_server.flight.refusals import FlightRefusal

_TEXT = "text"
_TABLE_PARTS = 2


def command_of(call: FlightCall, descriptor: flight.FlightDescriptor) -> messages.Command | str:
    """Return the command of a descriptor, or the text of a statement."""
    if descriptor.descriptor_type == flight.DescriptorType.PATH:
        return selecting(*table_of(call, descriptor))
    return wrapped_or_text(call, descriptor.command or b"")


def table_of(call: FlightCall, descriptor: flight.FlightDescriptor) -> tuple[str, str]:
    """Return schema and name of the table that a path leads to."""
    call.command = "path"
    path = descriptor.path
    if len(path) != _TABLE_PARTS:
        message = f"a path has two parts, schema and name of a table, and this one has {len(path)}"
        raise FlightRefusal("INVALID_ARGUMENT", message, "write it as ['project_logs', 'name']")
    try:
        kind, name = (each.decode() for each in path)
    except UnicodeDecodeError:
        raise FlightRefusal("INVALID_ARGUMENT", "the path is not UTF-8") from None
    return kind, name


def selecting(kind: str, name: str) -> str:
    """Return the statement that reads a whole table."""
    return " ".join(("SELECT * FROM", ".".join(map(double_quoted, (kind, name)))))


def wrapped_or_text(call: FlightCall, data: bytes) -> messages.Command | str:
    """Return the command that bytes are, or the text of a statement."""
    found = envelopes.command_of(data)
    if found is None:
        call.command = _TEXT
        try:
            return data.decode()
        except UnicodeDecodeError:
            message = "the bytes are neither a command of Flight SQL nor the text of a statement"
            raise FlightRefusal("INVALID_ARGUMENT", message) from None
    if isinstance(found, str):
        call.command = "unknown"
        raise FlightRefusal("UNIMPLEMENTED", f"there is no command `{found[:80]}` here")
    call.command = type(found).__name__
    return found


def wrapped(kind: type[messages.Wrapped], body: bytes) -> messages.Wrapped:
    """Return the message of a kind that the body of an action is."""
    found = envelopes.unwrap(body)
    if found is None or found[0] != kind.__name__:
        raise FlightRefusal("INVALID_ARGUMENT", f"the body of the action is no {kind.__name__}")
    return decode(kind, found[1])


def refuse_transaction(transaction_id: bytes | None) -> None:
    """Refuse a statement that is to be part of a transaction."""
    if transaction_id:
        raise no_transactions()


def no_transactions() -> FlightRefusal:
    """Return what is said to whoever wants a transaction."""
    message = "there are no transactions of several statements here"
    return FlightRefusal("UNIMPLEMENTED", message, "use autocommit; each statement is a transaction")
