"""What whoever owns the files may do: make, list and revoke keys, without a key and beside running servers.

This is how the first key comes about. Whatever is missing on the way (the organization, the user, what they may
do) is made, too, and everything is in the audit log, with the name of the system's user as the actor.
"""

from __future__ import annotations

import getpass
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from btql.errors import Error
from btql_server.access import audit_log, grants, key_store, members
from btql_server.access.key_store import Key, KeySpec
from btql_server.access.key_text import prefix_of
from btql_server.access.model import AUDIT_LOG, Level, Principal, Resource
from btql_server.access.objects import usual
from btql_server.registry.changes import Change, collecting
from btql_server.registry.entity import Entity, EntitySpec, Listing
from btql_server.registry.opening import open_registry
from btql_server.registry.store import Registry
from btql_storage.opening.location import Place, locate
from btql_storage.store import Storage


@dataclass(frozen=True, slots=True)
class Wanted:
    """The key that somebody asks for."""

    organization: str | None = None
    """Name or id; None is the default organization."""
    user: str | None = None
    """Email of the user that it is for."""
    service_token: str | None = None
    """Or the name of the service token."""
    level: Level = Level.WRITE
    project: str | None = None
    """Name or id of the only project that it is for."""
    name: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A key that was made."""

    key: Key
    text: str
    """To be shown once."""
    owner: Entity
    made: Sequence[Change]
    """Whatever was missing before, and the key itself."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A key with the names of what it points to."""

    key: Key
    owner: str
    organization: str
    project: str | None


class Desk:
    """The keys of one database."""

    def __init__(self, registry: Registry, storage: Storage, command: str) -> None:
        self._registry = registry
        self._storage = storage
        actor = {"id": None, "kind": "command_line", "email": None, "name": _system_user(), "key_id": None}
        self._occasion = audit_log.Occasion(actor, command)

    @classmethod
    @contextmanager
    def at(cls, place: Place, command: str, *, create: bool = False) -> Generator[Desk]:
        """Open the desk of a database; with ``create``, make the database where there is none."""
        location = locate(place)
        with Storage.open(location, create=create) as storage:
            registry = open_registry(location)
            try:
                yield cls(registry, storage, command)
            finally:
                registry.close()

    def issue(self, wanted: Wanted) -> Issued:
        """Make a key, and whatever it needs that is missing."""
        registry = self._registry
        with collecting([]) as changes, registry.writing():
            organization = self._organization(wanted.organization, create=True)
            project = self._project(organization, wanted.project)
            owner = self._owner(organization, wanted)
            self._allow(owner, project, wanted.level)
            name = wanted.name or f"{wanted.level.name.lower()} key"
            project_id = None if project is None else project.id
            key, text = key_store.create(registry, KeySpec(owner, name, wanted.level, project_id, wanted.expires_at))
        self._log(organization.id, changes)
        return Issued(key, text, owner, changes)

    def keys(self, organization: str | None = None, *, ended: bool = False) -> Sequence[Listed]:
        """Return the keys of one organization, or of all, newest first; with ``ended`` also those that work no more."""
        found = None if organization is None else self._organization(organization, create=False)
        keys = key_store.listed(self._registry, org_id=None if found is None else found.id, revoked=ended)
        return [self._named(key) for key in keys if ended or key.works]

    def revoke(self, which: str) -> Key:
        """End a key, named by its prefix, its id, or its whole text."""
        prefix = prefix_of(which.removesuffix("…").removesuffix("_"))
        key = key_store.get(self._registry, which) if prefix is None else key_store.by_prefix(self._registry, prefix)
        if key is None:
            raise Error(f"there is no key `{prefix or which[:60]}`; `btql keys list` shows all of them")
        with collecting([]) as changes:
            key_store.revoke(self._registry, key)
        self._log(key.org_id, changes)
        return key

    def _organization(self, wanted: str | None, *, create: bool) -> Entity:
        registry = self._registry
        if wanted is None:
            return registry.default_organization()
        found = registry.get("organization", usual(wanted)) or registry.find("organization", "", wanted)
        if found is None and (_is_id(wanted) or not create):
            raise Error(f"there is no organization `{wanted}`{self._others('organization')}")
        return found or registry.create(EntitySpec("organization", name=wanted))[0]

    def _project(self, organization: Entity, wanted: str | None) -> Entity | None:
        if wanted is None:
            return None
        found = self._registry.find("project", organization.id, wanted) or self._registry.get("project", usual(wanted))
        if found is None or found.org_id != organization.id:
            others = self._others("project", organization.id)
            if any(each.name == wanted for each in self._storage.objects(wanted)):
                others = (
                    ": objects of that name were written by programs, and belong to no project; a key that may read "
                    f"them is for all of the organization `{self._registry.default_organization().name}`"
                )
            raise Error(f"there is no project `{wanted}` in the organization `{organization.name}`{others}")
        return found

    def _owner(self, organization: Entity, wanted: Wanted) -> Entity:
        try:
            if wanted.user is not None:
                return members.add_user(self._registry, organization.id, wanted.user)[0]
            name = "default" if wanted.service_token is None else wanted.service_token
            return members.add_service_token(self._registry, organization.id, name)[0]
        except ValueError as error:
            raise Error(str(error)) from None

    def _allow(self, owner: Entity, project: Entity | None, level: Level) -> None:
        """Let a member do what the key is for, unless they may do it already."""
        with self._registry.reading() as connection:
            held = grants.levels_of(connection, owner.id)
        place = Resource(owner.org_id) if project is None else project.resource
        if Principal(owner.id, "user", owner.org_id, "", grants=held).level(place) < level:
            place_id = owner.org_id if project is None else project.id
            permission = grants.PERMISSION_FOR[level]
            grants.add(self._registry, grants.GrantSpec(owner.org_id, owner.id, place.kind, place_id, permission))

    def _named(self, key: Key) -> Listed:
        owner = members.member(self._registry, key.principal_id)
        organization = self._registry.get("organization", key.org_id)
        project = None if key.project_id is None else self._registry.get("project", key.project_id)
        return Listed(
            key,
            key.principal_id if owner is None else owner.name or "",
            key.org_id if organization is None else organization.name or "",
            key.project_id if project is None else project.name,
        )

    def _others(self, kind: str, org_id: str | None = None) -> str:
        names = sorted(each.name or "" for each in self._registry.list(Listing(kind, org_id, limit=20)))
        # Whoever has a key gives names; they must not do anything to the terminal.
        shown = ", ".join(f"`{name}`" if name.isprintable() else ascii(name) for name in names)
        return f"; there is {shown}" if names else "; there is none yet"

    def _log(self, org_id: str, changes: Sequence[Change]) -> None:
        self._storage.create_object(AUDIT_LOG, org_id)
        if changes:
            audit_log.write(self._storage, org_id, [audit_log.row(self._occasion, change) for change in changes])


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # A container may run under a number that has no name.
        return "unknown"
