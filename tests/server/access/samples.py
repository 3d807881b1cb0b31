"""One sample request for each route that needs a key, for the table of routes and keys.

A route without a sample fails ``test_routes_and_keys.py``; so does one whose sample says less than it does. To add
one, say what it takes: the level, and where that level is asked for:

- ``thing``: something of the organization ``acme`` that the request names;
- ``organization``: the organization of whoever asks, which the request need not name;
- ``nothing``: any key will do; whoever asks for a list gets what they may read.

Texts in braces are filled in from ``World``: ``{project}`` is an id that is always the same, ``{new_project}`` one
that is made for this request, for what changes or deletes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import uuid4

from btql_server.access.model import Level

READ, WRITE, ADMIN, NONE = Level.READ, Level.WRITE, Level.ADMIN, Level.NONE
CONFIDENTIAL = "confidential"
"""In the name of everything that ``acme`` has, so that one can look for it in the answers to others."""


@dataclass(frozen=True)
class Sample:
    """A request, and what a key needs for it."""

    level: Level
    on: Literal["thing", "organization", "nothing"]
    body: object = None
    """JSON, or bytes as they are."""
    path: Mapping[str, str] = field(default_factory=dict)
    """The values of the names in the path."""
    params: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    """What a key that may is answered."""
    otherwise: Mapping[str, int] = field(default_factory=dict)
    """Kind of key to status, where it does not follow from the level."""


def on(level: Level, **more) -> Sample:
    """Return a sample that names a thing."""
    return Sample(level, "thing", **more)


def inside(level: Level, **more) -> Sample:
    """Return a sample for the organization of whoever asks."""
    return Sample(level, "organization", **more)


def anybody(**more) -> Sample:
    """Return a sample that takes any key."""
    return Sample(NONE, "nothing", **more)


def _crud(
    kind: str,
    spec: Mapping[str, object],
    changes: Mapping[str, object] | None = None,
    *,
    make: Callable[..., Sample] = on,
    path: str | None = None,
) -> Mapping[str, Sample]:
    """Return the samples of the usual six routes of a kind; ``make`` says where one takes write access to make one."""
    path, one = path or f"/v1/{kind}", {"entity_id": f"{{{kind}}}"}
    return {
        f"POST {path}": make(WRITE, body=spec),
        f"PUT {path}": make(WRITE, body=spec),
        f"GET {path}": anybody(),
        f"GET {path}/{{entity_id}}": on(READ, path=one),
        f"PATCH {path}/{{entity_id}}": on(WRITE, path=one, body=changes or {"description": "changed"}),
        f"DELETE {path}/{{entity_id}}": on(WRITE, path={"entity_id": f"{{new_{kind}}}"}),
    }


_IN_PROJECT = {"project_id": "{project}", "name": "{new_name}"}
_SLUG = {**_IN_PROJECT, "slug": "{new_name}"}
_CODE = {
    "type": "code",
    "data": {"type": "inline", "code": "1", "runtime_context": {"runtime": "node", "version": "20"}},
}
_PIN = {"object_type": "prompt", "object_id": "{prompt}"}
_SNAPSHOT = {"dataset_id": "{dataset}", "name": "{new_name}", "xact_id": "{xact}"}
_QUERY = {"query": "select: * | from: project_logs('{project}')"}
_RUNS_NOTHING = anybody(body={}, status=400)
_LOG_ROW = {"id": "a", "input": "x", "project_id": "{project}", "log_id": "g"}
_EVENTS = {"events": [{"id": "a", "input": "x"}]}
_FEEDBACK = {"feedback": [{"id": "a", "scores": {"good": 1}}]}
_GRANT = {"object_type": "project", "object_id": "{project}", "user_id": "{user}", "permission": "read"}
_OTLP = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "0" * 31 + "1",
                            "spanId": "0" * 15 + "1",
                            "name": "s",
                            "startTimeUnixNano": "1",
                            "endTimeUnixNano": "2",
                        }
                    ]
                }
            ]
        }
    ]
}
_TRACES = on(
    WRITE,
    body=_OTLP,
    headers={"content-type": "application/json", "x-bt-parent": "project_id:{project}"},
)

SAMPLES: Mapping[str, Sample] = {
    "POST /api/apikey/login": anybody(),
    # Organizations, members, keys, permissions.
    "GET /v1/organization": anybody(),
    "GET /v1/organization/{org_id}": Sample(
        NONE, "thing", path={"org_id": "{organization}"}, otherwise={"other project": 200}
    ),
    "PATCH /v1/organization/{org_id}": on(ADMIN, path={"org_id": "{organization}"}, body={}),
    "PATCH /v1/organization/members": inside(ADMIN, body={"invite_users": {"emails": ["{new_name}@acme.example"]}}),
    "GET /v1/user": anybody(),
    "GET /v1/user/{user_id}": on(READ, path={"user_id": "{user}"}),
    "GET /api/self/me": anybody(),
    "POST /api/self/me": anybody(),
    "POST /v1/api_key": on(ADMIN, body={"name": "new", "user_id": "{user}"}),
    "PUT /v1/api_key": on(ADMIN, body={"name": "{new_name}", "user_id": "{user}"}),
    "GET /v1/api_key": anybody(),
    "GET /v1/organization/api_keys": inside(ADMIN),
    "GET /v1/api_key/{key_id}": on(ADMIN, path={"key_id": "{key}"}),
    "DELETE /v1/api_key/{key_id}": on(ADMIN, path={"key_id": "{new_key}"}),
    "POST /v1/service_token": on(ADMIN, body={"name": "new", "service_account_id": "{account}"}),
    "PUT /v1/service_token": on(ADMIN, body={"name": "{new_name}", "service_account_id": "{account}"}),
    "GET /v1/service_token": anybody(),
    "GET /v1/service_token/{key_id}": on(ADMIN, path={"key_id": "{token}"}),
    "DELETE /v1/service_token": on(ADMIN, body={"id": "{new_token}"}),
    "DELETE /v1/service_token/{key_id}": on(ADMIN, path={"key_id": "{new_token}"}),
    "GET /v1/acl/list_org": inside(READ),
    "POST /v1/acl/batch_update": on(ADMIN, body={"add_acls": [_GRANT]}),
    "POST /v1/acl": on(ADMIN, body=_GRANT),
    "GET /v1/acl": on(READ, params={"object_type": "project", "object_id": "{project}"}),
    "DELETE /v1/acl": on(ADMIN, body=_GRANT | {"permission": "{new_permission}"}),
    "GET /v1/acl/{acl_id}": on(READ, path={"acl_id": "{grant}"}),
    "DELETE /v1/acl/{acl_id}": on(ADMIN, path={"acl_id": "{new_grant}"}),
    # Projects, experiments, datasets.
    **_crud("project", {"name": "{new_name}"}, make=inside),
    "DELETE /v1/project/{entity_id}": on(ADMIN, path={"entity_id": "{new_project}"}),
    "POST /api/project/register": inside(WRITE, body={"project_name": "{new_name}"}),
    "GET /api/project": on(READ, params={"id": "{project}"}),
    # A search finds what one may read.
    "POST /api/project/get": anybody(body={"id": "{project}"}),
    **_crud("experiment", _IN_PROJECT),
    "POST /api/experiment/register": on(WRITE, body={"project_id": "{project}", "experiment_name": "{new_name}"}),
    "POST /api/experiment/get": anybody(body={"project_id": "{project}", "experiment_name": "confidential experiment"}),
    "POST /api/base_experiment/get_id": on(READ, body={"id": "{experiment}"}, status=400),
    **_crud("dataset", _IN_PROJECT),
    "POST /api/dataset/register": on(WRITE, body={"project_id": "{project}", "dataset_name": "{new_name}"}),
    "GET /v1/experiment/{experiment_id}/summarize": on(
        READ, path={"experiment_id": "{experiment}"}, params={"summarize_scores": "true"}
    ),
    "GET /experiment-comparison2": on(READ, params={"experiment_id": "{experiment}"}),
    "GET /v1/dataset/{dataset_id}/summarize": on(
        READ, path={"dataset_id": "{dataset}"}, params={"summarize_data": "true"}
    ),
    "GET /dataset-summary": on(READ, params={"dataset_id": "{dataset}"}),
    "GET /xact-id": anybody(),
    "POST /api/self/get_object_info": on(READ, body={"object_type": "experiment", "object_ids": ["{experiment}"]}),
    **_crud("dataset_snapshot", _SNAPSHOT),
    "POST /api/dataset_snapshot/register": on(WRITE, body=_SNAPSHOT | {"dataset_snapshot_name": "{new_name}"}),
    "POST /api/dataset_snapshot/get": on(READ, body={"dataset_id": "{dataset}"}),
    "POST /api/dataset_snapshot/patch_id": on(WRITE, body={"id": "{dataset_snapshot}", "description": "d"}),
    "POST /api/dataset_snapshot/delete_id": on(WRITE, body={"id": "{new_dataset_snapshot}"}),
    "POST /v1/dataset/{dataset_id}/restore/preview": on(
        READ, path={"dataset_id": "{dataset}"}, body={"version": "{xact}"}
    ),
    "POST /v1/dataset/{dataset_id}/restore": on(WRITE, path={"dataset_id": "{dataset}"}, body={"version": "{xact}"}),
    # Prompts, functions, and what else a project has.
    **_crud("prompt", _SLUG),
    **_crud("function", _SLUG | {"function_data": _CODE}),
    "POST /insert-functions": on(WRITE, body={"functions": [_SLUG | {"function_data": _CODE}]}),
    "POST /function/invoke": _RUNS_NOTHING,
    "POST /function/sandbox-list": _RUNS_NOTHING,
    "POST /function/code": _RUNS_NOTHING,
    "POST /v1/function/{entity_id}/invoke": anybody(path={"entity_id": "{function}"}, body={}, status=400),
    **_crud("environment", {"name": "{new_name}", "slug": "{new_name}"}, make=inside, path="/environment"),
    "GET /environment-object/{object_type}/{object_id}": on(READ, path=_PIN),
    "POST /environment-object/{object_type}/{object_id}": on(
        WRITE,
        path=_PIN | {"object_id": "{new_prompt}"},
        body={"environment_slug": "{environment_slug}", "object_version": "{xact}"},
    ),
    "GET /environment-object/{object_type}/{object_id}/{environment_slug:path}": on(
        READ, path=_PIN | {"environment_slug": "{environment_slug}"}
    ),
    "PUT /environment-object/{object_type}/{object_id}/{environment_slug:path}": on(
        WRITE, path=_PIN | {"environment_slug": "{environment_slug}"}, body={"object_version": "{xact}"}
    ),
    "DELETE /environment-object/{object_type}/{object_id}/{environment_slug:path}": on(
        WRITE, path=_PIN | {"object_id": "{new_pinned}", "environment_slug": "{environment_slug}"}
    ),
    **_crud("project_score", _IN_PROJECT | {"score_type": "slider"}),
    **_crud("project_tag", _IN_PROJECT),
    **_crud("span_iframe", _IN_PROJECT | {"url": "https://example.com"}),
    **_crud("prompt_session", _IN_PROJECT),
    **_crud(
        "view",
        {"object_type": "project", "object_id": "{project}", "name": "{new_name}", "view_type": "logs"},
        {"name": "{new_name}"},
    ),
    # Reading.
    "POST /btql": on(READ, body=_QUERY),
    "POST /btql/tables": anybody(body={}),
    "POST /btql/paths": on(READ, body={"target": "project_logs:{project}"}),
    "POST /btql/ingest": on(WRITE, body={"target": "project_logs:{project}", **_EVENTS}),
    "POST /btql/async": on(READ, body=_QUERY),
    # Only for whoever asked, and for administrators.
    "GET /btql/async/{id}": on(ADMIN, path={"id": "{job}"}),
    "GET /btql/async/{id}/result": on(ADMIN, path={"id": "{job}"}),
    "DELETE /btql/async/{id}": on(ADMIN, path={"id": "{new_job}"}),
    "POST /btql/async/{id}/cancel": on(ADMIN, path={"id": "{new_job}"}),
    **{
        f"{method} /v1/{kind}/{{object_id}}/{what}": on(ADMIN, path={"object_id": f"{{{named}}}"}, body=body)
        for method, what, body in (
            ("GET", "retention", None),
            ("PUT", "retention", {"rows": 1_000_000}),
            ("DELETE", "retention", None),
            ("POST", "purge", None),
        )
        for kind, named in (("project_logs", "project"), ("experiment", "experiment"), ("dataset", "dataset"))
    },
    **{
        f"{method} /v1/{kind}/{{id}}/fetch": on(READ, path={"id": f"{{{named}}}"}, body=body)
        for kind, named in (("project_logs", "project"), ("experiment", "experiment"), ("dataset", "dataset"))
        for method, body in (("GET", None), ("POST", {"limit": 1}))
    },
    "GET /metrics": inside(READ),
    "GET /page/objects": anybody(),
    "GET /page/fields": on(READ, params={"object": "project_logs:{project}"}),
    "POST /page/explain": on(READ, body={"query": "select: * | from: project_logs('{project}')"}),
    # Writing.
    "POST /logs3": on(WRITE, body={"rows": [_LOG_ROW], "api_version": 2}),
    "POST /logs3/overflow": Sample(WRITE, "nothing", body={"size_bytes": 10, "rows": []}),
    "POST /v1/insert": on(WRITE, body={"project_logs": {"{project}": _EVENTS}}),
    **{
        f"POST /v1/{kind}/{{id}}/{verb}": on(WRITE, path={"id": f"{{{named}}}"}, body=body)
        for kind, named in (("project_logs", "project"), ("experiment", "experiment"), ("dataset", "dataset"))
        for verb, body in (("insert", _EVENTS), ("feedback", _FEEDBACK))
    },
    "POST /attachment": Sample(
        WRITE, "nothing", body={"key": "{new_id}", "filename": "f", "content_type": "text/plain"}
    ),
    "POST /attachment/status": Sample(
        WRITE, "nothing", body={"key": "{new_id}", "status": {"upload_status": "done"}}, status=404
    ),
    "GET /attachment": Sample(READ, "nothing", params={"key": "{new_id}"}, status=404),
    "POST /otel/v1/traces": _TRACES,
    "POST /v1/traces": _TRACES,
    "POST /otel/v1/logs": anybody(body={}, status=404),
    "POST /otel/v1/metrics": anybody(body={}, status=404),
}
"""Method and path of a route to its sample."""

PUBLIC = {
    "GET /": "the page, which asks for a key by itself",
    "GET /healthz": "asked by what starts and stops servers",
    "GET /openapi.json": "what the server can do is no secret",
    "GET /page/{digest}/{name}": "the page's files",
    "GET /page/functions.json": "the language is no secret",
    "GET /ping": "says nothing",
    "GET /readyz": "asked by what sends requests to servers",
    "GET /v1": "says hello",
    "GET /version": "asked by SDKs without a key",
    "GET /app/{organization}/{rest:path}": "leads to the page, whatever it is asked for",
    "GET /attachment/file/{token}": "the signed address is the key",
    "PUT /attachment/upload/{token}": "the signed address is the key",
    "PUT /logs3/overflow/{token}": "the signed address is the key",
}
"""Each route that takes no key, and why not."""


class World(dict[str, str]):
    """Ids of things of the organization ``acme``; those that begin with ``new_`` are made when they are asked for."""

    def __init__(self, known: Mapping[str, str], makers: Mapping[str, Callable[[], str]]) -> None:
        super().__init__(known)
        self._makers = makers

    def __missing__(self, name: str) -> str:
        if name == "new_id":
            return str(uuid4())
        if name == "new_name":
            return f"new-{uuid4().hex}"
        return self._makers[name]()

    def fill(self, value: Any) -> Any:
        """Return a value with its texts filled in."""
        match value:
            case str():
                return value.format_map(self)
            case Mapping():
                return {self.fill(key): self.fill(item) for key, item in value.items()}
            case list():
                return [self.fill(item) for item in value]
            case _:
                return value
