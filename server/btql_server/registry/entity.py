"""An entity: whatever has an id, a name and a place in an organization, and is no data itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from btql_server.access.model import Resource
from btql_server.registry.paging import Page

KEYED_BY_SLUG = frozenset({"prompt", "function", "environment", "environment_object", "dataset_snapshot", "view"})
"""Kinds that are unique by slug within their project or organization; all others are unique by name."""
BELONGS_TO = {"dataset_snapshot": ("dataset", "dataset_id")}
"""Kinds that are as open as another object: its kind, and the key of the body that has its id."""
IN_ORGANIZATION = frozenset({"project", "environment", "user", "service_token"})
"""Kinds that live directly in the organization; all others but organizations themselves live in a project."""


@dataclass(frozen=True, slots=True)
class Entity:
    """One entry of the registry, as of one moment."""

    id: str
    """A UUID."""
    kind: str
    """``organization``, ``project``, ``experiment``, ``dataset``, ``prompt``, ``function``, …"""
    org_id: str
    project_id: str | None
    name: str | None
    slug: str | None
    user_id: str | None
    """The principal that made it."""
    created: str
    """When, in ISO 8601 with milliseconds and ``Z``."""
    deleted_at: str | None
    body: Mapping[str, object]
    """What else it has, as JSON."""

    @property
    def resource(self) -> Resource:
        """Where it lives, for permissions. A project is its own project; what belongs to an object is as that is."""
        if self.kind in BELONGS_TO:
            kind, key = BELONGS_TO[self.kind]
            return Resource(self.org_id, self.project_id, kind, str(self.body[key]))
        project_id = self.id if self.kind == "project" else self.project_id
        return Resource(self.org_id, project_id, self.kind, self.id)


@dataclass(frozen=True, slots=True)
class EntitySpec:
    """What an entity should be when it is made."""

    kind: str
    org_id: str = ""
    """Empty for an organization itself."""
    project_id: str | None = None
    name: str | None = None
    slug: str | None = None
    user_id: str | None = None
    body: Mapping[str, object] = field(default_factory=dict[str, object])
    id: str | None = None
    """None draws one."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Which living entities to list; newest come first."""

    kind: str
    org_id: str | None = None
    project_id: str | None = None
    name: str | None = None
    slug: str | None = None
    ids: Sequence[str] | None = None
    limit: int | None = None
    starting_after: str | None = None
    """The id of the last entity of the page before."""
    ending_before: str | None = None
    """The id of the first entity of the page after."""

    @property
    def page(self) -> Page:
        """Which part of the list."""
        return Page(self.limit, self.starting_after, self.ending_before, self.ids)
