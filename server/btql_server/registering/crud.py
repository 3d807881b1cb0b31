"""What the routes of a kind do with the registry: find, make, replace, change, list.

Each checks what the principal may do, before anything is told of what there is. The routes are in
:mod:`~btql_server.registering.rest`, which says what each is to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from btql_server.access.asker import forbidden
from btql_server.access.model import Level, Resource
from btql_server.access.objects import usual
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.paging import page_of
from btql_server.registering.kind import Given, Kind, ListQuery, Made, value_of
from btql_server.registering.places import find_project, own_organization, require_entity, require_project, touch
from btql_server.registry.entity import BELONGS_TO, IN_ORGANIZATION, KEYED_BY_SLUG, Entity, EntitySpec, Listing
from btql_server.registry.store import NameTaken


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
    """Return an entity after changes; 409 where its new name is another one's, 403 where names may not be looked at."""
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
    _require_names(call, entity, name, slug)
    try:
        return call.state.registry.update(entity, changes, name=name, slug=slug)
    except NameTaken as error:
        raise HttpError(409, f"{error}: choose another name, or delete that one first") from None


def _require_names(call: Call, entity: Entity, name: str | None, slug: str | None) -> None:
    """Raise where a new name would tell by a 409 of something that the principal may not know of."""
    word, new, old = ("slug", slug, entity.slug) if entity.kind in KEYED_BY_SLUG else ("name", name, entity.name)
    if new in (None, old) or entity.kind in BELONGS_TO:
        return
    of_organization = entity.kind in IN_ORGANIZATION
    place = Resource(entity.org_id) if of_organization else Resource(entity.org_id, entity.project_id, "project")
    if call.principal.level(place) < Level.READ:
        raise HttpError(
            403, f"a new {word} takes read access to the {place.kind}, where no other {entity.kind} may have it"
        )


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
    given = ((key, cast("str | None", getattr(query, key))) for key in kind.filters)
    wanted = {key: usual(value) if key.endswith("_id") else value for key, value in given if value is not None}
    if wanted:
        every = readable(call, replace(listing, limit=None))
        found = page.cut([one for one in every if all(value_of(one, key) == wanted[key] for key in wanted)])
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
