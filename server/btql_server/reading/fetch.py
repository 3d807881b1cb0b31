"""``/v1/{project_logs,experiment,dataset}/{id}/fetch``: the rows of one object, newest first, page by page.

A page has up to ``limit`` traces with all of their spans, or as many rows of a dataset. It is a query like any other;
with ``filters``, those spans of each trace are left that match all of them. ``max_xact_id`` and ``max_root_span_id``
are the deprecated way to page (:mod:`btql_server.reading.pairs`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, cast

import msgspec
from msgspec import Meta

from btql.arguments import options_of
from btql_server.access.asker import forbidden
from btql_server.access.model import Level
from btql_server.http.answer import Answer
from btql_server.http.call import Call
from btql_server.http.errors import invalid
from btql_server.http.routes import Routes
from btql_server.http.versions import parse_version
from btql_server.reading import pairs
from btql_server.reading.answering import Reading
from btql_server.reading.directory import Visible
from btql_server.reading.running import database_for, stop_of

routes = Routes("Fetch")
Node = Mapping[str, object]
PositiveNumber = Annotated[int, Meta(ge=0)]


class FetchQuery(msgspec.Struct, kw_only=True):
    """Which page of an object's rows."""

    limit: PositiveNumber | None = None
    """How many traces, or rows of a dataset."""
    cursor: str | None = None
    """From the page before."""
    max_xact_id: str | int | None = None
    max_root_span_id: str | None = None
    version: str | int | None = None
    """Rows as they were right after this transaction."""


class FetchRequest(FetchQuery, kw_only=True):
    """Which page of an object's rows, and which rows."""

    filters: list[dict[str, object]] | None = None
    """Conditions that all hold: ``{"type": "path_lookup", "path", "value"}``, or expressions in the JSON form."""


_ALL = FetchRequest()


class Events(msgspec.Struct):
    """A page of rows."""

    events: list[dict[str, object]]
    cursor: str | None


@routes.post("/v1/project_logs/{id}/fetch", answer=Events, pool="query")
def fetch_logs(call: Call, id: str, body: FetchRequest = _ALL) -> Answer:  # noqa: A002  named by the path
    """Return spans of a project's logs, newest traces first."""
    return fetch(call, "project_logs", id, body, body.filters)


@routes.get("/v1/project_logs/{id}/fetch", answer=Events, pool="query")
def fetch_logs_by_url(call: Call, id: str, query: FetchQuery) -> Answer:  # noqa: A002
    """Return spans of a project's logs, newest traces first."""
    return fetch(call, "project_logs", id, query)


@routes.post("/v1/experiment/{id}/fetch", answer=Events, pool="query")
def fetch_experiment(call: Call, id: str, body: FetchRequest = _ALL) -> Answer:  # noqa: A002
    """Return spans of an experiment, newest traces first."""
    return fetch(call, "experiment", id, body, body.filters)


@routes.get("/v1/experiment/{id}/fetch", answer=Events, pool="query")
def fetch_experiment_by_url(call: Call, id: str, query: FetchQuery) -> Answer:  # noqa: A002
    """Return spans of an experiment, newest traces first."""
    return fetch(call, "experiment", id, query)


@routes.post("/v1/dataset/{id}/fetch", answer=Events, pool="query")
def fetch_dataset(call: Call, id: str, body: FetchRequest = _ALL) -> Answer:  # noqa: A002
    """Return rows of a dataset, newest first."""
    return fetch(call, "dataset", id, body, body.filters)


@routes.get("/v1/dataset/{id}/fetch", answer=Events, pool="query")
def fetch_dataset_by_url(call: Call, id: str, query: FetchQuery) -> Answer:  # noqa: A002
    """Return rows of a dataset, newest first."""
    return fetch(call, "dataset", id, query)


def fetch(call: Call, kind: str, name: str, asked: FetchQuery, filters: Sequence[Node] | None = None) -> Answer:
    """Return a page of an object's rows."""
    began = time.perf_counter()
    limits = call.state.settings.limits
    visible = Visible(call)
    if not visible.find(kind, name):
        raise forbidden(call.principal, Level.READ, f"{kind} id {name[:80]}")
    version = None if asked.version is None else str(parse_version(str(asked.version)))
    limit = limits.query_rows_default if asked.limit is None else min(asked.limit, limits.query_rows_max)
    stop = stop_of(call, limits.query_seconds_default)
    database = database_for(call, stop, visible)
    upper = _upper(asked)
    cursor = None if upper is not None else asked.cursor or None
    options = options_of(tz_offset=0, version=version, lint="off", default_limit=None, cursor=cursor)
    conditions = [_condition(each, place) for place, each in enumerate(filters or ())]
    if upper is None:
        result = database.query(_query(kind, name, limit, conditions), options=options)
        return Reading(call, result, stop, "events", began).answer()

    def first_rows(count: int) -> Iterable[Mapping[str, object]]:
        return database.query(_in_order(kind, name, [*conditions, upper], count), options=options)

    following = pairs.next_of(first_rows, limit)
    if following is not None:
        conditions.append(following.above)
    result = database.query(_in_order(kind, name, [*conditions, upper]), options=options)
    # No traces are no page: the next one would begin at the same place, and so forever.
    cursor = following.cursor if following is not None and limit else None
    return Reading(call, result, stop, "events", began, cursor=cursor).answer()


def _query(kind: str, name: str, limit: int, conditions: Sequence[Node]) -> Node:
    """Return the query for a page of whole traces, or of rows of a dataset, in the JSON form."""
    whole_traces = kind != "dataset"
    query: dict[str, object] = {
        "select": [{"op": "star"}],
        "from": _source(kind, name, "traces" if whole_traces else "spans"),
        "limit": limit,
    }
    if conditions:
        both: Node = {"op": "and", "children": conditions}
        query["filter"] = both
        if whole_traces:
            query["trace_filter"] = both
    return query


def _in_order(kind: str, name: str, conditions: Sequence[Node], limit: int | None = None) -> Node:
    """Return the query for rows in the order of pairs; with a limit for no more of them than where they are."""
    whole: Node = {"op": "star"}
    places: list[Node] = [{"expr": _ident(each), "alias": each} for each in ("_xact_id", "root_span_id")]
    return {
        "select": [whole] if limit is None else places,
        "from": _source(kind, name, "spans"),
        "filter": {"op": "and", "children": conditions},
        "sort": pairs.ORDER,
        "limit": limit,
    }


def _upper(asked: FetchQuery) -> Node | None:
    """Return the condition for where a page begins, in the order of pairs; None where that is not asked for."""
    pair = pairs.pair_of(asked.cursor or "")
    if pair is not None:
        return pair.here_or_below
    return None if asked.max_xact_id is None else pairs.below(str(asked.max_xact_id), asked.max_root_span_id)


def _source(kind: str, name: str, shape: str) -> Node:
    return {"op": "function", "name": _ident(kind), "args": [{"op": "literal", "value": name}], "shape": shape}


def _condition(condition: Node, place: int) -> Node:
    if condition.get("type") != "path_lookup":
        return condition
    path = condition.get("path")
    if (
        not isinstance(path, list)
        or not path
        or not all(isinstance(piece, str) for piece in cast("list[object]", path))
    ):
        raise invalid("Expected an array of keys", ("filters", place, "path"))
    field: Node = {"op": "ident", "name": path}
    value = condition.get("value")
    if value is None:
        return {"op": "isnull", "expr": field}
    return _comparison("eq", field, value)


def _comparison(op: str, left: Node, value: object) -> Node:
    return {"op": op, "left": left, "right": {"op": "literal", "value": value}}


def _ident(name: str) -> Node:
    return {"op": "ident", "name": [name]}
