"""API keys, which belong to users, and the keys of service tokens.

The text of a key is in the answer that makes it, and nowhere else. An administrator of the organization manages all
keys. Others manage their own, but only with a key that allows whatever they may do: who finds a key that is limited to
reading, to writing or to a project cannot make another one of it that survives, nor revoke its owner's.

Beyond what Braintrust's API knows, ``level``, ``project_id`` and ``expires_at`` limit a key, and an administrator may
make one for somebody else, by ``user_id``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from btql_server.access import administrators, key_store, members
from btql_server.access.asker import forbidden
from btql_server.access.key_store import ANY_TIME, Key, KeySpec, Made
from btql_server.access.model import Level, MemberKind, Resource
from btql_server.administering.key_shapes import (
    ApiKey,
    ApiKeyQuery,
    ApiKeys,
    KeyLimits,
    MadeApiKey,
    MadeServiceToken,
    NamedServiceToken,
    NewApiKey,
    NewServiceToken,
    OrganizationKeysQuery,
    ServiceToken,
    ServiceTokenQuery,
    ServiceTokens,
)
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call, uuid_of
from btql_server.http.errors import HttpError
from btql_server.http.paging import PageQuery, page_of
from btql_server.http.routes import Routes
from btql_server.registering.places import own_organization, require_entity
from btql_server.registry.entity import Entity

routes = Routes("Keys")


@routes.post("/v1/api_key", answer=MadeApiKey)
def make_api_key(call: Call, body: NewApiKey) -> Answer:
    """Make a key, for whoever asks or for another user."""
    return _make(call, _owner_of_api_key(call, body), body)


@routes.put("/v1/api_key", answer=MadeApiKey)
def replace_api_key(call: Call, body: NewApiKey) -> Answer:
    """Make a key, and revoke those of the same name and user."""
    return _make(call, _owner_of_api_key(call, body), body, replace=True)


@routes.get("/v1/api_key", answer=ApiKeys)
def api_keys(call: Call, query: ApiKeyQuery) -> Answer:
    """List the keys of all users to an administrator, and one's own keys to everybody else."""
    own_organization(call, name=query.org_name)
    return _list(call, "user", query, query.api_key_name)


@routes.get("/v1/organization/api_keys", answer=ApiKeys)
def organization_api_keys(call: Call, query: OrganizationKeysQuery) -> Answer:
    """List the keys of all users to an administrator, made within a span of time."""
    own_organization(call, org_id=query.org_id)
    call.require_organization(Level.ADMIN)
    after, before = query.created_after, query.created_before
    made = Made(
        None if after is None else _in_utc(after, "created_after"),
        None if before is None else _in_utc(before, "created_before"),
    )
    return _list(call, "user", query, query.api_key_name, made)


@routes.get("/v1/api_key/{key_id}", answer=ApiKey)
def api_key(call: Call, key_id: str) -> Answer:
    """Return a user's key, without its text."""
    return json_answer(_shown(*_require(call, "user", key_id, Level.READ)))


@routes.delete("/v1/api_key/{key_id}", answer=ApiKey)
def revoke_api_key(call: Call, key_id: str) -> Answer:
    """Revoke a user's key; it stops working at once."""
    return _revoke(call, "user", key_id)


@routes.post("/v1/service_token", answer=MadeServiceToken)
def make_service_token(call: Call, body: NewServiceToken) -> Answer:
    """Make a key for a service token, which ``PATCH /v1/organization/members`` makes."""
    return _make(call, _owner_of_service_token(call, body), body)


@routes.put("/v1/service_token", answer=MadeServiceToken)
def replace_service_token(call: Call, body: NewServiceToken) -> Answer:
    """Make a key for a service token, and revoke its keys of the same name."""
    return _make(call, _owner_of_service_token(call, body), body, replace=True)


@routes.get("/v1/service_token", answer=ServiceTokens)
def service_tokens(call: Call, query: ServiceTokenQuery) -> Answer:
    """List the keys of all service tokens to an administrator, and its own keys to a service token."""
    own_organization(call, name=query.org_name)
    return _list(call, "service_token", query, query.service_token_name)


@routes.delete("/v1/service_token", answer=ServiceToken)
def revoke_named_service_token(call: Call, body: NamedServiceToken) -> Answer:
    """Revoke the service token's key that the body names; it stops working at once."""
    return _revoke(call, "service_token", body.id)


@routes.get("/v1/service_token/{key_id}", answer=ServiceToken)
def service_token(call: Call, key_id: str) -> Answer:
    """Return a service token's key, without its text."""
    return json_answer(_shown(*_require(call, "service_token", key_id, Level.READ)))


@routes.delete("/v1/service_token/{key_id}", answer=ServiceToken)
def revoke_service_token(call: Call, key_id: str) -> Answer:
    """Revoke a service token's key; it stops working at once."""
    return _revoke(call, "service_token", key_id)


def _owner_of_api_key(call: Call, body: NewApiKey) -> Entity:
    principal = call.principal
    if body.user_id is None and principal.kind != "user":
        who = "a service token" if principal.kind == "service_token" else "nobody"
        raise HttpError(400, f"Invalid request: {who} asks, so say by `user_id` for which user the key is")
    return _owner(call, "user", body.user_id or principal.id, "user_id", body.org_name)


def _owner_of_service_token(call: Call, body: NewServiceToken) -> Entity:
    return _owner(call, "service_token", body.service_account_id, "service_account_id", body.org_name)


def _owner(call: Call, kind: MemberKind, member_id: str, parameter: str, org_name: str | None) -> Entity:
    own_organization(call, name=org_name)
    found = call.state.registry.get(kind, uuid_of(member_id, parameter))
    return _allowed(call, found, Level.ADMIN, f"{kind} id {member_id}")


def _allowed(call: Call, owner: Entity | None, level: Level, described: str) -> Entity:
    """Return the owner of keys that the principal may read, or manage."""
    principal = call.principal
    if owner is not None and owner.org_id == principal.org_id:
        whole = principal.key_level is Level.ADMIN and principal.key_project_id is None
        if _is_administrator(call) or (owner.id == principal.id and (whole or level is Level.READ)):
            return owner
    raise forbidden(principal, level, described)


def _is_administrator(call: Call) -> bool:
    return call.principal.level(Resource(call.principal.org_id)) is Level.ADMIN


def _make(call: Call, owner: Entity, limits: KeyLimits, *, replace: bool = False) -> Answer:
    registry = call.state.registry
    expires_at = None if limits.expires_at is None else _in_future(limits.expires_at)
    project_id = limits.project_id
    if project_id is not None:
        project_id = require_entity(call, Level.READ, "project", project_id).id
    level = Level.ADMIN if limits.level is None else Level[limits.level.upper()]
    spec = KeySpec(owner, limits.name, level, project_id, expires_at)
    # To revoke a key is always allowed, as it may have been found out; to replace one is no reason to lock oneself out.
    with administrators.keeping_one(registry, owner.org_id):
        if replace:
            for old in key_store.listed(registry, principal_id=owner.id, name=limits.name):
                key_store.revoke(registry, old)
        key, text = key_store.create(registry, spec)
    _touch(call, key)
    return json_answer({**_shown(key, owner), "key": text})


def _in_future(moment: datetime) -> datetime:
    moment = _in_utc(moment, "expires_at")
    if moment <= datetime.now(UTC):
        raise HttpError(400, "Invalid request: `expires_at` is not in the future")
    return moment


def _in_utc(moment: datetime, parameter: str) -> datetime:
    try:
        # Without a zone it is UTC, as everywhere, whatever the clock of this machine shows.
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (OverflowError, ValueError):
        # In the first or the last of all years, some clocks show none that this one has.
        raise HttpError(400, f"Invalid request: `{parameter}` is out of range") from None


def _list(call: Call, kind: MemberKind, query: PageQuery, name: str | None, made: Made = ANY_TIME) -> Answer:
    registry, principal = call.state.registry, call.principal
    owner_id = None if _is_administrator(call) else principal.id
    keys = key_store.listed(
        registry, org_id=principal.org_id, principal_id=owner_id, owners=kind, name=name, page=page_of(query), made=made
    )
    return json_answer({"objects": _all_shown(call, keys)})


def _all_shown(call: Call, keys: Sequence[Key]) -> Sequence[dict[str, object]]:
    owners = {each: members.member(call.state.registry, each) for each in {key.principal_id for key in keys}}
    shown: list[dict[str, object]] = []
    for key in keys:
        owner = owners[key.principal_id]
        if owner is not None:
            _touch(call, key)
            shown.append(_shown(key, owner))
    return shown


def _require(call: Call, kind: MemberKind, key_id: str, level: Level) -> tuple[Key, Entity]:
    """Return a living key that the principal may read, or manage, and its owner."""
    registry = call.state.registry
    key = key_store.get(registry, uuid_of(key_id, "key_id"))
    owner = None if key is None or key.revoked_at is not None else registry.get(kind, key.principal_id)
    owner = _allowed(call, owner, level, f"key id {key_id}")
    assert key is not None
    _touch(call, key)
    return key, owner


def _revoke(call: Call, kind: MemberKind, key_id: str) -> Answer:
    key, owner = _require(call, kind, key_id, Level.ADMIN)
    key_store.revoke(call.state.registry, key)
    return json_answer(_shown(key, owner))


def _touch(call: Call, key: Key) -> None:
    call.touched[key.id] = ("key", key.name)


def _shown(key: Key, owner: Entity) -> dict[str, object]:
    document: dict[str, object] = {
        "id": key.id,
        "created": key.created,
        "name": key.name,
        "preview_name": key.preview,
        "org_id": key.org_id,
        "level": key.level.name.lower(),
        "project_id": key.project_id,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
    }
    if owner.kind == "user":
        return document | {
            "user_id": owner.id,
            "user_email": owner.name,
            "user_given_name": owner.body.get("given_name"),
            "user_family_name": owner.body.get("family_name"),
        }
    return document | {
        "service_account_id": owner.id,
        "service_account_email": None,
        "service_account_name": owner.name,
    }
