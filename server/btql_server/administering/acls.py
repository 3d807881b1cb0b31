"""Access-control entries: who may do what with the organization, a project, or one thing in a project.

An entry gives one permission to one member; ``access/grants`` says which level it means. Whoever may read a thing may
see its entries, and whoever has admin access to it may change them. Entries are inherited: what holds for a project
holds for everything in it.

``object_type`` is ``organization``, ``project``, or any kind of thing that has an id and lives in a project.
``user_id`` is a user or a service token. Groups, roles, and ``restrict_object_type`` are refused: an entry that would
mean less than it says, or more, is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
from msgspec import Struct

from btql_server.access import administrators, grants, members
from btql_server.access.asker import forbidden
from btql_server.access.grants import Grant, GrantFilter, GrantSpec, Permission
from btql_server.access.model import Level, Resource
from btql_server.access.objects import usual
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call, uuid_of
from btql_server.http.errors import HttpError
from btql_server.http.paging import PageQuery, page_of
from btql_server.http.routes import Routes
from btql_server.registering.places import own_organization, touch
from btql_server.registry.entity import IN_ORGANIZATION

routes = Routes("Permissions")
_BATCH_MAX = 1_000


class AclItem(Struct):
    """An entry, as it is asked for."""

    object_type: str
    object_id: str
    user_id: str | None = None
    group_id: str | None = None
    permission: Permission | None = None
    restrict_object_type: str | None = None
    role_id: str | None = None


class Acl(Struct, rename={"object_org_id": "_object_org_id"}):
    """An entry."""

    id: str
    object_type: str
    object_id: str
    user_id: str | None
    group_id: str | None
    permission: Permission | None
    restrict_object_type: str | None
    role_id: str | None
    object_org_id: str
    created: str | None


class Acls(Struct):
    """A page of entries."""

    objects: list[Acl]


class AclBatch(Struct):
    """Entries to add and to remove, all of them or none."""

    add_acls: list[AclItem] | None = None
    remove_acls: list[AclItem] | None = None


class AclBatchDone(Struct):
    """The entries that are new, and those that are gone."""

    added_acls: list[Acl]
    removed_acls: list[Acl]


class AclFilter(PageQuery):
    """Which entries to list."""

    user_id: str | None = None
    group_id: str | None = None
    permission: Permission | None = None
    restrict_object_type: str | None = None
    role_id: str | None = None


class AclQuery(AclFilter, kw_only=True):
    """Whose entries to list."""

    object_type: str
    object_id: str


class OrganizationAclQuery(AclFilter):
    """Which entries of the organization to list."""

    org_name: str | None = None
    object_type: str | None = None
    object_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """What an entry is about."""

    resource: Resource
    object_type: str
    object_id: str


# The paths with a word come before `/v1/acl/{acl_id}`, which fits them, too.
@routes.get("/v1/acl/list_org", answer=Acls)
def organization_acls(call: Call, query: OrganizationAclQuery) -> Answer:
    """List the entries of everything in the organization."""
    own_organization(call, name=query.org_name)
    call.require_organization(Level.READ)
    return _list(call, query, query.object_type, query.object_id)


@routes.post("/v1/acl/batch_update", answer=AclBatchDone)
def batch_update(call: Call, body: AclBatch) -> Answer:
    """Add and remove entries, all or none. What is there already is not added, and what is not there not removed."""
    adding, removing = body.add_acls or [], body.remove_acls or []
    if len(adding) + len(removing) > _BATCH_MAX:
        raise HttpError(
            400, f"Invalid request: {len(adding) + len(removing):,} entries at once; at most {_BATCH_MAX:,}"
        )
    registry = call.state.registry
    with administrators.keeping_one(registry, call.principal.org_id):
        added = [grant for grant, new in (_add(call, item) for item in adding) if new]
        removed = [grant for grant in (_find(call, item) for item in removing) if grant is not None]
        for grant in removed:
            grants.remove(registry, grant)
    return json_answer({"added_acls": _all_shown(added), "removed_acls": _all_shown(removed)})


@routes.post("/v1/acl", answer=Acl)
def create(call: Call, body: AclItem) -> Answer:
    """Give a permission; an entry that is there already is returned as it is."""
    grant, new = _add(call, body)
    return json_answer(_shown(grant), headers={} if new else {"x-bt-found-existing": "true"})


@routes.get("/v1/acl", answer=Acls)
def acls(call: Call, query: AclQuery) -> Answer:
    """List the entries of one thing."""
    target = _require_target(call, Level.READ, query.object_type, query.object_id)
    return _list(call, query, target.object_type, target.object_id)


@routes.delete("/v1/acl", answer=Acl)
def delete_like(call: Call, body: AclItem) -> Answer:
    """Take back the permission that a body describes."""
    grant = _find(call, body)
    if grant is None:
        raise HttpError(404, "there is no such entry: nothing was taken back")
    _take_back(call, grant)
    return json_answer(_shown(grant))


@routes.get("/v1/acl/{acl_id}", answer=Acl)
def acl(call: Call, acl_id: str) -> Answer:
    """Return an entry."""
    return json_answer(_shown(_require(call, Level.READ, acl_id)))


@routes.delete("/v1/acl/{acl_id}", answer=Acl)
def delete(call: Call, acl_id: str) -> Answer:
    """Take a permission back."""
    grant = _require(call, Level.ADMIN, acl_id)
    _take_back(call, grant)
    return json_answer(_shown(grant))


def _take_back(call: Call, grant: Grant) -> None:
    with administrators.keeping_one(call.state.registry, grant.org_id):
        grants.remove(call.state.registry, grant)


def _list(call: Call, query: AclFilter, object_type: str | None, object_id: str | None) -> Answer:
    if (query.group_id, query.restrict_object_type, query.role_id) != (None, None, None):
        # No entry has any of these.
        return json_answer({"objects": []})
    user_id = None if query.user_id is None else uuid_of(query.user_id, "user_id")
    wanted = GrantFilter(call.principal.org_id, user_id, object_type, usual(object_id or "") or None, query.permission)
    return json_answer({"objects": _all_shown(grants.listed(call.state.registry, wanted, page_of(query)))})


def _add(call: Call, item: AclItem) -> tuple[Grant, bool]:
    return grants.add(call.state.registry, _spec(call, item))


def _find(call: Call, item: AclItem) -> Grant | None:
    return grants.find(call.state.registry, _spec(call, item))


def _spec(call: Call, item: AclItem) -> GrantSpec:
    """Return what an item asks for, if the principal may give it."""
    if item.group_id is not None or item.role_id is not None:
        raise HttpError(400, "Invalid request: there are no groups and roles here; send `user_id` and `permission`")
    if item.restrict_object_type is not None:
        raise HttpError(400, "Invalid request: `restrict_object_type` is not supported; name the object itself")
    if item.user_id is None or item.permission is None:
        raise HttpError(400, "Invalid request: an entry needs `user_id` and `permission`")
    target = _require_target(call, Level.ADMIN, item.object_type, item.object_id)
    member = members.member(call.state.registry, uuid_of(item.user_id, "user_id"))
    if member is None or member.org_id != call.principal.org_id:
        raise HttpError(400, f"Invalid request: there is no member `{item.user_id}` in the organization")
    return GrantSpec(member.org_id, member.id, target.object_type, target.object_id, item.permission)


def _require_target(call: Call, level: Level, object_type: str, object_id: str) -> _Target:
    """Return what an entry is about, if the principal has a level there."""
    object_id = uuid_of(object_id, "object_id")
    described = f"{object_type[:40]} id {object_id}"
    entity = call.state.registry.get(object_type, object_id)
    if entity is None or (entity.kind in IN_ORGANIZATION and entity.kind != "project"):
        raise forbidden(call.principal, level, described)
    resource = Resource(entity.org_id) if entity.kind == "organization" else entity.resource
    call.require(level, resource, described)
    touch(call, entity)
    return _Target(resource, object_type, object_id)


def _require(call: Call, level: Level, acl_id: str) -> Grant:
    """Return an entry, if the principal has a level on what it is about."""
    grant = grants.get(call.state.registry, uuid_of(acl_id, "acl_id"))
    described = f"acl id {acl_id}"
    if grant is None or grant.org_id != call.principal.org_id:
        raise forbidden(call.principal, level, described)
    entity = call.state.registry.get(grant.object_type, grant.object_id, deleted=True)
    assert entity is not None
    resource = Resource(entity.org_id) if entity.kind == "organization" else entity.resource
    call.require(level, resource, described)
    touch(call, entity)
    return grant


def _all_shown(found: Sequence[Grant]) -> Sequence[dict[str, object]]:
    return [_shown(grant) for grant in found]


def _shown(grant: Grant) -> dict[str, object]:
    shown = Acl(
        grant.id,
        grant.object_type,
        grant.object_id,
        grant.principal_id,
        None,
        cast("Permission", grant.permission),
        None,
        None,
        grant.org_id,
        grant.created,
    )
    return cast("dict[str, object]", msgspec.to_builtins(shown))
