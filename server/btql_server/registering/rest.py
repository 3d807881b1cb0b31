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

from dataclasses import dataclass
from types import GenericAlias
from typing import cast

import msgspec
from msgspec import Struct

from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.body import require_shallow
from btql_server.http.call import Call
from btql_server.http.pools import PoolName
from btql_server.http.routes import Handler, Routes
from btql_server.registering.crud import change, create, listed, replace_or_create
from btql_server.registering.kind import Given, Kind, ListQuery, shown
from btql_server.registering.places import require_entity


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


def found_or_made(document: Given, *, created: bool) -> Answer:
    """Return the answer to a get-or-create."""
    return json_answer(document, headers={} if created else {"x-bt-found-existing": "true"})
