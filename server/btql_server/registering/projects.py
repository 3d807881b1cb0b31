"""Projects, in both dialects: ``/v1/project`` and what SDKs before it call, ``/api/project/…``.

A project is there from the moment it is named: its logs, prompts and functions can be asked at once.
"""

from __future__ import annotations

from msgspec import Struct

from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.registering.crud import get_or_create
from btql_server.registering.kind import Given, Kind, Made, shown
from btql_server.registering.places import Name, find_project, own_organization, require_entity, require_project
from btql_server.registering.rest import rest
from btql_server.registry.entity import Entity


class Project(Struct):
    """A project."""

    id: str
    org_id: str
    name: str
    description: str | None = None
    created: str | None = None
    deleted_at: str | None = None
    user_id: str | None = None
    settings: dict[str, object] | None = None


class ProjectSpec(Struct):
    """A project to make."""

    name: Name
    description: str | None = None
    settings: dict[str, object] | None = None
    org_name: str | None = None


class ProjectChanges(Struct):
    """What may change of a project."""

    name: Name | None = None
    description: str | None = None
    settings: dict[str, object] | None = None


PROJECT = Kind(
    "project",
    "Projects",
    Project,
    ProjectSpec,
    ProjectChanges,
    objects=("project_logs", "project_prompts", "project_functions"),
    delete_level=Level.ADMIN,
)
routes = rest(PROJECT)


class Register(Struct):
    """The place of whatever an SDK registers."""

    project_name: Name | None = None
    project_id: str | None = None
    org_id: str | None = None
    org_name: str | None = None


def register_project(call: Call, body: Register) -> Made:
    """Return the project that an SDK names by id, or by name and made where it is missing."""
    place = own_organization(call, name=body.org_name, org_id=body.org_id)
    if body.project_id is not None or body.project_name is None:
        return require_project(call, project_id=body.project_id), False
    return get_or_create(call, PROJECT, place, {"name": body.project_name})


def registered(project: Entity, *, created: bool, **others: Given) -> Answer:
    """Return the answer of ``register``: the project, and what was registered in it."""
    return json_answer({"project": shown(PROJECT, project), **others, "found_existing": not created})


class RegisteredProject(Struct):
    """A project, and whether it was there before."""

    project: Project
    found_existing: bool


@routes.post("/api/project/register", answer=RegisteredProject)
def register(call: Call, body: Register) -> Answer:
    """Make a project, or return the one of that name."""
    project, created = register_project(call, body)
    return registered(project, created=created)


class ProjectQuery(Struct):
    """Which project."""

    id: str


@routes.get("/api/project", answer=Project)
def get_project(call: Call, query: ProjectQuery) -> Answer:
    """Return a project."""
    return json_answer(shown(PROJECT, require_entity(call, Level.READ, "project", query.id)))


class ProjectSearch(Struct):
    """Which project: by id, or by name."""

    id: str | None = None
    name: str | None = None
    project_name: str | None = None
    org_id: str | None = None
    org_name: str | None = None


@routes.post("/api/project/get", answer=list[Project])
def find(call: Call, body: ProjectSearch) -> Answer:
    """Return the project of an id or name in a list, which is empty where there is none."""
    own_organization(call, name=body.org_name, org_id=body.org_id)
    project = find_project(call, project_id=body.id, name=body.name or body.project_name)
    return json_answer([] if project is None else [shown(PROJECT, project)])
