"""All routes, put together into one ASGI application."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp

from btql_server.access.audit_headers import audit_headers
from btql_server.access.recorder import record
from btql_server.administering import acls, keys, organizations, users
from btql_server.http.endpoint import ByMethod, Endpoint
from btql_server.http.origins import KNOWN
from btql_server.http.outermost import Outermost
from btql_server.http.router import LookedUp
from btql_server.http.routes import Route
from btql_server.operating import health, metrics, openapi
from btql_server.otlp import receiver
from btql_server.page import explain, page, vocabulary
from btql_server.reading import background, embedding, fetch, query, tables
from btql_server.registering import (
    dataset_snapshots,
    datasets,
    environment_objects,
    environments,
    experiments,
    functions,
    links,
    login,
    object_info,
    project_settings,
    projects,
    prompts,
    push,
    restoring,
    retention,
    summaries,
)
from btql_server.state import State
from btql_server.writing import attachments, insert, logs3, overflow

MODULES = (
    health,
    openapi,
    metrics,
    login,
    links,
    projects,
    experiments,
    datasets,
    summaries,
    prompts,
    functions,
    push,
    environments,
    environment_objects,
    dataset_snapshots,
    restoring,
    object_info,
    project_settings,
    retention,
    receiver,
    page,
    vocabulary,
    explain,
    query,
    tables,
    embedding,
    fetch,
    background,
    logs3,
    overflow,
    insert,
    attachments,
    keys,
    organizations,
    users,
    acls,
)
"""Every module with routes; where two fit one path, the first one answers."""

_METHODS = ("GET", "PATCH", "POST", "PUT", "DELETE", "OPTIONS")
_EXPOSED = (
    "x-bt-cursor",
    "x-bt-found-existing",
    "x-bt-query-plan",
    "x-bt-api-duration-ms",
    "x-bt-brainstore-duration-ms",
    "x-bt-internal-trace-id",
    "x-bt-freshness-state",
    "x-bt-audit-user-id",
    "x-bt-audit-user-email",
    "x-bt-audit-normalized-url",
    "x-bt-audit-resources",
    "x-btql-warnings",
    "x-btql-xact-id",
    "x-btql-rows-written",
    "retry-after",
    "content-range",
)
"""Headers of answers that pages of other origins may read, beside those that every page may."""


def all_routes() -> Sequence[Route]:
    """Return every route of the server."""
    return [route for module in MODULES for route in module.routes.all]


def make_app(state: State) -> ASGIApp:
    """Return the application of one process."""
    by_path: dict[str, dict[str, ASGIApp]] = {}
    for one in all_routes():
        by_path.setdefault(one.path, {}).setdefault(one.method, Endpoint(one, state))
    router = LookedUp([StarletteRoute(path, ByMethod(found), methods=list(found)) for path, found in by_path.items()])
    watchers = [state.metrics.watch] if state.tracing is None else [state.metrics.watch, state.tracing.watch]
    # Errors pass through to the outermost layer, which knows how all of them look.
    inner = Outermost(router, watchers, more_headers=audit_headers, recorder=record)
    return CORSMiddleware(
        inner,
        allow_origins=state.settings.origins,
        allow_origin_regex=KNOWN,
        allow_methods=_METHODS,
        allow_headers=["*"],
        allow_credentials=True,
        allow_private_network=True,
        expose_headers=_EXPOSED,
        max_age=86_400,
    )
