"""``POST /logs3``: how SDKs write everything, rows of any objects in one request.

All rows of a request are one transaction: either all of them are stored, durably and seen by every later query,
or none, and the error names the row. Several rows with one id count in their order. A batch that is larger than
``/version`` says is uploaded first (:mod:`btql_server.writing.overflow`), and the request names the upload.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from btql_server.http.answer import Answer, json_answer
from btql_server.http.body import decode
from btql_server.http.call import Call
from btql_server.http.errors import invalid
from btql_server.http.routes import Routes
from btql_server.writing import overflow
from btql_server.writing.addressing import Addresses
from btql_server.writing.comments import with_author
from btql_server.writing.rows import read_row
from btql_server.writing.store import Writes
from btql_storage.limits import check_events

routes = Routes("Logs")


class Uploaded(msgspec.Struct):
    """Rows that were uploaded before, instead of the rows themselves."""

    type: Literal["logs3_overflow"]
    key: str
    size_bytes: int | None = None


class Batch(msgspec.Struct):
    """Rows, as SDKs send them."""

    rows: list[msgspec.Raw] | Uploaded
    api_version: int | None = None


class Written(msgspec.Struct):
    """What was stored."""

    ids: list[str]
    """The id of each row, in their order."""
    xact_id: str | None
    """The transaction, None for a request without rows."""


@routes.post("/logs3", answer=Written, pool="write")
def logs3(call: Call, body: Batch) -> Answer:
    """Store rows of any objects, all or none."""
    if isinstance(body.rows, Uploaded):
        body = decode(overflow.take(call, body.rows.key), Batch)
        if isinstance(body.rows, Uploaded):
            raise invalid("what was uploaded has no rows but names another upload", ["rows"])
    return _store(call, body.rows)


def _store(call: Call, rows: list[msgspec.Raw]) -> Answer:
    """Store rows, each in the object that it names."""
    limits, principal = call.state.settings.limits, call.principal
    check_events(len(rows), limits)
    addresses, writes = Addresses(call), Writes()
    for index, text in enumerate(rows):
        path = ("rows", index)
        row = read_row(text, path, limits)
        writes.add(addresses.of(row, path), with_author(row, principal), path, row.change)
    receipt = writes.store(call)
    return json_answer({"ids": receipt.ids, "xact_id": str(receipt.xact_id) if rows else None})
