"""What :func:`btql.connect` asks a server for beside queries, so that a program may have either, a server or a folder.

``POST /btql/paths`` tells the fields and paths of an object, ``POST /btql/ingest`` writes events to one. Names are
those of a query: registered names and ids, and those of programs that have the database embedded.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import msgspec

from btql.connection import split_object
from btql.execution.fields import MergedFields, SnapshotFields
from btql_planner.catalog import FieldCatalog
from btql_planner.names import field_paths
from btql_server.access.asker import forbidden
from btql_server.access.model import Level
from btql_server.access.objects import require_object
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.routes import Routes
from btql_server.reading.directory import Visible
from btql_server.writing.comments import with_author
from btql_server.writing.rows import read_row
from btql_server.writing.store import Writes
from btql_storage.limits import check_events

routes = Routes("Queries")


class PathsRequest(msgspec.Struct):
    """Of which object."""

    target: str
    """Kind and name, such as ``project_logs:demo``."""


class Paths(msgspec.Struct):
    """The fields and paths that the rows of an object have."""

    paths: list[list[str]]


class IngestRequest(msgspec.Struct):
    """Events for one object."""

    target: str
    """Kind and name, such as ``project_logs:demo``; it comes into being with its first events."""
    events: list[msgspec.Raw]


class Ingested(msgspec.Struct):
    """What was stored."""

    xact_id: str
    row_ids: list[str]
    """The id of each event, in their order."""


@routes.post("/btql/paths", answer=Paths, pool="query")
def paths(call: Call, body: PathsRequest) -> Answer:
    """List the fields and paths that the rows of an object have."""
    kind, name = split_object(body.target)
    with fields_of(call, kind, name) as catalog:
        return json_answer({"paths": field_paths(catalog)})


@routes.post("/btql/ingest", answer=Ingested, pool="write")
def ingest(call: Call, body: IngestRequest) -> Answer:
    """Store events of one object, all or none."""
    visible = Visible(call)
    target = visible.target(*split_object(body.target), create=True)
    assert target is not None, "it was made where it was missing"
    writes, limits = Writes(), call.state.settings.limits
    check_events(len(body.events), limits)
    for index, text in enumerate(body.events):
        row = read_row(text, ("events", index), limits)
        writes.add(target, with_author(row, call.principal), ("events", index))
    receipt = writes.store(call)
    # The audit log has the whole of it as one entry, as it has a statement.
    call.changes.extend(visible.changes)
    return json_answer({"xact_id": str(receipt.xact_id), "row_ids": receipt.ids})


@contextmanager
def fields_of(call: Call, kind: str, name: str) -> Generator[FieldCatalog]:
    """Return the fields of an object that the caller may read, or of all objects that its name stands for."""
    visible = Visible(call)
    found = visible.find(kind, name)
    if not found:
        raise forbidden(call.principal, Level.READ, f"{kind} id {name}")
    if visible.only(kind, name) is not None:
        # These are the fields of all prompts of a project, which takes more than to read one of them.
        for one in found:
            require_object(call, Level.READ, one.kind, one.name)
    with ExitStack() as open_files:
        yield MergedFields(
            [SnapshotFields(open_files.enter_context(call.state.storage.snapshot(one))) for one in found]
        )
