"""The address of a server: ``http://KEY@host:port/path``, as :func:`btql.connect` takes it.

The key may be in the URL, as its password or its only name, or it is an argument, or the environment variable
``BTQL_API_KEY`` has it, in this order.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from btql.errors import InterfaceError

SCHEMES = {"http": 80, "https": 443, "grpc": 31337, "grpc+tls": 31337}
"""Scheme to its usual port."""
KEY_VARIABLE = "BTQL_API_KEY"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is, and who asks."""

    scheme: str
    host: str
    port: int
    path: str
    """Before the paths of the server's routes, without a slash at its end."""
    key: str | None = field(repr=False)

    def __str__(self) -> str:
        """Return it as a URL without the key, for messages."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def is_address(text: object) -> bool:
    """Return whether something is the URL of a server, and no folder."""
    return isinstance(text, str) and text.partition("://")[0].lower() in SCHEMES and "://" in text


def address_of(url: str, key: str | None) -> Address:
    """Return the address that a URL names."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if not parts.hostname or port == -1 or parts.query or parts.fragment:
        message = "not the URL of a server: write it as `http://host:port`, with a key as `http://KEY@host:port`"
        raise InterfaceError(message, sqlstate="08001")
    given = parts.password or parts.username
    found = unquote(given) if given else key or os.environ.get(KEY_VARIABLE)
    return Address(parts.scheme, parts.hostname, port or SCHEMES[parts.scheme], parts.path.rstrip("/"), found or None)
