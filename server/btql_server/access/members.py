"""Members of organizations: users, known by their email, and service tokens, known by their name.

A member is an entity of the registry, of the kind ``user`` or ``service_token``, and belongs to one organization;
the same email in another organization is another user. A service token here is the account that programs act as;
what they send is one of its keys.
"""

from __future__ import annotations

from btql_server.access import grants, key_store
from btql_server.access.model import MemberKind
from btql_server.registry.entity import Entity, EntitySpec
from btql_server.registry.store import Registry

KINDS: tuple[MemberKind, ...] = ("user", "service_token")
_EMAIL_CHARACTERS_MAX = 320
_NAME_CHARACTERS_MAX = 256


def add_user(
    registry: Registry, org_id: str, email: str, given_name: str | None = None, family_name: str | None = None
) -> tuple[Entity, bool]:
    """Return the user with that email and whether this call made it; ValueError for what is no email."""
    email = normal_email(email)
    body = {"given_name": given_name, "family_name": family_name, "avatar_url": None}
    return registry.create(EntitySpec("user", org_id, name=email, body=body))


def add_service_token(registry: Registry, org_id: str, name: str) -> tuple[Entity, bool]:
    """Return the service token of that name and whether this call made it; ValueError for what is no name."""
    name = name.strip()
    if not 0 < len(name) <= _NAME_CHARACTERS_MAX or not name.isprintable():
        raise ValueError(f"the name of a service token has 1 to {_NAME_CHARACTERS_MAX} printable characters")
    return registry.create(EntitySpec("service_token", org_id, name=name))


def normal_email(email: str) -> str:
    """Return an email as it is stored; ValueError for what is none."""
    email = email.strip().lower()
    name, at, domain = email.partition("@")
    spaces = any(character.isspace() or not character.isprintable() for character in email)
    if not (name and at and domain) or "@" in domain or spaces or len(email) > _EMAIL_CHARACTERS_MAX:
        raise ValueError(f"`{email[:80]}` is not an email")
    return email


def member(registry: Registry, member_id: str) -> Entity | None:
    """Return a user or a service token by id."""
    found = (registry.get(kind, member_id) for kind in KINDS)
    return next((each for each in found if each is not None), None)


def remove(registry: Registry, entity: Entity) -> None:
    """Remove a member: all keys stop working, and all grants are gone."""
    with registry.writing():
        key_store.revoke_all(registry, entity.id)
        grants.remove_all(registry, entity.id)
        registry.delete(entity)
