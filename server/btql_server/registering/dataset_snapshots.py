"""Snapshots of datasets: names for versions.

A snapshot holds a transaction id and nothing else, because every version of a dataset can be read for good. Who may
read or write the dataset may read or write its snapshots. Served in both dialects: ``/v1/dataset_snapshot``, and
``/api/dataset_snapshot/…`` of JavaScript.
"""

from __future__ import annotations

from msgspec import Struct

from btql_server.access.model import Level, Resource
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call, uuid_of
from btql_server.http.errors import HttpError
from btql_server.http.versions import parse_version
from btql_server.registering.crud import change, create, updated
from btql_server.registering.kind import Given, Kind, shown
from btql_server.registering.places import Name, require_entity
from btql_server.registering.rest import given_by, rest
from btql_server.registry.entity import Entity, Listing


class DatasetSnapshot(Struct):
    """A snapshot of a dataset. SDKs need all of the keys."""

    id: str
    dataset_id: str
    name: str
    xact_id: str
    description: str | None = None
    created: str | None = None


class DatasetSnapshotSpec(Struct):
    """A snapshot to make."""

    dataset_id: str
    name: Name
    xact_id: str
    description: str | None = None


class DatasetSnapshotChanges(Struct):
    """What may change of a snapshot; the version is what it is."""

    name: Name | None = None
    description: str | None = None


def _place(call: Call, given: Given) -> Resource:
    return require_entity(call, Level.READ, "dataset", str(given["dataset_id"])).resource


def _complete(call: Call, given: Given, entity: Entity | None) -> Given:
    """Return a spec or changes with ids in their usual spelling, and with what is unique: dataset and name."""
    of = given if entity is None else entity.body
    dataset_id = uuid_of(str(of["dataset_id"]), "dataset_id")
    complete: dict[str, object] = {**given, "dataset_id": dataset_id}
    if given.get("name") is not None:
        complete["slug"] = f"{dataset_id}/{given['name']}"
    if entity is None:
        complete["xact_id"] = str(readable_version(call, str(given["xact_id"]), "xact_id"))
    return complete


def readable_version(call: Call, text: str, what: str = "version") -> int:
    """Return a version that someone wants to keep; 400 for one that is still to come, as it would change."""
    version, last = parse_version(text, what), call.state.storage.last_xact_id()
    if version > last:
        raise HttpError(400, f"Invalid request: `{what}` is {version}, but the last transaction is {last}")
    return version


SNAPSHOT = Kind(
    "dataset_snapshot",
    "Dataset snapshots",
    DatasetSnapshot,
    DatasetSnapshotSpec,
    DatasetSnapshotChanges,
    complete=_complete,
    place=_place,
    filters=("dataset_id",),
)
routes = rest(SNAPSHOT)


class RegisterSnapshot(Struct):
    """A snapshot that an SDK wants to be there."""

    dataset_id: str
    dataset_snapshot_name: Name
    xact_id: str
    description: str | None = None
    update: bool | None = None
    """Whether a snapshot of that name is to be moved to this version; else it is returned as it is."""


class RegisteredSnapshot(Struct):
    """A snapshot, and whether it was there before."""

    dataset_snapshot: DatasetSnapshot
    found_existing: bool


class SnapshotSearch(Struct):
    """Which snapshots of a dataset: all, or those with a name or version."""

    dataset_id: str
    name: str | None = None
    xact_id: str | None = None


class SnapshotId(Struct):
    """Which snapshot."""

    id: str


class PatchSnapshot(DatasetSnapshotChanges, kw_only=True):
    """Which snapshot to change, and how."""

    id: str


@routes.post("/api/dataset_snapshot/register", answer=RegisteredSnapshot)
def register(call: Call, body: RegisterSnapshot) -> Answer:
    """Make a snapshot, or return the one of that name."""
    given: Given = {
        "dataset_id": body.dataset_id,
        "name": body.dataset_snapshot_name,
        "xact_id": body.xact_id,
        "description": body.description,
    }
    with call.state.registry.writing():
        snapshot, created = create(call, SNAPSHOT, given)
        if body.update and not created:
            call.require(Level.WRITE, snapshot.resource)
            changes: dict[str, object] = {"xact_id": str(readable_version(call, body.xact_id, "xact_id"))}
            if body.description is not None:
                changes["description"] = body.description
            snapshot = updated(call, snapshot, changes, {})
    return json_answer({"dataset_snapshot": shown(SNAPSHOT, snapshot), "found_existing": not created})


@routes.post("/api/dataset_snapshot/get", answer=list[DatasetSnapshot])
def find(call: Call, body: SnapshotSearch) -> Answer:
    """List snapshots of a dataset, newest first."""
    dataset = require_entity(call, Level.READ, "dataset", body.dataset_id)
    wanted: dict[str, object] = {"dataset_id": dataset.id}
    if body.xact_id is not None:
        wanted["xact_id"] = str(parse_version(body.xact_id, "xact_id"))
    every = call.state.registry.list(Listing("dataset_snapshot", dataset.org_id, dataset.project_id, body.name))
    return json_answer([shown(SNAPSHOT, one) for one in every if wanted.items() <= one.body.items()])


@routes.post("/api/dataset_snapshot/patch_id", answer=DatasetSnapshot)
def patch_id(call: Call, body: PatchSnapshot) -> Answer:
    """Change a snapshot."""
    given = {key: value for key, value in given_by(body).items() if key != "id"}
    return json_answer(shown(SNAPSHOT, change(call, SNAPSHOT, body.id, given)))


@routes.post("/api/dataset_snapshot/delete_id", answer=DatasetSnapshot)
def delete_id(call: Call, body: SnapshotId) -> Answer:
    """Delete a snapshot; the version that it names can still be read."""
    snapshot = require_entity(call, Level.WRITE, "dataset_snapshot", body.id)
    return json_answer(shown(SNAPSHOT, call.state.registry.delete(snapshot)))
