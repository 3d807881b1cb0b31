"""What permissions are made of.

A **principal** is whoever a key belongs to: a user or a service token, in one organization. It has
**grants**: a level for the whole organization, for a project, or for one object. A **resource** says
where something lives; the level a principal has there is the highest of the grants on its way up,
but never more than the key itself allows, and none at all outside of the project that a key is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, TypeAlias

ORGANIZATION = ""
"""The key, in grants, of the organization as a whole."""
AUDIT_LOG = "audit_log"
"""The kind of object that holds what was changed in an organization; it is named by the organization's id."""
MemberKind: TypeAlias = Literal["user", "service_token"]


class Level(IntEnum):
    """What one may do; a higher level includes those below."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that permissions are about."""

    org_id: str
    project_id: str | None = None
    kind: str = "organization"
    id: str = ORGANIZATION


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever asks."""

    id: str
    kind: Literal["user", "service_token", "anonymous"]
    org_id: str
    org_name: str
    email: str | None = None
    key_id: str | None = None
    grants: Mapping[str, Level] = field(default_factory=dict[str, Level])
    """Id of a project or object, or ``ORGANIZATION``, to what may be done there and below."""
    name: str | None = None
    """The email of a user, the name of a service token."""
    key_level: Level = Level.ADMIN
    """The most that the key allows."""
    key_project_id: str | None = None
    """The only project that the key is for; None for a key that is for whatever its owner may."""

    def level(self, resource: Resource) -> Level:
        """Return what the principal may do with a resource."""
        if resource.org_id != self.org_id or self.key_project_id not in (None, resource.project_id):
            return Level.NONE
        places = (ORGANIZATION, resource.project_id, resource.id)
        granted = max(self.grants.get(place, Level.NONE) for place in places if place is not None)
        level = min(granted, self.key_level)
        if resource.kind == AUDIT_LOG:
            # Who did what is for administrators to read, and for nobody to change.
            return Level.READ if level is Level.ADMIN else Level.NONE
        return level
