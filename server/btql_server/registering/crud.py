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
from types import GenericAlias
from typing import TypeAlias, cast

import msgspec
from msgspec import NODEFAULT, Struct

from btql_server.access.asker import forbidden
from btql_server.access.model import Level, Resource
from btql_server.http.answer import Answer, json_answer
from btql_server.http.body import require_shallow
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.paging import PageQuery, page_of
from btql_server.http.pools import PoolName
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
        return {name: given[name] for name in self.shape.__struct_fields__ if name in given and name not in _ATTRIBUTES}


class ListQuery(PageQuery):
    """The parameters that every list of entities has."""

    project_id: str | None = None
    project_name: str | None = None
    org_name: str | None = None
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the routes of a kind do; parameters are as ``http/routes`` has them, the id is ``entity_id``."""

    post: Handler
    put: Handler
    list: Handler
    get: Handler
    patch: Handler
    delete: Handler


def rest(kind: Kind) -> Routes:
    """Return the REST routes of a kind."""
    name = kind.name

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

    return declared(kind, Handlers(post, put, list_, get, patch, delete))


def declared(
    kind: Kind,
    do: Handlers,
    *,
    listing: type[ListQuery] = ListQuery,
    one_query: type[Struct] | None = None,
    writes: PoolName = "small",
) -> Routes:
    """Return the routes of a kind; ``listing`` has the parameters of its list, ``one_query`` those of one."""
    routes, name = Routes(kind.tag), kind.name
    several = kind.path or f"/v1/{name}"
    one = f"{several}/{{entity_id}}"
    page = msgspec.defstruct(f"{kind.shape.__name__}List", [("objects", GenericAlias(list, (kind.shape,)))])
    fields = [(field, str | None, None) for field in (f"{name}_name", *kind.filters)]
    query = msgspec.defstruct(f"{kind.shape.__name__}Listing", fields, bases=(listing,))
    of_one: dict[str, type] = {} if one_query is None else {"query": one_query}

    words = name.replace("_", " ")
    a = f"an {words}" if words[0] in "aeiou" else f"a {words}"
    routes_of: list[tuple[str, str, object, Handler, str, dict[str, type]]] = [
        ("POST", several, kind.shape, do.post, f"Make {a}, or return the one that is there.", {"body": kind.spec}),
        ("PUT", several, kind.shape, do.put, f"Make {a}, or replace the one that is there.", {"body": kind.spec}),
        ("GET", several, page, do.list, f"List each {words} that one may read, newest first.", {"query": query}),
        ("GET", one, kind.shape, do.get, f"Return {a}.", of_one),
        ("PATCH", one, kind.shape, do.patch, f"Change {a}.", {"body": kind.changes}),
        ("DELETE", one, kind.shape, do.delete, f"Delete {a}.", {}),
    ]
    for method, path, answer, handler, summary, shapes in routes_of:
        handler.__doc__ = summary
        handler.__annotations__.update(shapes)
        routes.add(method, path, answer=answer, pool="small" if method == "GET" else writes)(handler)
    return routes


def given_by(body: Struct) -> Given:
    """Return a decoded body by its keys."""
    given = cast("Given", msgspec.structs.asdict(body))
    require_shallow(given)
    return given


def shown(kind: Kind, entity: Entity) -> dict[str, object]:
    """Return an entity as it is answered."""
    document: dict[str, object] = {}
    for field in msgspec.structs.fields(kind.shape):
        value = _value(entity, field.name)
        default = None if field.default is NODEFAULT else field.default
        document[field.name] = default if value is None else value
    return document


def _value(entity: Entity, key: str) -> object:
    return getattr(entity, key) if key in _ATTRIBUTES else entity.body.get(key)


def found_or_made(document: Given, *, created: bool) -> Answer:
    """Return the answer to a get-or-create."""
    return json_answer(document, headers={} if created else {"x-bt-found-existing": "true"})


def create(call: Call, kind: Kind, given: Given) -> Made:
    """Return the entity that a spec describes, made where it is missing."""
    given = _completed(call, kind, given)
    if kind.check is not None:
        kind.check(call, given)
    if kind.create is not None:
        return kind.create(call, given)
    return get_or_create(call, kind, place_of(call, kind, given), given)


def get_or_create(call: Call, kind: Kind, place: Resource, given: Given) -> Made:
    """Return the entity of that name, or slug, in a place, made where it is missing; it is not modified."""
    registry = call.state.registry
    found, created = existing(call, kind, place, given), False
    if found is None or hidden(call, found):
        # Whether there is a project that one may not read is not told either.
        call.require(Level.WRITE, place, described(call, place))
    if found is None:
        with registry.writing():
            # The project may have been deleted since it was looked up, and everything in it with it.
            if place.project_id is not None and registry.get("project", place.project_id) is None:
                raise forbidden(call.principal, Level.WRITE, described(call, place))
            found, created = registry.create(spec_of(call, kind, place, given))
    call.require(Level.READ, found.resource)
    touch(call, found)
    # Also for one that was found: a crash may have come between the two.
    for object_kind in kind.objects:
        call.state.storage.create_object(object_kind, found.id)
    return found, created


def replace_or_create(call: Call, kind: Kind, given: Given) -> Made:
    """Return the entity that a spec describes: one of that name, replaced, or a new one."""
    with call.state.registry.writing():
        given = _completed(call, kind, given)
        place = place_of(call, kind, given)
        found = existing(call, kind, place, given)
        if found is None or hidden(call, found):
            return create(call, kind, given)
        call.require(Level.WRITE, found.resource)
        if kind.check is not None:
            kind.check(call, given)
        touch(call, found)
        return updated(call, found, kind.body(given), given), False


def change(call: Call, kind: Kind, entity_id: str, given: Given) -> Entity:
    """Return an entity after changes; 409 where its new name is another one's."""
    given = {key: value for key, value in given.items() if value is not None}
    registry = call.state.registry
    # What is merged must not change in between.
    with registry.writing():
        entity = require_entity(call, Level.WRITE, kind.name, entity_id)
        given = _completed(call, kind, given, entity)
        if kind.check is not None:
            kind.check(call, given)
        changes = {key: merged(entity.body.get(key), value) for key, value in kind.body(given).items()}
        return updated(call, entity, changes, given)


def updated(call: Call, entity: Entity, changes: Given, given: Given) -> Entity:
    """Return an entity with changes of its body, and with the name and slug of a request if there are any."""
    name, slug = cast("str | None", given.get("name")), cast("str | None", given.get("slug"))
    try:
        return call.state.registry.update(entity, changes, name=name, slug=slug)
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
    page = page_of(query)
    listing = Listing(
        kind.name,
        call.principal.org_id,
        project_id,
        cast("str | None", getattr(query, f"{kind.name}_name", None)),
        query.slug,
        page.ids,
        page.limit,
        page.starting_after,
        page.ending_before,
    )
    wanted = {key: value for key in kind.filters if (value := getattr(query, key)) is not None}
    if wanted:
        every = readable(call, replace(listing, limit=None))
        found = page.cut([one for one in every if all(_value(one, key) == wanted[key] for key in wanted)])
    else:
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
    return listing.page.cut([entity for entity in every if principal.level(entity.resource) >= Level.READ])


def place_of(call: Call, kind: Kind, given: Given) -> Resource:
    """Return where an entity is to live, which the principal may read."""
    if kind.place is not None:
        return kind.place(call, given)
    organization = own_organization(call, name=cast("str | None", given.get("org_name")))
    if kind.name in IN_ORGANIZATION:
        return organization
    project_id, name = cast("str | None", given.get("project_id")), cast("str | None", given.get("project_name"))
    return require_project(call, project_id=project_id, name=name).resource


def existing(call: Call, kind: Kind, place: Resource, given: Given) -> Entity | None:
    """Return the entity that a spec would find in a place."""
    key = cast("str | None", given.get("slug" if kind.name in KEYED_BY_SLUG else "name"))
    return None if key is None else call.state.registry.find(kind.name, place.project_id or place.org_id, key)


def hidden(call: Call, entity: Entity) -> bool:
    """Tell whether the principal may not know of an entity."""
    return call.principal.level(entity.resource) < Level.READ


def spec_of(call: Call, kind: Kind, place: Resource, given: Given) -> EntitySpec:
    """Return what a request wants to be made in a place."""
    return EntitySpec(
        kind.name,
        place.org_id,
        place.project_id,
        cast("str | None", given.get("name")),
        cast("str | None", given.get("slug")),
        call.principal.id,
        kind.body(given),
    )


def described(call: Call, place: Resource) -> str:
    """Return how an error calls a place."""
    return f"{place.kind} id {place.id}" if place.id else f"organization {call.principal.org_name}"


def _completed(call: Call, kind: Kind, given: Given, entity: Entity | None = None) -> Given:
    return given if kind.complete is None else kind.complete(call, given, entity)
