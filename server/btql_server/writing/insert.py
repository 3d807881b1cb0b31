"""Events and feedback by REST: ``/v1/{kind}/{id}/insert`` and ``/feedback``, and ``/v1/insert`` for several objects.

Each request is one transaction, all or none. Feedback on a row is a merge into it, which is noted in its
``audit_data`` together with the ``metadata`` of the feedback, and a comment.
"""

from __future__ import annotations

from itertools import islice
from typing import Literal
from uuid import uuid4

import msgspec
from msgspec import Struct

from btql_server.access.model import Level
from btql_server.access.objects import require_object
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.routes import Routes
from btql_server.writing.comments import with_author
from btql_server.writing.rows import read_row
from btql_server.writing.store import Path, Writes
from btql_storage.catalog import ObjectInfo
from btql_storage.limits import check_events
from btql_storage.wal.control import NULL

routes = Routes("Logs")
_encode = msgspec.json.Encoder().encode


def _null() -> msgspec.Raw:
    # A factory, as the OpenAPI document cannot spell this default.
    return NULL


class Events(Struct):
    """Rows of one object."""

    events: list[msgspec.Raw]


class Inserted(Struct):
    """The id of each event, in their order."""

    row_ids: list[str]


class Feedback(Struct):
    """What somebody says about a row."""

    id: str
    """The row."""
    scores: msgspec.Raw = msgspec.field(default_factory=_null)
    expected: msgspec.Raw = msgspec.field(default_factory=_null)
    tags: msgspec.Raw = msgspec.field(default_factory=_null)
    comment: str | None = None
    metadata: msgspec.Raw = msgspec.field(default_factory=_null)
    """Goes to the row's ``audit_data``."""
    source: Literal["app", "api", "external"] | None = None


class Feedbacks(Struct):
    """Feedback on rows of one object."""

    feedback: list[Feedback]


class Success(Struct):
    """All of it was stored."""

    status: Literal["success"]


class Both(Struct):
    """Rows of one object, and feedback on its rows."""

    events: list[msgspec.Raw] | None = None
    feedback: list[Feedback] | None = None


class Everything(Struct):
    """Id to events and feedback, for each kind of object."""

    project_logs: dict[str, Both] | None = None
    experiment: dict[str, Both] | None = None
    dataset: dict[str, Both] | None = None


class AllInserted(Struct):
    """Id to the ids of the rows, for each kind of object."""

    project_logs: dict[str, Inserted] | None = None
    experiment: dict[str, Inserted] | None = None
    dataset: dict[str, Inserted] | None = None


def _insert_into(kind: str) -> None:
    """Declare the routes of one kind of object."""

    @routes.post(f"/v1/{kind}/{{id}}/insert", answer=Inserted, pool="write")
    def insert(call: Call, id: str, body: Events) -> Answer:  # noqa: A002  as the path has it
        """Store events of one object, all or none."""
        target = require_object(call, Level.WRITE, kind, id)
        writes = Writes()
        _add_events(call, writes, target, body.events, ())
        return json_answer({"row_ids": writes.store(call).ids})

    @routes.post(f"/v1/{kind}/{{id}}/feedback", answer=Success, pool="write")
    def feedback(call: Call, id: str, body: Feedbacks) -> Answer:  # noqa: A002
        """Store feedback on rows of one object, all or none."""
        target = require_object(call, Level.WRITE, kind, id)
        writes = Writes()
        _add_feedback(call, writes, target, body.feedback, ())
        writes.store(call)
        return json_answer({"status": "success"})


for _kind in ("project_logs", "experiment", "dataset"):
    _insert_into(_kind)


@routes.post("/v1/insert", answer=AllInserted, pool="write")
def insert_everything(call: Call, body: Everything) -> Answer:
    """Store events of several objects and feedback on their rows, all or none."""
    writes = Writes()
    objects = [
        (kind, name, require_object(call, Level.WRITE, kind, name), both)
        for kind in ("project_logs", "experiment", "dataset")
        for name, both in (getattr(body, kind) or {}).items()
    ]
    # Feedback may be on rows of the same request, so all of these come first.
    for kind, name, target, both in objects:
        _add_events(call, writes, target, both.events or [], (kind, name))
    for kind, name, target, both in objects:
        _add_feedback(call, writes, target, both.feedback or [], (kind, name))
    ids = iter(writes.store(call).ids)
    inserted: dict[str, dict[str, dict[str, list[str]]]] = {}
    for kind, name, _, both in objects:
        inserted.setdefault(kind, {})[name] = {"row_ids": list(islice(ids, len(both.events or [])))}
    return json_answer(inserted)


def _add_events(call: Call, writes: Writes, target: ObjectInfo, events: list[msgspec.Raw], path: Path) -> None:
    limits = call.state.settings.limits
    check_events(len(events), limits)
    for index, text in enumerate(events):
        here = (*path, "events", index)
        row = read_row(text, here, limits)
        writes.add(target, with_author(row, call.principal), here, row.change)


def _add_feedback(call: Call, writes: Writes, target: ObjectInfo, feedback: list[Feedback], path: Path) -> None:
    limits = call.state.settings.limits
    check_events(len(feedback), limits)
    for index, one in enumerate(feedback):
        here = (*path, "feedback", index)
        audit: dict[str, object] = {"_audit_source": one.source or "external", "_audit_metadata": one.metadata}
        said = {"scores": one.scores, "expected": one.expected, "tags": one.tags}
        said = {name: raw for name, raw in said.items() if raw != NULL}
        events: list[dict[str, object]] = []
        if said or one.comment is None:
            events.append({"id": one.id, "_is_merge": True, **said, **audit})
        if one.comment is not None:
            events.append({"id": str(uuid4()), "origin": {"id": one.id}, "comment": {"text": one.comment}, **audit})
        for event in events:
            text = msgspec.Raw(_encode(event))
            row = read_row(text, here, limits)
            writes.add(target, with_author(row, call.principal), here, row.change)
