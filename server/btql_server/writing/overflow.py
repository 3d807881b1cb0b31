"""``/logs3/overflow``: batches that are larger than one request to ``/logs3`` may be.

1. ``POST /logs3/overflow`` says how large the batch is, and gets a signed address for it.
2. The client uploads the whole document, ``{"rows": [...], "api_version": 2}``, there.
3. ``POST /logs3`` names the upload instead of rows; now, and only now, anything is stored.

An upload is kept for a day, so that a client which got no answer to 3 can send it again.
"""

from __future__ import annotations

import re
from typing import Annotated
from uuid import uuid4

from msgspec import Meta, Struct

from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes
from btql_server.http.upload import Upload
from btql_server.writing.anywhere import require_anywhere

routes = Routes("Logs")

_UPLOAD_S = 3_600
_PURPOSE = "upload rows"
_KEY = re.compile(r"overflow/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")


class Announcement(Struct):
    """A batch that will be uploaded."""

    size_bytes: Annotated[int, Meta(ge=0)]
    content_type: str = "application/json"


class Place(Struct):
    """Where to upload it."""

    method: str
    signedUrl: str  # noqa: N815  as SDKs spell it
    headers: dict[str, str]
    key: str
    """What ``/logs3`` is to be told."""


@routes.post("/logs3/overflow", answer=Place, pool="write")
def announce(call: Call, body: Announcement) -> Answer:
    """Get an address to upload a large batch of rows to."""
    require_anywhere(call, Level.WRITE)
    most = call.state.settings.limits.request_bytes_max
    if body.size_bytes > most:
        raise HttpError(413, f"`size_bytes` is more than the {most:,} bytes that a batch may have")
    call.state.files.sweep()
    overflow_id = str(uuid4())
    token = call.state.signer.sign(_PURPOSE, call.principal.org_id, overflow_id, valid_s=_UPLOAD_S)
    return json_answer(
        {
            "method": "PUT",
            "signedUrl": f"{call.base_url}/logs3/overflow/{token}",
            "headers": {"Content-Type": "application/json"},
            "key": f"overflow/{overflow_id}",
        }
    )


def _room(call: Call, token: str) -> int:
    call.state.signer.read(_PURPOSE, token)
    return call.state.settings.limits.request_bytes_max


@routes.put("/logs3/overflow/{token}", answer=dict, pool="write", public=True, room=_room)
def upload(call: Call, token: str, body: Upload) -> Answer:
    """Upload a large batch of rows to the address that was signed for it."""
    org_id, overflow_id = call.state.signer.read(_PURPOSE, token)
    call.state.files.keep_overflow(str(org_id), str(overflow_id), body)
    return json_answer({})


def take(call: Call, key: str) -> bytes:
    """Return what was uploaded under a key of the principal's organization."""
    known = _KEY.fullmatch(key)
    content = call.state.files.overflow(call.principal.org_id, known[1]) if known else None
    if content is None:
        raise HttpError(400, f"Invalid request: nothing was uploaded under the key `{key[:80]}` at `rows.key`")
    return content
