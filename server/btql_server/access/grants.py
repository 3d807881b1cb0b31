"""Grants: what a member may do with the organization, a project or one object.

They are stored as Braintrust's access-control entries, one permission each, and mean one of three levels:

- ``read``, ``read_acls``: **read** the thing, and who else may;
- ``create``, ``update``, ``delete``: **write**, all three of them, as one request of events may do them all;
- ``create_acls``, ``update_acls``, ``delete_acls``: **admin**, whoever may grant something may grant it to themselves.

A higher level includes the lower ones, and what is granted for a project holds for everything in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias
from uuid import uuid4

from btql_server.access.model import ORGANIZATION, Level
from btql_server.registry.changes import Change
from btql_server.registry.paging import Page, select
from btql_server.registry.store import Registry, now_text
from btql_storage.databases.interface import Run

Permission: TypeAlias = Literal[
    "create", "read", "update", "delete", "create_acls", "read_acls", "update_acls", "delete_acls"
]
LEVELS: Mapping[str, Level] = MappingProxyType(
    {
        "read": Level.READ,
        "read_acls": Level.READ,
        "create": Level.WRITE,
        "update": Level.WRITE,
        "delete": Level.WRITE,
        "create_acls": Level.ADMIN,
        "update_acls": Level.ADMIN,
        "delete_acls": Level.ADMIN,
    }
)
"""What each permission means."""
PERMISSION_FOR: Mapping[Level, Permission] = MappingProxyType({
    Level.READ: "read", Level.WRITE: "update", Level.ADMIN: "update_acls"
})  # fmt: skip
"""The permission that is stored where a level was asked for."""
_COLUMNS = "id, org_id, principal_id, object_type, object_id, permission, created"


@dataclass(frozen=True, slots=True)
class GrantSpec:
    """What should be granted to whom."""

    org_id: str
    principal_id: str
    object_type: str
    object_id: str
    permission: str


@dataclass(frozen=True, slots=True)
class Grant:
    """One permission of one member on one thing."""

    id: str
    org_id: str
    principal_id: str
    object_type: str
    object_id: str
    permission: str
    created: str


@dataclass(frozen=True, slots=True)
class GrantFilter:
    """Which grants to list."""

    org_id: str | None = None
    principal_id: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    permission: str | None = None


def add(registry: Registry, spec: GrantSpec) -> tuple[Grant, bool]:
    """Return the grant and whether this call made it."""
    assert spec.permission in LEVELS
    values = (spec.org_id, spec.principal_id, spec.object_type, spec.object_id, spec.permission)
    with registry.writing() as connection:
        made = connection.execute(
            f"insert into grants ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  our words
            " on conflict (principal_id, object_type, object_id, permission) do nothing",
            (str(uuid4()), *values, now_text()),
        )
        found = find(registry, spec)
        if made.rowcount:
            registry.changed(_change("grant", spec, connection))
    assert found is not None
    return found, made.rowcount > 0


def find(registry: Registry, spec: GrantSpec) -> Grant | None:
    """Return the grant that is just that."""
    wanted = GrantFilter(spec.org_id, spec.principal_id, spec.object_type, spec.object_id, spec.permission)
    return next(iter(listed(registry, wanted)), None)


def get(registry: Registry, grant_id: str) -> Grant | None:
    """Return a grant by id."""
    return next(iter(listed(registry, GrantFilter(), Page(ids=[grant_id]))), None)


def listed(registry: Registry, wanted: GrantFilter, page: Page | None = None) -> Sequence[Grant]:
    """Return grants, newest first."""
    columns = ("org_id", "principal_id", "object_type", "object_id", "permission")
    equal = {column: getattr(wanted, column) for column in columns}
    return [Grant(*row) for row in select(registry, "grants", _COLUMNS, equal, page or Page())]


def remove(registry: Registry, grant: Grant) -> None:
    """Take a grant back."""
    with registry.writing() as connection:
        if connection.execute("delete from grants where id = ?", (grant.id,)).rowcount:
            registry.changed(_change("take back", grant, connection))


def remove_all(registry: Registry, principal_id: str) -> None:
    """Take back whatever a member was granted."""
    with registry.writing():
        for grant in listed(registry, GrantFilter(principal_id=principal_id)):
            remove(registry, grant)


def levels_of(connection: Run, principal_id: str) -> Mapping[str, Level]:
    """Return a member's grants as a principal holds them: place to level."""
    found: dict[str, Level] = {}
    rows = connection.execute(
        "select object_type, object_id, permission from grants where principal_id = ?", (principal_id,)
    )
    for object_type, object_id, permission in rows:
        place = ORGANIZATION if object_type == "organization" else object_id
        found[place] = max(found.get(place, Level.NONE), LEVELS[permission])
    return found


def _change(action: str, what: GrantSpec | Grant, connection: Run) -> Change:
    found = connection.execute("select name from entities where id = ?", (what.principal_id,)).fetchone()
    member = what.principal_id if found is None else found[0]
    level = LEVELS[what.permission].name.lower()
    return Change(action, what.object_type, what.object_id, detail=f"{what.permission} ({level}) for {member}")
