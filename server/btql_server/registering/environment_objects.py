"""``/environment-object``: which version of a dataset, prompt or function is in which environment."""

from __future__ import annotations

from msgspec import Struct

from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes
from btql_server.http.versions import parse_version
from btql_server.registering.documents import Stored, documents
from btql_server.registering.environments import find_pin, pin, pins, require_environment
from btql_server.registering.functions import FUNCTION
from btql_server.registering.kind import Given
from btql_server.registering.places import Name, own_organization, require_entity
from btql_server.registering.prompts import PROMPT
from btql_server.registry.entity import Entity

routes = Routes("Environments")
_STORED: dict[str, Stored] = {"prompt": PROMPT, "function": FUNCTION}
_TYPES = ("dataset", *_STORED)
_ONE = "/environment-object/{object_type}/{object_id}/{environment_slug:path}"
_ALL = "/environment-object/{object_type}/{object_id}"


class EnvironmentObject(Struct):
    """A version of an object that is in an environment."""

    id: str
    object_type: str
    object_id: str
    object_version: str
    environment_slug: str
    created: str


class EnvironmentObjects(Struct):
    """All environments that an object is in."""

    objects: list[EnvironmentObject]


class Organization(Struct):
    """The organization of the environment; no other one than that of the key."""

    org_name: str | None = None


class Pin(Organization, kw_only=True):
    """A version to put into an environment."""

    object_version: str


class PinIn(Organization, kw_only=True):
    """A version to put into an environment that has none of the object yet."""

    environment_slug: Name
    object_version: str


@routes.get(_ALL, answer=EnvironmentObjects)
def list_(call: Call, object_type: str, object_id: str, query: Organization) -> Answer:
    """List the environments that an object is in."""
    target = _require(call, Level.READ, object_type, object_id, query)
    return json_answer({"objects": [_shown(environment, entry) for environment, entry in pins(call, target)]})


@routes.get(_ONE, answer=EnvironmentObject)
def get(call: Call, object_type: str, object_id: str, environment_slug: str, query: Organization) -> Answer:
    """Return the version of an object that is in an environment."""
    target = _require(call, Level.READ, object_type, object_id, query)
    environment = require_environment(call, environment_slug)
    return json_answer(_shown(environment, _require_pin(call, environment, target)))


@routes.put(_ONE, answer=EnvironmentObject)
def put(call: Call, object_type: str, object_id: str, environment_slug: str, body: Pin) -> Answer:
    """Put a version of an object into an environment, in the place of the one that is there."""
    target = _require(call, Level.WRITE, object_type, object_id, body)
    environment = require_environment(call, environment_slug)
    return json_answer(_shown(environment, pin(call, environment, target, _version(call, target, body.object_version))))


@routes.post(_ALL, answer=EnvironmentObject)
def post(call: Call, object_type: str, object_id: str, body: PinIn) -> Answer:
    """Put a version of an object into an environment that has none of it."""
    target = _require(call, Level.WRITE, object_type, object_id, body)
    environment = require_environment(call, body.environment_slug)
    version = _version(call, target, body.object_version)
    with call.state.registry.writing():
        found = find_pin(call, environment, target)
        if found is not None:
            message = f"version {found.body['object_version']} is in `{environment.slug}` already: replace it with PUT"
            raise HttpError(409, message)
        return json_answer(_shown(environment, pin(call, environment, target, version)))


@routes.delete(_ONE, answer=EnvironmentObject)
def delete(call: Call, object_type: str, object_id: str, environment_slug: str, query: Organization) -> Answer:
    """Take an object out of an environment."""
    target = _require(call, Level.WRITE, object_type, object_id, query)
    environment = require_environment(call, environment_slug)
    entry = _require_pin(call, environment, target)
    call.state.registry.delete(entry)
    return json_answer(_shown(environment, entry))


def _require(call: Call, level: Level, object_type: str, object_id: str, organization: Organization) -> Entity:
    """Return the object that a path names."""
    own_organization(call, name=organization.org_name)
    if object_type not in _TYPES:
        raise HttpError(400, f"environments have objects of type {', '.join(_TYPES)}, not `{object_type[:80]}`")
    return require_entity(call, level, object_type, object_id)


def _require_pin(call: Call, environment: Entity, target: Entity) -> Entity:
    found = find_pin(call, environment, target)
    if found is None:
        raise HttpError(400, f"no version of {target.kind} id {target.id} is in the environment `{environment.slug}`")
    return found


def _version(call: Call, target: Entity, text: str) -> int:
    """Return the version to put into an environment; it must be one that can be read, now and later."""
    version = parse_version(text, "object_version")
    last = call.state.storage.last_xact_id()
    if version > last:
        raise HttpError(400, f"there is no version {version} yet: the last transaction is {last}")
    stored = _STORED.get(target.kind)
    if stored is not None and target.id not in documents(call, stored, [target], version):
        raise HttpError(400, f"{target.kind} id {target.id} did not exist at version {version}")
    return version


def _shown(environment: Entity, entry: Entity) -> Given:
    names = ("object_type", "object_id", "object_version")
    pinned = {name: entry.body[name] for name in names}
    return {"id": entry.id, **pinned, "environment_slug": environment.slug, "created": entry.created}
