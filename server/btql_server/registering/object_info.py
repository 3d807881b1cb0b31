"""Small questions about what is there: ``/api/self/get_object_info`` and ``/xact-id``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Struct

from btql_server.access.model import Level
from btql_server.http.answer import TEXT, Answer, json_answer, text_answer
from btql_server.http.call import Call
from btql_server.http.routes import Routes
from btql_server.registering.places import FEW, require_entity
from btql_server.registry.entity import Entity

routes = Routes("Objects")


class ObjectInfoRequest(Struct):
    """Which objects."""

    object_type: Literal["project", "experiment", "dataset", "prompt", "function"]
    object_ids: Annotated[list[str], FEW]


class Parent(Struct):
    """What an object lives in."""

    id: str
    name: str


class ObjectInfo(Struct):
    """An object, its name, and what it lives in: its organization and, unless it is one, its project."""

    object_id: str
    object_name: str
    parent_cols: dict[str, Parent]


@routes.post("/api/self/get_object_info", answer=list[ObjectInfo])
def get_object_info(call: Call, body: ObjectInfoRequest) -> Answer:
    """Return names and places of objects, in the order of their ids."""
    entities = [require_entity(call, Level.READ, body.object_type, object_id) for object_id in body.object_ids]
    return json_answer(
        [
            {"object_id": entity.id, "object_name": entity.name, "parent_cols": _parents(call, entity)}
            for entity in entities
        ]
    )


@routes.get("/xact-id", answer=TEXT)
def xact_id(call: Call) -> Answer:
    """Return the last transaction: every write that was acknowledged is at most that, every new one will be later."""
    return text_answer(str(call.state.storage.last_xact_id()))


def _parents(call: Call, entity: Entity) -> dict[str, dict[str, str | None]]:
    parents: dict[str, dict[str, str | None]] = {
        "organization": {"id": call.principal.org_id, "name": call.principal.org_name}
    }
    project = None if entity.project_id is None else call.state.registry.get("project", entity.project_id)
    if project is not None:
        parents["project"] = {"id": project.id, "name": project.name}
    return parents
