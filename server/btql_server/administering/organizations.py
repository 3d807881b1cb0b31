"""The organization of a key, and its members.

A server may hold several organizations, but a key sees one: its own. New ones are made by ``btql keys create
--organization``, by whoever owns the files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from btql_server.access import administrators, grants, key_store, members
from btql_server.access.key_store import KeySpec
from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call, uuid_of
from btql_server.http.errors import HttpError
from btql_server.http.paging import PageQuery, page_of
from btql_server.http.routes import Routes
from btql_server.registering.places import Name, own_organization, require_entity, touch
from btql_server.registry.entity import Entity, Listing
from btql_server.registry.store import NameTaken

routes = Routes("Organizations")
GROUPS = {"owners": Level.ADMIN, "engineers": Level.WRITE, "viewers": Level.READ}
"""Braintrust's groups that every organization has, as levels on the organization."""


class Organization(Struct):
    """An organization, and where it is served."""

    id: str
    name: str
    api_url: str | None
    is_universal_api: bool | None
    proxy_url: str | None
    realtime_url: str | None
    created: str | None


class Organizations(Struct):
    """A page of organizations."""

    objects: list[Organization]


class OrganizationQuery(PageQuery):
    """Which organizations to list."""

    org_name: str | None = None


class OrganizationChanges(Struct):
    """What can be changed of an organization: its name. Its addresses are the server's."""

    name: Name | None = None
    api_url: str | None = None
    proxy_url: str | None = None
    realtime_url: str | None = None


class ServiceAccount(Struct):
    """A service token, made if it is missing, and the name of a key to be made for it; None makes no key."""

    name: str
    token_name: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


class Invitation(Struct):
    """Who becomes a member."""

    ids: list[str] | None = None
    emails: list[str] | None = None
    service_accounts: list[ServiceAccount] | None = None
    send_invite_emails: bool | None = None
    group_ids: list[str] | None = None
    group_names: list[str] | None = None
    group_id: str | None = None
    group_name: str | None = None


class Removal(Struct):
    """Who is a member no longer."""

    ids: list[str] | None = None
    emails: list[str] | None = None


class MemberChanges(Struct):
    """Who comes and who goes."""

    invite_users: Invitation | None = None
    remove_users: Removal | None = None
    org_name: str | None = None
    org_id: str | None = None


class AddedUser(Struct):
    """A member that was invited."""

    id: str
    email: str | None
    api_key: str | None
    token_name: str | None


class MembersChanged(Struct):
    """What became of it."""

    status: str
    org_id: str
    send_email_error: str | None
    added_users: list[AddedUser]


@routes.get("/v1/organization", answer=Organizations)
def organizations(call: Call, query: OrganizationQuery) -> Answer:
    """List the organizations of the key: one."""
    page = page_of(query)
    listing = Listing(
        "organization",
        call.principal.org_id,
        name=query.org_name,
        ids=page.ids,
        limit=page.limit,
        starting_after=page.starting_after,
        ending_before=page.ending_before,
    )
    return json_answer({"objects": [_shown(call, found) for found in call.state.registry.list(listing)]})


# Before `/v1/organization/{org_id}`, which fits this path, too.
@routes.patch("/v1/organization/members", answer=MembersChanged)
def change_members(call: Call, body: MemberChanges) -> Answer:
    """Invite members, and remove members.

    Nobody is told by email: a user needs a key, made by ``POST /v1/api_key`` or ``btql keys create``. What members may
    do is said by ``/v1/acl``, or here by the names of Braintrust's groups: ``Owners`` are given admin access to the
    organization, ``Engineers`` write, ``Viewers`` read access.
    """
    own_organization(call, name=body.org_name, org_id=body.org_id)
    call.require_organization(Level.ADMIN)
    invitation, removal = body.invite_users or Invitation(), body.remove_users or Removal()
    with administrators.keeping_one(call.state.registry, call.principal.org_id):
        added = _invite(call, invitation)
        _remove(call, removal)
    error = "this server sends no email: tell them by yourself" if invitation.send_invite_emails else None
    return json_answer(
        {
            "status": "success",
            "org_id": call.principal.org_id,
            "send_email_error": error,
            "added_users": msgspec.to_builtins(added),
        }
    )


@routes.get("/v1/organization/{org_id}", answer=Organization)
def organization(call: Call, org_id: str) -> Answer:
    """Return the organization of the key."""
    own_organization(call, org_id=uuid_of(org_id, "org_id"))
    found = call.state.registry.get("organization", call.principal.org_id)
    assert found is not None
    return json_answer(_shown(call, found))


@routes.patch("/v1/organization/{org_id}", answer=Organization)
def change(call: Call, org_id: str, body: OrganizationChanges) -> Answer:
    """Rename the organization."""
    entity = require_entity(call, Level.ADMIN, "organization", org_id)
    if (body.api_url, body.proxy_url, body.realtime_url) != (None, None, None):
        raise HttpError(400, "an organization has no address of its own: start the server with `--public-url`")
    if body.name is not None:
        try:
            entity = call.state.registry.update(entity, {}, name=body.name)
        except NameTaken:
            # Whoever has it is another organization, of which no key may learn anything.
            raise HttpError(409, f"the name `{body.name}` cannot be used: choose another one") from None
    return json_answer(_shown(call, entity))


def _shown(call: Call, entity: Entity) -> dict[str, object]:
    touch(call, entity)
    return {
        "id": entity.id,
        "name": entity.name,
        "api_url": call.base_url,
        "is_universal_api": None,
        "proxy_url": call.base_url,
        "realtime_url": None,
        "created": entity.created,
    }


def _invite(call: Call, invitation: Invitation) -> Sequence[AddedUser]:
    registry, org_id = call.state.registry, call.principal.org_id
    levels = _levels(invitation)
    added: list[AddedUser] = []
    try:
        everybody = [_member(call, each) for each in invitation.ids or []]
        for email in invitation.emails or []:
            user, new = members.add_user(registry, org_id, email)
            everybody.append(user)
            if new:
                added.append(AddedUser(user.id, user.name, None, None))
        for account in invitation.service_accounts or []:
            token, new = members.add_service_token(registry, org_id, account.name)
            everybody.append(token)
            key = None
            if account.token_name is not None:
                _, key = key_store.create(registry, KeySpec(token, account.token_name))
            if new or key is not None:
                added.append(AddedUser(token.id, None, key, account.token_name))
    except ValueError as error:
        raise HttpError(400, f"Invalid request: {error}") from None
    for member in everybody:
        touch(call, member)
        for level in levels:
            permission = grants.PERMISSION_FOR[level]
            grants.add(registry, grants.GrantSpec(org_id, member.id, "organization", org_id, permission))
    return added


def _levels(invitation: Invitation) -> Sequence[Level]:
    if invitation.group_id is not None or invitation.group_ids:
        raise HttpError(400, "Invalid request: there are no groups with ids here; use `group_names` or `/v1/acl`")
    names = [*(invitation.group_names or []), *filter(None, [invitation.group_name])]
    unknown = [name for name in names if name.lower() not in GROUPS]
    if unknown:
        raise HttpError(400, f"Invalid request: no group `{unknown[0][:80]}`: say Owners, Engineers or Viewers")
    return [GROUPS[name.lower()] for name in names]


def _remove(call: Call, removal: Removal) -> None:
    registry, org_id = call.state.registry, call.principal.org_id
    leaving = [_member(call, each) for each in removal.ids or []]
    for email in removal.emails or []:
        user = registry.find("user", org_id, email.strip().lower())
        if user is None:
            raise HttpError(400, f"Invalid request: there is no user `{email[:80]}` in the organization")
        leaving.append(user)
    for member in {each.id: each for each in leaving}.values():
        touch(call, member)
        members.remove(registry, member)


def _member(call: Call, member_id: str) -> Entity:
    found = members.member(call.state.registry, uuid_of(member_id, "ids"))
    if found is None or found.org_id != call.principal.org_id:
        raise HttpError(400, f"Invalid request: there is no member `{member_id}` in the organization")
    return found
