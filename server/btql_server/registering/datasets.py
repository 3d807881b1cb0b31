"""Datasets, in both dialects: ``/v1/dataset`` and ``/api/dataset/register``."""

from __future__ import annotations

import re

from msgspec import Struct

from btql_server.access.model import Resource
from btql_server.http.answer import Answer
from btql_server.http.call import Call
from btql_server.registering.crud import get_or_create, place_of
from btql_server.registering.kind import Given, Kind, Made, shown
from btql_server.registering.places import Name
from btql_server.registering.projects import Project, Register, register_project, registered
from btql_server.registering.rest import rest

DEFAULT_NAME = "logs"
"""What a dataset is called whose name an SDK leaves out."""


class Dataset(Struct):
    """A dataset."""

    id: str
    project_id: str
    name: str
    description: str | None = None
    created: str | None = None
    deleted_at: str | None = None
    user_id: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, object] | None = None
    url_slug: str | None = None


class DatasetSpec(Struct):
    """A dataset to make."""

    project_id: str | None = None
    project_name: Name | None = None
    name: Name = DEFAULT_NAME
    description: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, object] | None = None
    org_name: str | None = None


class DatasetChanges(Struct):
    """What may change of a dataset."""

    name: Name | None = None
    description: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, object] | None = None


def _create(call: Call, given: Given) -> Made:
    return _get_or_create(call, place_of(call, DATASET, given), given)


def _get_or_create(call: Call, place: Resource, given: Given) -> Made:
    slug = re.sub(r"[^\w]+", "-", str(given["name"]).lower()).strip("-")
    return get_or_create(call, DATASET, place, {**given, "url_slug": slug})


DATASET = Kind("dataset", "Datasets", Dataset, DatasetSpec, DatasetChanges, objects=("dataset",), create=_create)
routes = rest(DATASET)


class RegisterDataset(Register):
    """A dataset that an SDK wants to be there."""

    dataset_name: Name | None = None
    description: str | None = None
    metadata: dict[str, object] | None = None
    tags: list[str] | None = None


class RegisteredDataset(Struct):
    """A dataset and its project, and whether it was there before."""

    project: Project
    dataset: Dataset
    found_existing: bool


@routes.post("/api/dataset/register", answer=RegisteredDataset)
def register(call: Call, body: RegisterDataset) -> Answer:
    """Make a dataset and its project, or return those that are there."""
    project, _ = register_project(call, body)
    given = {"name": body.dataset_name or DEFAULT_NAME, "description": body.description}
    spec: Given = {**given, "metadata": body.metadata, "tags": body.tags}
    dataset, created = _get_or_create(call, project.resource, spec)
    return registered(project, created=created, dataset=shown(DATASET, dataset))
