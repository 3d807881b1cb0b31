"""Objects of the storage and who may read and write them.

An object is registered (``project_logs:<id of a project>``, ``experiment:<id>``, ``dataset:<id>``, …) or was
made by a program that has the database embedded, under any name. The latter belong to the default organization.
An audit log is named by the id of its organization.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from types import MappingProxyType

from btql_server.access.asker import Asker
from btql_server.access.model import AUDIT_LOG, Level, Resource
from btql_server.registry.store import Registry
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import UnknownObject
from btql_storage.store import Storage

UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
"""What looks like this is an id, and no name."""
OF_PROJECT = frozenset({"project_logs", "project_prompts", "project_functions"})
"""Kinds of object that are named by the id of a project."""
REGISTERED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(OF_PROJECT, "project"),
        "experiment": "experiment",
        "dataset": "dataset",
        "playground_logs": "prompt_session",
        AUDIT_LOG: "organization",
    }
)
"""Kind of object to the kind of what it is named after, by id."""


def resource_of(registry: Registry, storage: Storage, kind: str, name: str) -> Resource | None:
    """Return where an object lives; None where there is no such thing."""
    found = _found(registry, storage, kind, name)
    return None if found is None else found[0]


def require_object(asker: Asker, level: Level, kind: str, name: str) -> ObjectInfo:
    """Return an object that the principal may read or write; Forbidden also where there is none."""
    state = asker.state
    name = name_of(state.storage, kind, name)
    found = _found(state.registry, state.storage, kind, name)
    asker.require(level, None if found is None else found[0], f"{kind} id {name}")
    asker.touched[name] = (kind, name if found is None else found[1])
    return state.storage.create_object(kind, name)


def usual(name: str) -> str:
    """Return an id in its usual spelling, and a name as it is."""
    return str(uuid.UUID(name)) if UUID.fullmatch(name) else name


def is_id(stored: str) -> bool:
    """Whether an object that is stored under a name is one of the registry: it stores ids in their usual spelling."""
    return UUID.fullmatch(stored) is not None and usual(stored) == stored


def name_of(storage: Storage, kind: str, name: str) -> str:
    """Return what an object is called that a request names: an id in its usual spelling, a name as it is."""
    found = usual(name)
    # A program may have called an object by 32 digits, such as the id of a trace, and these are its name.
    return name.lower() if found != name and _is_stored(storage, kind, name.lower()) else found


def _is_stored(storage: Storage, kind: str, name: str) -> bool:
    try:
        storage.object(kind, name)
    except UnknownObject:
        return False
    return True


def _found(registry: Registry, storage: Storage, kind: str, name: str) -> tuple[Resource, str] | None:
    """Return where an object lives, and what people call it."""
    registered = REGISTERED.get(kind)
    entity = None if registered is None else registry.get(registered, name, deleted=True)
    if entity is not None:
        # What belonged to something that was deleted is nobody's.
        resource = Resource(name, None, kind, f"{kind}:{name}") if kind == AUDIT_LOG else entity.resource
        return (resource, entity.name or name) if entity.deleted_at is None else None
    if not _is_stored(storage, kind, name):
        return None
    return Resource(registry.default_organization().id, None, kind, f"{kind}:{name}"), name
