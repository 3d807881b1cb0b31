"""Who wrote a comment: the key tells, not the client."""

from __future__ import annotations

import msgspec

from btql_server.access.model import Principal
from btql_server.writing.rows import Row
from btql_storage.ingest.envelope import Read
from btql_storage.members import members

_encode = msgspec.json.Encoder().encode


def with_author(row: Row, principal: Principal) -> Read:
    """Return the event of a row; where it is a comment, with the user that the principal is."""
    if not row.is_comment or principal.kind == "anonymous":
        return row
    author = msgspec.Raw(_encode({"id": principal.id, "email": principal.email}))
    return Read(row.envelope, _encode(members(row.line) | {"user": author}))
