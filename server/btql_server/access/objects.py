"""Objects of the storage and who may read and write them.

An object is registered (``project_logs:<id of a project>``, ``experiment:<id>``, ``dataset:<id>``, …) or was
made by a program that has the database embedded, under any name. The latter belong to the default organization.
"""

from __future__ import annotations

from btql_server.access.model import Level, Resource
from btql_server.http.call import Call
from btql_server.registry.store import Registry
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import UnknownObject
from btql_storage.store import Storage

OF_PROJECT = frozenset({"project_logs", "project_prompts", "project_functions"})
"""Kinds of object that are named by the id of a project."""


def resource_of(registry: Registry, storage: Storage, kind: str, name: str) -> Resource | None:
    """Return where an object lives; None where there is no such thing."""
    entity = registry.get("project" if kind in OF_PROJECT else kind, name)
    if entity is not None:
        return entity.resource
    try:
        storage.object(kind, name)
    except UnknownObject:
        return None
    return Resource(registry.default_organization().id, None, kind, f"{kind}:{name}")


def require_object(call: Call, level: Level, kind: str, name: str) -> ObjectInfo:
    """Return an object that the principal may read or write; Forbidden also where there is none."""
    state = call.state
    described = f"{kind} id {name}"
    call.require(level, resource_of(state.registry, state.storage, kind, name), described)
    call.touched[name] = (kind, name)
    return state.storage.create_object(kind, name)
