"""A kind of what the registry holds: its shapes, its rules, and how an entity of it is answered.

How one is declared, with an example, is said in :mod:`~btql_server.registering.rest`, which makes its routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
from msgspec import NODEFAULT, Struct

from btql_server.access.model import Level, Resource
from btql_server.http.call import Call
from btql_server.http.paging import PageQuery
from btql_server.registry.entity import Entity

Given: TypeAlias = Mapping[str, object]
"""A request's body, by its keys."""
Made: TypeAlias = tuple[Entity, bool]
"""An entity, and whether this request made it."""

ATTRIBUTES = frozenset({"id", "org_id", "project_id", "name", "slug", "user_id", "created", "deleted_at"})
"""What an answer takes from the entity itself; all else is in its body."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of entity and its REST shapes."""

    name: str
    tag: str
    """The heading in the OpenAPI document."""
    shape: type[Struct]
    """What is answered."""
    spec: type[Struct]
    """The body of POST and PUT."""
    changes: type[Struct]
    """The body of PATCH."""
    objects: tuple[str, ...] = ()
    """Kinds of stored objects that bear its id: they are there from the beginning, without rows."""
    create: Callable[[Call, Given], Made] | None = None
    """What POST does, where it is not simply :func:`~btql_server.registering.crud.get_or_create`."""
    check: Callable[[Call, Given], None] | None = None
    """Raises where a spec or changes cannot be."""
    delete_level: Level = Level.WRITE
    path: str = ""
    """Where its routes are, if not at ``/v1/<name>``."""
    complete: Callable[[Call, Given, Entity | None], Given] | None = None
    """Adds to a spec, or to changes of an entity, what follows from them, such as a slug."""
    place: Callable[[Call, Given], Resource] | None = None
    """Where an entity of this kind is to live, if a spec says so in words of its own."""
    filters: tuple[str, ...] = ()
    """Other keys that a list can ask for."""

    def body(self, given: Given) -> dict[str, object]:
        """Return what of a request belongs into the body of an entity."""
        return {name: given[name] for name in self.shape.__struct_fields__ if name in given and name not in ATTRIBUTES}


class ListQuery(PageQuery):
    """The parameters that every list of entities has."""

    project_id: str | None = None
    project_name: str | None = None
    org_name: str | None = None
    slug: str | None = None


def shown(kind: Kind, entity: Entity) -> dict[str, object]:
    """Return an entity as it is answered."""
    document: dict[str, object] = {}
    for field in msgspec.structs.fields(kind.shape):
        value = value_of(entity, field.name)
        default = None if field.default is NODEFAULT else field.default
        document[field.name] = default if value is None else value
    return document


def value_of(entity: Entity, key: str) -> object:
    """Return what an entity has under a key of its answer."""
    return getattr(entity, key) if key in ATTRIBUTES else entity.body.get(key)
