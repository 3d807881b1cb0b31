"""Attachments: files that rows refer to.

1. ``POST /attachment`` announces one, under a key that the client draws, and gets a signed address to upload it to.
2. The client uploads it there, whole, without a key of ours.
3. ``POST /attachment/status`` says how that went; what the server has itself is what counts.
4. ``GET /attachment`` gives a signed address to download it from.

A row says ``{"type": "braintrust_attachment", "key", "filename", "content_type"}`` where the file was; the key is
not to be guessed, and whoever may read anything of the organization and knows it may read the file.

What a client uploads is never to run in a page of this server: it is sent in a sandbox without scripts, under the
type that was announced and no other, and saved instead of shown unless it is a picture, sound, film or plain text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Annotated, BinaryIO, Literal
from urllib.parse import quote, urlsplit

from msgspec import Meta, Struct, structs

from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes
from btql_server.http.upload import Upload
from btql_server.registering.places import own_organization
from btql_server.writing.anywhere import require_anywhere
from btql_server.writing.files import Record

routes = Routes("Attachments")

Key = Annotated[str, Meta(min_length=1, max_length=1_024)]
_SIGNED_S = 3_600
_UPLOAD, _DOWNLOAD = "upload an attachment", "download an attachment"
_MEDIA = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(; ?[\w-]+=[\w.+-]+)*", re.ASCII)
_ANY_MEDIA = "application/octet-stream"
_SHOWN = re.compile(r"image/(png|jpeg|gif|webp|avif|bmp)|audio/.*|video/.*|text/plain")
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PIECE_BYTES = 256 << 10


class Announcement(Struct):
    """An attachment that will be uploaded."""

    key: Key
    filename: Annotated[str, Meta(max_length=4_096)] = ""
    content_type: Annotated[str, Meta(max_length=256)] = _ANY_MEDIA
    org_id: str | None = None


class Place(Struct):
    """Where to upload it, and which headers to send along."""

    signedUrl: str  # noqa: N815  as SDKs spell it
    headers: dict[str, str]


class Status(Struct):
    """How an upload went."""

    upload_status: Literal["uploading", "done", "error"]
    error_message: Annotated[str, Meta(max_length=65_536)] | None = None


class StatusReport(Struct):
    """How the upload of one attachment went, as the client saw it."""

    key: Key
    status: Status
    org_id: str | None = None


class Wanted(Struct):
    """Which attachment: one that was uploaded here, or one at a URL."""

    key: str | None = None
    url: str | None = None
    filename: str | None = None
    content_type: str | None = None
    org_id: str | None = None


class Found(Struct):
    """Where an attachment can be downloaded, and whether it is there."""

    downloadUrl: str  # noqa: N815  as SDKs spell it
    status: Status


@routes.post("/attachment", answer=Place, pool="write")
def announce(call: Call, body: Announcement) -> Answer:
    """Get an address to upload an attachment to."""
    own_organization(call, org_id=body.org_id)
    require_anywhere(call, Level.WRITE)
    call.state.files.sweep()
    media = body.content_type if _MEDIA.fullmatch(body.content_type) else _ANY_MEDIA
    call.state.files.announce(call.principal.org_id, Record(body.key, body.filename, media))
    token = call.state.signer.sign(_UPLOAD, call.principal.org_id, body.key, valid_s=_SIGNED_S)
    return json_answer({"signedUrl": f"{call.base_url}/attachment/upload/{token}", "headers": {}})


def _room(call: Call, token: str) -> int:
    call.state.signer.read(_UPLOAD, token)
    return call.state.settings.limits.attachment_bytes_max


@routes.put("/attachment/upload/{token}", answer=dict, pool="write", public=True, room=_room)
def upload(call: Call, token: str, body: Upload) -> Answer:
    """Upload an attachment to the address that was signed for it."""
    org_id, key = call.state.signer.read(_UPLOAD, token)
    call.state.files.keep(str(org_id), str(key), body)
    return json_answer({})


@routes.post("/attachment/status", answer=Status, pool="write")
def report(call: Call, body: StatusReport) -> Answer:
    """Say how an upload went."""
    own_organization(call, org_id=body.org_id)
    require_anywhere(call, Level.WRITE)
    files, org_id = call.state.files, call.principal.org_id
    record = files.record(org_id, body.key)
    if record is None:
        raise _unknown()
    if body.status.upload_status == "done" and not files.has(org_id, body.key):
        raise HttpError(400, "Invalid request: nothing was uploaded for this attachment at `status.upload_status`")
    if body.status.upload_status == "error":
        record = structs.replace(record, error=body.status.error_message or "the upload failed")
        files.announce(org_id, record)
    return json_answer(_status(call, record))


@routes.get("/attachment", answer=Found)
def find(call: Call, query: Wanted) -> Answer:
    """Get an address to download an attachment from."""
    own_organization(call, org_id=query.org_id)
    require_anywhere(call, Level.READ)
    if query.url is not None:
        return json_answer({"downloadUrl": _external(query.url), "status": {"upload_status": "done"}})
    if query.key is None:
        raise HttpError(400, "Invalid request: name the attachment, by `key` or `url`")
    record = call.state.files.record(call.principal.org_id, query.key)
    if record is None:
        raise _unknown()
    token = call.state.signer.sign(_DOWNLOAD, call.principal.org_id, query.key, valid_s=_SIGNED_S)
    return json_answer({"downloadUrl": f"{call.base_url}/attachment/file/{token}", "status": _status(call, record)})


@routes.get("/attachment/file/{token}", answer="*/*", pool="bulk", public=True)
def download(call: Call, token: str) -> Answer:
    """Download an attachment from the address that was signed for it, or a range of its bytes."""
    org_id, key = map(str, call.state.signer.read(_DOWNLOAD, token))
    record = call.state.files.record(org_id, key)
    file = None if record is None else call.state.files.opened(org_id, key)
    if record is None or file is None:
        raise _unknown()
    size = os.fstat(file.fileno()).st_size
    try:
        first, after = _range(call.request.headers.get("range"), size)
    except HttpError:
        file.close()
        raise
    shown = "inline" if _SHOWN.fullmatch(record.content_type.partition(";")[0].lower()) else "attachment"
    headers = {
        "content-length": str(after - first),
        "content-disposition": f"{shown}; filename*=UTF-8''{quote(record.filename, safe='')}",
        "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "cache-control": "private, max-age=3600, no-transform",
        "accept-ranges": "bytes",
    }
    status = 200
    if after - first < size:
        status = 206
        headers["content-range"] = f"bytes {first}-{after - 1}/{size}"
    return Answer(_pieces(file, first, after), record.content_type, status, headers)


def _status(call: Call, record: Record) -> dict[str, str]:
    """Say how an upload went: an attachment that is there is done, whatever the client thinks."""
    if call.state.files.has(call.principal.org_id, record.key):
        return {"upload_status": "done"}
    if record.error is not None:
        return {"upload_status": "error", "error_message": record.error}
    return {"upload_status": "uploading"}


def _external(url: str) -> str:
    """Return the address of a file elsewhere; this server does not fetch it."""
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in ("http", "https"):
        raise HttpError(400, "Invalid request: only http and https addresses can be given out here at `url`")
    return url


def _range(asked: str | None, size: int) -> tuple[int, int]:
    """Return the first byte to send and the one behind the last; a range that is none, or several, is the whole."""
    known = _RANGE.fullmatch(asked.strip()) if asked is not None else None
    if known is None or not (known[1] or known[2]):
        return 0, size
    if not known[1]:
        first, after = max(size - int(known[2]), 0), size
    else:
        first = int(known[1])
        after = min(int(known[2]) + 1, size) if known[2] else size
        if after <= first < size:
            # The last byte before the first is no range at all.
            return 0, size
    if first >= size or after <= first:
        raise HttpError(416, f"the attachment has {size:,} bytes", headers={"content-range": f"bytes */{size}"})
    return first, after


def _pieces(file: BinaryIO, first: int, after: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        left = after - first
        while left and (piece := file.read(min(left, _PIECE_BYTES))):
            left -= len(piece)
            yield piece


def _unknown() -> HttpError:
    return HttpError(404, "no attachment was announced under this key in your organization")
