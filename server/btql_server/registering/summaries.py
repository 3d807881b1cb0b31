"""Summaries of experiments and datasets, in both dialects."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

from msgspec import Struct, to_builtins

from btql.database import Database
from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.routes import Routes
from btql_server.reading.running import database_for, stop_of
from btql_server.registering.bases import base_of
from btql_server.registering.comparison import MetricSummary, ScoreSummary, compare
from btql_server.registering.places import require_entity, touch
from btql_server.registry.entity import Entity

routes = Routes("Summaries")


class ComparisonAnswer(Struct):
    """The scores and metrics of an experiment, by name."""

    scores: dict[str, ScoreSummary]
    metrics: dict[str, MetricSummary]


class ExperimentSummary(Struct):
    """An experiment, where to look at it, and if asked for what it came to."""

    project_name: str
    experiment_name: str
    project_url: str
    experiment_url: str
    comparison_experiment_name: str | None = None
    scores: dict[str, ScoreSummary] | None = None
    metrics: dict[str, MetricSummary] | None = None


class ExperimentSummaryQuery(Struct):
    """Whether to compute, and what to compare with."""

    summarize_scores: bool = False
    comparison_experiment_id: str | None = None


class ComparisonQuery(Struct):
    """What to compare with what."""

    experiment_id: str
    base_experiment_id: str | None = None


class DataSummary(Struct):
    """How much there is. SDKs take exactly this key."""

    total_records: int


class DatasetSummary(Struct):
    """A dataset, where to look at it, and if asked for how much is in it."""

    project_name: str
    dataset_name: str
    project_url: str
    dataset_url: str
    data_summary: DataSummary | None = None


class DatasetSummaryQuery(Struct):
    """Whether to count."""

    summarize_data: bool = False


class DatasetQuery(Struct):
    """Which dataset."""

    dataset_id: str


@routes.get("/v1/experiment/{experiment_id}/summarize", answer=ExperimentSummary, pool="query")
def summarize_experiment(call: Call, experiment_id: str, query: ExperimentSummaryQuery) -> Answer:
    """Return what an experiment came to, compared with its base or with another experiment."""
    experiment = require_entity(call, Level.READ, "experiment", experiment_id)
    base = _base(call, experiment, query.comparison_experiment_id)
    project, project_url = _project_of(call, experiment)
    summary: dict[str, object] = {
        "project_name": project,
        "experiment_name": experiment.name,
        "project_url": project_url,
        "experiment_url": f"{project_url}/experiments/{_segment(experiment)}",
        "comparison_experiment_name": None if base is None else base.name,
    }
    return json_answer(summary | (_compared(call, experiment, base) if query.summarize_scores else {}))


@routes.get("/experiment-comparison2", answer=ComparisonAnswer, pool="query")
def compare_experiments(call: Call, query: ComparisonQuery) -> Answer:
    """Return the scores and metrics of an experiment, compared with its base or with another experiment."""
    experiment = require_entity(call, Level.READ, "experiment", query.experiment_id)
    return json_answer(_compared(call, experiment, _base(call, experiment, query.base_experiment_id)))


@routes.get("/v1/dataset/{dataset_id}/summarize", answer=DatasetSummary, pool="query")
def summarize_dataset(call: Call, dataset_id: str, query: DatasetSummaryQuery) -> Answer:
    """Return where a dataset is and how many rows it has."""
    dataset = require_entity(call, Level.READ, "dataset", dataset_id)
    project, project_url = _project_of(call, dataset)
    summary: dict[str, object] = {
        "project_name": project,
        "dataset_name": dataset.name,
        "project_url": project_url,
        "dataset_url": f"{project_url}/datasets/{_segment(dataset)}",
    }
    return json_answer(summary | ({"data_summary": _counted(call, dataset)} if query.summarize_data else {}))


@routes.get("/dataset-summary", answer=DataSummary, pool="query")
def count_dataset(call: Call, query: DatasetQuery) -> Answer:
    """Return how many rows a dataset has."""
    return json_answer(_counted(call, require_entity(call, Level.READ, "dataset", query.dataset_id)))


def _base(call: Call, experiment: Entity, asked: str | None) -> Entity | None:
    if asked:
        return require_entity(call, Level.READ, "experiment", asked)
    found = base_of(call, experiment)
    if found is not None:
        touch(call, found)
    return found


def _compared(call: Call, experiment: Entity, base: Entity | None) -> dict[str, object]:
    found = compare(_database(call), experiment.id, None if base is None else base.id)
    return cast("dict[str, object]", to_builtins(ComparisonAnswer(dict(found.scores), dict(found.metrics))))


def _counted(call: Call, dataset: Entity) -> dict[str, object]:
    # The id is a UUID that the registry drew.
    (row,) = _database(call).query(f"SELECT count(*) AS n FROM dataset('{dataset.id}')").rows()  # noqa: S608
    return {"total_records": row["n"]}


def _database(call: Call) -> Database:
    """Return the database as the principal sees it, for as long as a query may take and the client waits."""
    return database_for(call, stop_of(call, call.state.settings.limits.query_seconds_default))


def _project_of(call: Call, entity: Entity) -> tuple[str, str]:
    """Return the name of an entity's project, and its address."""
    project = call.state.registry.get("project", entity.project_id or "")
    assert project is not None
    organization = quote(call.principal.org_name, safe="")
    return project.name or "", f"{call.base_url}/app/{organization}/p/{_segment(project)}"


def _segment(entity: Entity) -> str:
    return quote(entity.name or "", safe="")
