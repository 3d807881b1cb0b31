"""What user interfaces keep of a project: configured scores, tags, iframes of spans, playgrounds, saved views.

Stored and given back as they are; nothing here is acted upon. A playground (``prompt_session``) has logs of its own:
``playground_logs('<id>')``.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from btql_server.access.model import Level, Resource
from btql_server.http.call import Call, uuid_of
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes
from btql_server.registering.kind import Given, Kind
from btql_server.registering.places import Name, own_organization, require_entity
from btql_server.registering.rest import rest
from btql_server.registry.entity import Entity


class _Kept(Struct):
    """What all of these have."""

    id: str
    name: str
    created: str | None = None
    deleted_at: str | None = None
    user_id: str | None = None
    description: str | None = None


class _InProject(_Kept, kw_only=True):
    project_id: str


class _Spec(Struct, kw_only=True):
    project_id: str | None = None
    project_name: Name | None = None
    name: Name
    description: str | None = None
    org_name: str | None = None


class _Changes(Struct):
    name: Name | None = None
    description: str | None = None


ScoreType = Literal["slider", "categorical", "weighted", "minimum", "maximum", "online", "free-form"]
Categories = list[object] | dict[str, float]


class ProjectScore(_InProject, kw_only=True):
    """A score that people or automations give in a project."""

    score_type: ScoreType
    categories: Categories | None = None
    config: dict[str, object] | None = None
    position: str | None = None


class ProjectScoreSpec(_Spec, kw_only=True):
    """A score to make."""

    score_type: ScoreType
    categories: Categories | None = None
    config: dict[str, object] | None = None


class ProjectScoreChanges(_Changes):
    """What may change of a score."""

    score_type: ScoreType | None = None
    categories: Categories | None = None
    config: dict[str, object] | None = None


class ProjectTag(_InProject, kw_only=True):
    """A tag that is offered in a project."""

    color: str | None = None
    position: str | None = None


class ProjectTagSpec(_Spec, kw_only=True):
    """A tag to make."""

    color: str | None = None


class ProjectTagChanges(_Changes):
    """What may change of a tag."""

    color: str | None = None


class SpanIframe(_InProject, kw_only=True):
    """A page that is shown beside spans."""

    url: str
    post_message: bool | None = None


class SpanIframeSpec(_Spec, kw_only=True):
    """An iframe to make."""

    url: str
    post_message: bool | None = None


class SpanIframeChanges(_Changes):
    """What may change of an iframe."""

    url: str | None = None
    post_message: bool | None = None


class PromptSession(_InProject, kw_only=True):
    """A playground."""

    metadata: dict[str, object] | None = None


class PromptSessionSpec(_Spec, kw_only=True):
    """A playground to make."""

    metadata: dict[str, object] | None = None


class PromptSessionChanges(_Changes):
    """What may change of a playground."""

    metadata: dict[str, object] | None = None


class View(_Kept, kw_only=True):
    """A saved view of an object."""

    object_type: str
    object_id: str
    view_type: str | None = None
    view_data: dict[str, object] | None = None
    options: dict[str, object] | None = None


class ViewSpec(Struct, kw_only=True):
    """A view to make."""

    object_type: str
    object_id: str
    name: Name
    view_type: str | None = None
    description: str | None = None
    view_data: dict[str, object] | None = None
    options: dict[str, object] | None = None


class ViewChanges(_Changes):
    """What may change of a view."""

    view_type: str | None = None
    view_data: dict[str, object] | None = None
    options: dict[str, object] | None = None


_VIEWED = ("organization", "project", "experiment", "dataset", "prompt", "function")


def _place_of_view(call: Call, given: Given) -> Resource:
    object_type, object_id = str(given["object_type"]), str(given["object_id"])
    if object_type not in _VIEWED:
        raise HttpError(400, f"`object_type` is one of {', '.join(_VIEWED)}, not `{object_type[:80]}`")
    if object_type == "organization":
        return own_organization(call, org_id=object_id)
    return require_entity(call, Level.READ, object_type, object_id).resource


def _complete_view(_call: Call, given: Given, entity: Entity | None) -> Given:
    """Return a spec or changes with what is unique: the object, the type of the view, and its name."""
    all_of_it: Given = {**given} if entity is None else {**entity.body, "name": entity.name, **given}
    object_id = uuid_of(str(all_of_it["object_id"]), "object_id")
    names = (all_of_it["object_type"], object_id, all_of_it.get("view_type") or "", all_of_it["name"])
    return {**given, "object_id": object_id, "slug": "/".join(map(str, names))}


PROJECT_SCORE = Kind(
    "project_score", "Project settings", ProjectScore, ProjectScoreSpec, ProjectScoreChanges, filters=("score_type",)
)
PROJECT_TAG = Kind("project_tag", "Project settings", ProjectTag, ProjectTagSpec, ProjectTagChanges)
SPAN_IFRAME = Kind("span_iframe", "Project settings", SpanIframe, SpanIframeSpec, SpanIframeChanges)
PROMPT_SESSION = Kind(
    "prompt_session",
    "Project settings",
    PromptSession,
    PromptSessionSpec,
    PromptSessionChanges,
    objects=("playground_logs",),
)
VIEW = Kind(
    "view",
    "Views",
    View,
    ViewSpec,
    ViewChanges,
    complete=_complete_view,
    place=_place_of_view,
    filters=("object_type", "object_id", "view_type"),
)
routes = Routes("Project settings")
for _kind in (PROJECT_SCORE, PROJECT_TAG, SPAN_IFRAME, PROMPT_SESSION, VIEW):
    routes.all += rest(_kind).all
