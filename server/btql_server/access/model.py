"""What permissions are made of.

A **principal** is whoever a key belongs to: a user or a service token, in one organization. It has
**grants**: a level for the whole organization, for a project, or for one object. A **resource** says
where something lives; the level a principal has there is the highest of the grants on its way up,
but never more than the key itself allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

ORGANIZATION = ""
"""The key, in grants, of the organization as a whole."""


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
    key_level: Level = Level.ADMIN
    """The most that the key allows."""

    def level(self, resource: Resource) -> Level:
        """Return what the principal may do with a resource."""
        if resource.org_id != self.org_id:
            return Level.NONE
        places = (ORGANIZATION, resource.project_id, resource.id)
        granted = max(self.grants.get(place, Level.NONE) for place in places if place is not None)
        return min(granted, self.key_level)
