"""What messages of Flight SQL travel in: an ``Any``, which says by a URL what it holds."""

# Annotations are read when a message is decoded, so what they name is imported, and they are no texts.

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from btql.wire import Malformed
from btql_server.flight.messages import Command
from btql_server.flight.protobuf import Message, decode, encode

_PREFIX = "type.googleapis.com/"
_PACKAGE = "arrow.flight.protocol.sql."
_COMMANDS: Mapping[str, type[Command]] = MappingProxyType({each.__name__: each for each in Command.__args__})


@dataclass(frozen=True, slots=True)
class AnyMessage:
    """A message of any type."""

    type_url: str = ""
    value: bytes = b""


def wrap(message: Message) -> bytes:
    """Return a message, wrapped so that its type is known."""
    return wrap_as(type(message).__name__, message)


def wrap_as(name: str, message: Message) -> bytes:
    """Return a message wrapped under another name: some have the same fields."""
    return encode(AnyMessage(_PREFIX + _PACKAGE + name, encode(message)))


def unwrap(data: bytes) -> tuple[str, bytes] | None:
    """Return the name and the bytes of a message of Flight SQL that was wrapped; None where the bytes are none."""
    try:
        found = decode(AnyMessage, data)
    except Malformed:
        return None
    _, slash, name = found.type_url.rpartition("/")
    return (name.removeprefix(_PACKAGE), found.value) if slash and name.startswith(_PACKAGE) else None


def command_of(data: bytes) -> Command | str | None:
    """Return the command that a descriptor or ticket holds, the name of an unknown one, or None for anything else."""
    found = unwrap(data)
    if found is None:
        return None
    name, value = found
    kind = _COMMANDS.get(name)
    return name if kind is None else decode(kind, value)
