"""Who wrote a comment: the key tells, not the client."""

from __future__ import annotations

import msgspec

from btql_server.access.model import Principal
from btql_server.writing.rows import Row
from btql_storage.control import NULL

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def with_author(text: msgspec.Raw, row: Row, principal: Principal) -> bytes:
    """Return the text of a row; where it is a comment, with the user that the principal is."""
    if NULL in (row.comment, row.origin) or principal.kind == "anonymous":
        return bytes(text)
    author = {"id": principal.id, "email": principal.email}
    return _encode(_split(text) | {"user": msgspec.Raw(_encode(author))})
