"""Create, replace, read, list, change, delete: the REST routes of whatever the registry holds.

A kind is declared in one place, and its routes, checks and documents follow from that::

    class Environment(Struct):            # what is answered; keys that are no attribute of an Entity
        id: str                           # are kept in its body, under the same names
        org_id: str
        name: str
        description: str | None = None

    class EnvironmentSpec(Struct):        # the body of POST and PUT
        name: Name
        description: str | None = None
        org_name: str | None = None       # or, for kinds that live in a project, project_id and project_name

    class EnvironmentChanges(Struct):     # the body of PATCH, all optional
        name: Name | None = None
        description: str | None = None

    ENVIRONMENT = Kind("environment", "Environments", Environment, EnvironmentSpec, EnvironmentChanges)
    routes = rest(ENVIRONMENT)

Where a kind lives (organization or project) and what it is unique by (name or slug) is said in ``registry/entity``.

1. ``POST /v1/<kind>`` returns the entity of that name unmodified, with ``x-bt-found-existing: true``, or makes it.
   To find takes read access, to make takes write access to the project, or to the organization.
2. ``PUT`` replaces what POST would find: the keys of the spec, and null where one is not given. The id stays.
3. ``PATCH /v1/<kind>/{id}`` sets the keys that are given. Objects, such as metadata, are merged deeply; everything
   else is replaced. A key that is null is left as it is, because clients send null for what they do not mean.
4. ``GET /v1/<kind>`` lists, newest first, what the principal may read.
5. ``DELETE`` answers with the entity and its ``deleted_at``; with a project goes everything in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias, cast

import msgspec
from msgspec import NODEFAULT, Meta, Struct

from btql_server.access.model import Level, Resource
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call, uuid_of
from btql_server.http.errors import HttpError
from btql_server.http.routes import Handler, Routes
from btql_server.registering.places import find_project, own_organization, require_entity, require_project, touch
from btql_server.registry.entity import IN_ORGANIZATION, KEYED_BY_SLUG, Entity, EntitySpec, Listing
from btql_server.registry.store import NameTaken

Given: TypeAlias = Mapping[str, object]
"""A request's body, by its keys."""
Made: TypeAlias = tuple[Entity, bool]
"""An entity, and whether this request made it."""

_ATTRIBUTES = frozenset({"id", "org_id", "project_id", "name", "slug", "user_id", "created", "deleted_at"})
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
    """What POST does, where it is not simply :func:`get_or_create`."""
    check: Callable[[Call, Given], None] | None = None
    """Raises where a spec or changes cannot be."""
    delete_level: Level = Level.WRITE

    def body(self, given: Given) -> dict[str, object]:
        """Return what of a request belongs into the body of an entity."""
        return {name: given[name] for name in self.shape.__struct_fields__ if name in given and name not in _ATTRIBUTES}


class ListQuery(Struct):
    """The parameters that every list has."""

    limit: Annotated[int, Meta(ge=0)] | None = None
    starting_after: str | None = None
    ending_before: str | None = None
    ids: str | list[str] | None = None
    project_id: str | None = None
    project_name: str | None = None
    org_name: str | None = None
    slug: str | None = None


def rest(kind: Kind) -> Routes:
    """Return the REST routes of a kind."""
    routes, name = Routes(kind.tag), kind.name
    one, several = f"/v1/{name}/{{entity_id}}", f"/v1/{name}"
    page = msgspec.defstruct(f"{kind.shape.__name__}List", [("objects", list[kind.shape])])
    fields = [(f"{name}_name", str | None, None)]
    listing = msgspec.defstruct(f"{kind.shape.__name__}Listing", fields, bases=(ListQuery,))

    def post(call: Call, body: Struct) -> Answer:
        entity, created = create(call, kind, given_by(body))
        return found_or_made(shown(kind, entity), created=created)

    def put(call: Call, body: Struct) -> Answer:
        entity, created = replace_or_create(call, kind, given_by(body))
        return found_or_made(shown(kind, entity), created=created)

    def get(call: Call, entity_id: str) -> Answer:
        return json_answer(shown(kind, require_entity(call, Level.READ, name, entity_id)))

    def list_(call: Call, query: ListQuery) -> Answer:
        return json_answer({"objects": [shown(kind, entity) for entity in listed(call, kind, query)]})

    def patch(call: Call, entity_id: str, body: Struct) -> Answer:
        return json_answer(shown(kind, change(call, kind, entity_id, given_by(body))))

    def delete(call: Call, entity_id: str) -> Answer:
        entity = require_entity(call, kind.delete_level, name, entity_id)
        return json_answer(shown(kind, call.state.registry.delete(entity)))

    words = name.replace("_", " ")
    a = f"an {words}" if words[0] in "aeiou" else f"a {words}"
    declared: list[tuple[str, str, object, Handler, str, dict[str, type]]] = [
        ("POST", several, kind.shape, post, f"Make {a}, or return the one that is there.", {"body": kind.spec}),
        ("PUT", several, kind.shape, put, f"Make {a}, or replace the one that is there.", {"body": kind.spec}),
        ("GET", several, page, list_, f"List each {words} that one may read, newest first.", {"query": listing}),
        ("GET", one, kind.shape, get, f"Return {a}.", {}),
        ("PATCH", one, kind.shape, patch, f"Change {a}.", {"body": kind.changes}),
        ("DELETE", one, kind.shape, delete, f"Delete {a}.", {}),
    ]
    for method, path, answer, handler, summary, shapes in declared:
        handler.__doc__ = summary
        handler.__annotations__.update(shapes)
        routes.add(method, path, answer=answer)(handler)
    return routes


def given_by(body: Struct) -> Given:
    """Return a decoded body by its keys."""
    return cast("Given", msgspec.structs.asdict(body))


def shown(kind: Kind, entity: Entity) -> dict[str, object]:
    """Return an entity as it is answered."""
    document: dict[str, object] = {}
    for field in msgspec.structs.fields(kind.shape):
        value = getattr(entity, field.name) if field.name in _ATTRIBUTES else entity.body.get(field.name)
        default = None if field.default is NODEFAULT else field.default
        document[field.name] = default if value is None else value
    return document


def found_or_made(document: Given, *, created: bool) -> Answer:
    """Return the answer to a get-or-create."""
    return json_answer(document, headers={} if created else {"x-bt-found-existing": "true"})


def create(call: Call, kind: Kind, given: Given) -> Made:
    """Return the entity that a spec describes, made where it is missing."""
    if kind.check is not None:
        kind.check(call, given)
    if kind.create is not None:
        return kind.create(call, given)
    return get_or_create(call, kind, place_of(call, kind, given), given)


def get_or_create(call: Call, kind: Kind, place: Resource, given: Given) -> Made:
    """Return the entity of that name, or slug, in a place, made where it is missing; it is not modified."""
    registry = call.state.registry
    found, created = _existing(call, kind, place, given), False
    if found is None:
        call.require(Level.WRITE, place, _described(call, place))
        found, created = registry.create(_spec(call, kind, place, given))
    call.require(Level.READ, found.resource)
    touch(call, found)
    # Also for one that was found: a crash may have come between the two.
    for object_kind in kind.objects:
        call.state.storage.create_object(object_kind, found.id)
    return found, created


def replace_or_create(call: Call, kind: Kind, given: Given) -> Made:
    """Return the entity that a spec describes: one of that name, replaced, or a new one."""
    with call.state.registry.writing():
        place = place_of(call, kind, given)
        found = _existing(call, kind, place, given)
        if found is None:
            return create(call, kind, given)
        call.require(Level.WRITE, found.resource)
        if kind.check is not None:
            kind.check(call, given)
        touch(call, found)
        name, slug = cast("str | None", given.get("name")), cast("str | None", given.get("slug"))
        return call.state.registry.update(found, kind.body(given), name=name, slug=slug), False


def change(call: Call, kind: Kind, entity_id: str, given: Given) -> Entity:
    """Return an entity after changes; 409 where its new name is another one's."""
    given = {key: value for key, value in given.items() if value is not None}
    registry = call.state.registry
    # What is merged must not change in between.
    with registry.writing():
        entity = require_entity(call, Level.WRITE, kind.name, entity_id)
        if kind.check is not None:
            kind.check(call, given)
        changes = {key: merged(entity.body.get(key), value) for key, value in kind.body(given).items()}
        name, slug = cast("str | None", given.get("name")), cast("str | None", given.get("slug"))
        try:
            return registry.update(entity, changes, name=name, slug=slug)
        except NameTaken as error:
            raise HttpError(409, f"{error}: choose another name, or delete that one first") from None


def merged(old: object, new: object) -> object:
    """Return a value with changes: objects are merged, all else is replaced."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    before, after = cast("dict[str, object]", old), cast("dict[str, object]", new)
    return before | {key: merged(before.get(key), value) for key, value in after.items()}


def listed(call: Call, kind: Kind, query: ListQuery) -> Sequence[Entity]:
    """Return the page of entities that a query asks for, without those that the principal may not read."""
    own_organization(call, name=query.org_name)
    project_id = None
    in_project = kind.name not in IN_ORGANIZATION
    if in_project and (query.project_id is not None or query.project_name is not None):
        project = find_project(call, project_id=query.project_id, name=query.project_name)
        if project is None:
            return []
        project_id = project.id
    ids = [query.ids] if isinstance(query.ids, str) else query.ids
    listing = Listing(
        kind.name,
        call.principal.org_id,
        project_id,
        cast("str | None", getattr(query, f"{kind.name}_name", None)),
        query.slug,
        None if ids is None else [uuid_of(each, "ids") for each in ids],
        query.limit,
        None if query.starting_after is None else uuid_of(query.starting_after, "starting_after"),
        None if query.ending_before is None else uuid_of(query.ending_before, "ending_before"),
    )
    found = readable(call, listing)
    for entity in found:
        touch(call, entity)
    return found


def readable(call: Call, listing: Listing) -> Sequence[Entity]:
    """Return the entities of a listing that the principal may read."""
    registry, principal = call.state.registry, call.principal
    if principal.level(Resource(principal.org_id)) >= Level.READ:
        return registry.list(listing)
    every = registry.list(replace(listing, limit=None))
    found = [entity for entity in every if principal.level(entity.resource) >= Level.READ]
    if listing.limit is None:
        return found
    before = listing.ending_before is not None and listing.starting_after is None
    return found[max(0, len(found) - listing.limit) :] if before else found[: listing.limit]


def place_of(call: Call, kind: Kind, given: Given) -> Resource:
    """Return where an entity is to live, which the principal may read."""
    organization = own_organization(call, name=cast("str | None", given.get("org_name")))
    if kind.name in IN_ORGANIZATION:
        return organization
    project_id, name = cast("str | None", given.get("project_id")), cast("str | None", given.get("project_name"))
    return require_project(call, project_id=project_id, name=name).resource


def _existing(call: Call, kind: Kind, place: Resource, given: Given) -> Entity | None:
    key = cast("str | None", given.get("slug" if kind.name in KEYED_BY_SLUG else "name"))
    return None if key is None else call.state.registry.find(kind.name, place.project_id or place.org_id, key)


def _spec(call: Call, kind: Kind, place: Resource, given: Given) -> EntitySpec:
    return EntitySpec(
        kind.name,
        place.org_id,
        place.project_id,
        cast("str | None", given.get("name")),
        cast("str | None", given.get("slug")),
        call.principal.id,
        kind.body(given),
    )


def _described(call: Call, place: Resource) -> str:
    if place.project_id is None:
        return f"organization {call.principal.org_name}"
    return f"project id {place.project_id}"
