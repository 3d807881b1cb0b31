"""Environments, and which version of a prompt, function or dataset is in each of them.

An environment (``production``, ``staging``) belongs to the organization and is known by its slug. To *pin* an object
in it says which version those get who ask for the object in that environment. A pin is an entry of the registry that
belongs to the environment and the object, and goes with either.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.registering.kind import Given, Kind
from btql_server.registering.places import Name
from btql_server.registering.rest import rest
from btql_server.registry.entity import Entity, EntitySpec, Listing

PIN = "environment_object"
"""The kind of an entry that pins an object."""


class Environment(Struct):
    """An environment."""

    id: str
    org_id: str
    name: str
    slug: str
    description: str | None = None
    created: str | None = None
    deleted_at: str | None = None


class EnvironmentSpec(Struct):
    """An environment to make."""

    name: Name
    slug: Name
    description: str | None = None
    org_name: str | None = None


class EnvironmentChanges(Struct):
    """What may change of an environment."""

    name: Name | None = None
    slug: Name | None = None
    description: str | None = None


ENVIRONMENT = Kind(
    "environment",
    "Environments",
    Environment,
    EnvironmentSpec,
    EnvironmentChanges,
    path="/environment",
    filters=("name",),
)
routes = rest(ENVIRONMENT)


def require_environment(call: Call, slug: str) -> Entity:
    """Return the environment of a slug, in the organization of the key; whoever may read an object may name one."""
    found = call.state.registry.find("environment", call.principal.org_id, slug)
    if found is None:
        raise HttpError(400, f"there is no environment `{slug[:80]}`: make it with POST /environment")
    return found


def pin(call: Call, environment: Entity, target: Entity, xact_id: int) -> Entity:
    """Say which version of an object is in an environment, whatever it was before."""
    registry = call.state.registry
    body: Given = {"object_type": target.kind, "object_id": target.id, "object_version": str(xact_id)}
    slug = _slug(environment, target)
    spec = EntitySpec(
        PIN, target.org_id, target.project_id, environment.slug, slug, call.principal.id,
        {**body, "environment_id": environment.id},
    )  # fmt: skip
    with registry.writing():
        found, created = registry.create(spec)
        return found if created else registry.update(found, body)


def find_pin(call: Call, environment: Entity, target: Entity) -> Entity | None:
    """Return the entry that says which version of an object is in an environment."""
    return call.state.registry.find(PIN, *_place(environment, target))


def pinned(call: Call, environment: Entity, targets: Iterable[Entity]) -> dict[str, int]:
    """Return the versions of objects that are in an environment, by id of the object; not of those that are not."""
    found = call.state.registry.find_all(PIN, [_place(environment, target) for target in targets])
    return {str(each.body["object_id"]): int(str(each.body["object_version"])) for each in found}


def pins(call: Call, target: Entity) -> Sequence[tuple[Entity, Entity]]:
    """Return the environments that an object is in, each with its pin."""
    registry = call.state.registry
    mine = {
        str(entry.body["environment_id"]): entry
        for entry in registry.list(Listing(PIN, target.org_id, target.project_id))
        if entry.body["object_type"] == target.kind and entry.body["object_id"] == target.id
    }
    # Those of an environment that was deleted mean nothing any more.
    environments = {each.id: each for each in registry.list(Listing("environment", ids=list(mine)))}
    return [(environments[one], entry) for one, entry in mine.items() if one in environments]


def _place(environment: Entity, target: Entity) -> tuple[str, str]:
    """Return where the registry finds the pin of an object in an environment."""
    return target.project_id or target.org_id, _slug(environment, target)


def _slug(environment: Entity, target: Entity) -> str:
    """Return what makes a pin unique. An environment made anew under an old slug begins without any."""
    return f"{target.kind}/{target.id}/{environment.id}"
