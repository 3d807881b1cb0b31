"""Experiments, in both dialects: ``/v1/experiment`` and ``/api/experiment/…``.

An evaluation wants an experiment of its own, so that a name that is taken becomes ``name-<8 hex digits>``: with
``ensure_new`` in the first dialect, unless ``update`` is said in the second. A name that is left out is invented.
"""

from __future__ import annotations

import secrets
from typing import cast

from msgspec import Struct

from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.registering.bases import ancestor_of, base_named, base_of, require_base
from btql_server.registering.crud import get_or_create, place_of
from btql_server.registering.kind import Given, Kind, Made, shown
from btql_server.registering.places import NAME_LENGTH_MAX, Name, find_project, own_organization, require_entity
from btql_server.registering.projects import Project, Register, register_project, registered
from btql_server.registering.rest import given_by, rest
from btql_server.registry.entity import Entity

_SUFFIX_LENGTH = 9


class _Described(Struct):
    """What a request may say of an experiment besides its name."""

    description: str | None = None
    repo_info: dict[str, object] | None = None
    commit: str | None = None
    base_exp_id: str | None = None
    dataset_id: str | None = None
    dataset_version: str | None = None
    internal_metadata: dict[str, object] | None = None
    parameters_id: str | None = None
    parameters_version: str | None = None
    public: bool | None = None
    metadata: dict[str, object] | None = None
    tags: list[str] | None = None


class Experiment(Struct):
    """An experiment."""

    id: str
    project_id: str
    name: str
    description: str | None = None
    created: str | None = None
    repo_info: dict[str, object] | None = None
    commit: str | None = None
    base_exp_id: str | None = None
    deleted_at: str | None = None
    dataset_id: str | None = None
    dataset_version: str | None = None
    internal_metadata: dict[str, object] | None = None
    parameters_id: str | None = None
    parameters_version: str | None = None
    public: bool = False
    user_id: str | None = None
    metadata: dict[str, object] | None = None
    tags: list[str] | None = None


class ExperimentSpec(_Described):
    """An experiment to make."""

    project_id: str | None = None
    project_name: Name | None = None
    name: Name | None = None
    ensure_new: bool | None = None
    """Make another one, of a similar name, where the name is taken."""
    ancestor_commits: list[str] | None = None
    """The commits before the one that runs, nearest first: an experiment at one of them is the base."""
    org_name: str | None = None


class ExperimentChanges(_Described):
    """What may change of an experiment."""

    name: Name | None = None


def _create(call: Call, given: Given) -> Made:
    project_id = place_of(call, EXPERIMENT, given).project_id
    project = call.state.registry.get("project", project_id or "")
    assert project is not None
    return _make(call, project, given, ensure_new=bool(given.get("ensure_new")))


def _make(call: Call, project: Entity, given: Given, *, ensure_new: bool) -> Made:
    """Return the experiment of a name, or a new one of a similar name."""
    base, commit, name = (cast("str | None", given.get(key)) for key in ("base_exp_id", "commit", "name"))
    info = cast("dict[str, object]", given.get("repo_info") or {})
    base = base or ancestor_of(call, project, cast("list[str]", given.get("ancestor_commits") or []))
    known = info.get("commit")
    spec = {**given, "base_exp_id": base, "commit": commit or (known if isinstance(known, str) else None)}
    wanted, new = name or _invented(info), ensure_new or name is None
    taken = wanted
    while True:
        made, created = get_or_create(call, EXPERIMENT, project.resource, {**spec, "name": taken})
        if created or not new:
            return made, created
        taken = f"{wanted[: NAME_LENGTH_MAX - _SUFFIX_LENGTH]}-{secrets.token_hex(4)}"


def _invented(info: Given) -> str:
    """Return a name: of the branch that runs, if it is known."""
    branch = info.get("branch")
    stem = branch if isinstance(branch, str) and branch else "experiment"
    return f"{stem[: NAME_LENGTH_MAX - _SUFFIX_LENGTH]}-{secrets.token_hex(4)}"


def _check(call: Call, given: Given) -> None:
    base_id = cast("str | None", given.get("base_exp_id"))
    if base_id is not None:
        require_base(call, base_id)


EXPERIMENT = Kind(
    "experiment",
    "Experiments",
    Experiment,
    ExperimentSpec,
    ExperimentChanges,
    objects=("experiment",),
    create=_create,
    check=_check,
)
routes = rest(EXPERIMENT)


class RegisterExperiment(_Described):
    """An experiment that an SDK is about to run."""

    project_name: Name | None = None
    project_id: str | None = None
    org_id: str | None = None
    org_name: str | None = None
    experiment_name: Name | None = None
    base_experiment: str | None = None
    """The name of the experiment to compare with."""
    ancestor_commits: list[str] | None = None
    update: bool | None = None
    """Go on with the experiment of that name if there is one."""


class RegisteredExperiment(Struct):
    """An experiment and its project, and whether it was there before."""

    project: Project
    experiment: Experiment
    found_existing: bool


@routes.post("/api/experiment/register", answer=RegisteredExperiment)
def register(call: Call, body: RegisterExperiment) -> Answer:
    """Make an experiment and its project."""
    given: Given = {**given_by(body), "name": body.experiment_name}
    # Before the project is made: what is refused leaves nothing behind.
    _check(call, given)
    if body.base_exp_id is None and body.base_experiment is not None:
        there = find_project(call, project_id=body.project_id, name=body.project_name)
        given = {**given, "base_exp_id": base_named(call, there, body.base_experiment)}
    project, _ = register_project(call, Register(body.project_name, body.project_id, body.org_id, body.org_name))
    experiment, created = _make(call, project, given, ensure_new=not body.update)
    return registered(project, created=created, experiment=shown(EXPERIMENT, experiment))


class ExperimentSearch(Struct):
    """Which experiment: by id, or by its name and its project."""

    id: str | None = None
    experiment_name: str | None = None
    project_name: str | None = None
    project_id: str | None = None
    org_id: str | None = None
    org_name: str | None = None


@routes.post("/api/experiment/get", answer=list[Experiment])
def find(call: Call, body: ExperimentSearch) -> Answer:
    """Return the experiment of an id or name in a list, which is empty where there is none."""
    own_organization(call, name=body.org_name, org_id=body.org_id)
    if body.id is not None:
        return json_answer([shown(EXPERIMENT, require_entity(call, Level.READ, "experiment", body.id))])
    if body.experiment_name is None:
        raise HttpError(400, "Invalid request: name the experiment, by `id` or `experiment_name`")
    project = find_project(call, project_id=body.project_id, name=body.project_name)
    found = None if project is None else call.state.registry.find("experiment", project.id, body.experiment_name)
    if found is None or call.principal.level(found.resource) < Level.READ:
        return json_answer([])
    return json_answer([shown(EXPERIMENT, require_entity(call, Level.READ, "experiment", found.id))])


class BaseQuery(Struct):
    """Which experiment."""

    id: str


class Base(Struct):
    """What an experiment is compared with."""

    base_exp_id: str
    base_exp_name: str


@routes.post("/api/base_experiment/get_id", answer=Base)
def base(call: Call, body: BaseQuery) -> Answer:
    """Return what an experiment is compared with; 400 says that there is nothing."""
    experiment = require_entity(call, Level.READ, "experiment", body.id)
    found = base_of(call, experiment)
    if found is None:
        raise HttpError(400, f"experiment `{experiment.name}` has no base experiment")
    return json_answer({"base_exp_id": found.id, "base_exp_name": found.name})
