"""Finding what a request names: the organization, a project, an entity by its id.

What cannot be found and what may not be seen are answered alike, with 403.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from btql_server.access.asker import forbidden
from btql_server.access.model import Level, Resource
from btql_server.access.objects import usual
from btql_server.http.call import Call, uuid_of
from btql_server.http.errors import HttpError
from btql_server.registry.entity import Entity

NAME_LENGTH_MAX = 4_096
Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
"""A name or slug: any characters, but some."""
FEW = Meta(max_length=1_000)
"""Of a list whose items are looked up one by one: a request has one of few threads, or the registry, for so long."""


def own_organization(call: Call, *, name: str | None = None, org_id: str | None = None) -> Resource:
    """Return the organization of the key; a request may name it, but no other one."""
    principal = call.principal
    if name is not None and name != principal.org_name:
        raise forbidden(principal, Level.READ, f"organization {name[:80]}")
    if org_id is not None and usual(org_id) != principal.org_id:
        raise forbidden(principal, Level.READ, f"organization id {org_id[:80]}")
    return Resource(principal.org_id)


def require_entity(call: Call, level: Level, kind: str, entity_id: str) -> Entity:
    """Return a living entity on which the principal has a level."""
    entity = call.state.registry.get(kind, uuid_of(entity_id, f"{kind}_id"))
    call.require(level, None if entity is None else entity.resource, f"{kind} id {entity_id}")
    assert entity is not None
    touch(call, entity)
    return entity


def find_project(call: Call, *, project_id: str | None = None, name: str | None = None) -> Entity | None:
    """Return the project that a request names by id or name, if the principal may read it."""
    registry, principal = call.state.registry, call.principal
    if project_id is not None:
        found = registry.get("project", uuid_of(project_id, "project_id"))
    elif name is not None:
        found = registry.find("project", principal.org_id, name)
    else:
        raise HttpError(400, "Invalid request: name the project, by `project_id` or `project_name`")
    return found if found is not None and principal.level(found.resource) >= Level.READ else None


def require_project(call: Call, *, project_id: str | None = None, name: str | None = None) -> Entity:
    """Return the project that a request names; Forbidden where there is none that the principal may read."""
    found = find_project(call, project_id=project_id, name=name)
    if found is None:
        described = f"project id {project_id}" if project_id is not None else f"project {(name or '')[:80]}"
        raise forbidden(call.principal, Level.READ, described)
    touch(call, found)
    return found


def touch(call: Call, entity: Entity) -> None:
    """Note an entity as read or written by the request."""
    call.touched[entity.id] = (entity.kind, entity.name or "")
