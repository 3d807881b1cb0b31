"""Users, and whoever asks."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from btql_server.access.asker import forbidden
from btql_server.access.model import Level, Resource
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call, uuid_of
from btql_server.http.paging import PageQuery, page_of
from btql_server.http.routes import Routes
from btql_server.registering.places import own_organization, touch
from btql_server.registry.entity import Entity, Listing

routes = Routes("Users")


class User(Struct):
    """A member of an organization."""

    id: str
    given_name: str | None
    family_name: str | None
    email: str | None
    avatar_url: str | None
    created: str | None


class Users(Struct):
    """A page of users."""

    objects: list[User]


class UserQuery(PageQuery):
    """Which users to list."""

    given_name: str | list[str] | None = None
    family_name: str | list[str] | None = None
    email: str | list[str] | None = None
    org_name: str | None = None


class OrganizationName(Struct):
    """An organization, by its names."""

    id: str
    name: str


class Me(Struct):
    """Whoever asks."""

    id: str
    kind: str
    name: str | None
    email: str | None
    given_name: str | None
    family_name: str | None
    organizations: list[OrganizationName]


@routes.get("/v1/user", answer=Users)
def users(call: Call, query: UserQuery) -> Answer:
    """List the users of the organization; whoever may not read all of it finds only themselves."""
    own_organization(call, name=query.org_name)
    page = page_of(query)
    found = call.state.registry.list(
        Listing(
            "user",
            call.principal.org_id,
            ids=page.ids,
            starting_after=page.starting_after,
            ending_before=page.ending_before,
        )
    )
    emails = None if query.email is None else {email.strip().lower() for email in _several(query.email)}
    wanted = [
        user
        for user in found
        if _may_see(call, user)
        and _one_of(user.body.get("given_name"), query.given_name)
        and _one_of(user.body.get("family_name"), query.family_name)
        and (emails is None or user.name in emails)
    ]
    listed = page.cut(wanted)
    for user in listed:
        touch(call, user)
    return json_answer({"objects": [shown(user) for user in listed]})


@routes.get("/v1/user/{user_id}", answer=User)
def user(call: Call, user_id: str) -> Answer:
    """Return a user of the organization."""
    found = call.state.registry.get("user", uuid_of(user_id, "user_id"))
    if found is None or not _may_see(call, found):
        raise forbidden(call.principal, Level.READ, f"user id {user_id}")
    touch(call, found)
    return json_answer(shown(found))


@routes.get("/api/self/me", answer=Me)
@routes.post("/api/self/me", answer=Me)
def me(call: Call) -> Answer:
    """Return who asks."""
    principal = call.principal
    found = call.state.registry.get("user", principal.id)
    body = {} if found is None else found.body
    return json_answer(
        {
            "id": principal.id,
            "kind": principal.kind,
            "name": principal.name,
            "email": principal.email,
            "given_name": body.get("given_name"),
            "family_name": body.get("family_name"),
            "organizations": [{"id": principal.org_id, "name": principal.org_name}],
        }
    )


def shown(user: Entity) -> dict[str, object]:
    """Return a user as it is answered."""
    return {
        "id": user.id,
        "given_name": user.body.get("given_name"),
        "family_name": user.body.get("family_name"),
        "email": user.name,
        "avatar_url": user.body.get("avatar_url"),
        "created": user.created,
    }


def _may_see(call: Call, user: Entity) -> bool:
    principal = call.principal
    return user.org_id == principal.org_id and (
        user.id == principal.id or principal.level(Resource(principal.org_id)) >= Level.READ
    )


def _several(given: str | list[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _one_of(value: object, wanted: str | list[str] | None) -> bool:
    return wanted is None or value in _several(wanted)
