"""``/btql/async``: queries that are answered in the background, for answers that take longer than a request may.

The query is compiled at once, so that what is wrong about it is told at once; its rows are read later, without a
default limit, and kept for a day. Only whoever asked may see them, and administrators of the organization, and only as
long as they may read all objects that the rows are of: what is taken back, or deleted, is gone from here, too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from btql_server.access.asker import forbidden
from btql_server.access.model import Level, Principal, Resource
from btql_server.http.answer import Answer, json_bytes
from btql_server.http.call import Call, uuid_of
from btql_server.http.errors import HttpError, invalid
from btql_server.http.routes import Routes
from btql_server.reading.directory import Visible
from btql_server.reading.formats import audit_lines, json_lines
from btql_server.reading.jobs import Job, Status
from btql_server.reading.request import QueryRequest
from btql_server.reading.running import run_many, run_query

if TYPE_CHECKING:
    from collections.abc import Iterator

    from btql.execution.stop import Stop

routes = Routes("Queries")
PAGE_ROWS_DEFAULT = 1_000
PAGE_ROWS_MAX = 10_000
PAGE_BYTES_MAX = 32 << 20


class BackgroundRequest(QueryRequest, kw_only=True):
    """A query to be answered in the background."""

    format: str | None = None
    """``jsonl``."""
    batch_size: int | None = None
    """Tolerated: rows come in pages of whatever size is asked for."""


class BackgroundQuery(msgspec.Struct, kw_only=True):
    """A query in the background."""

    id: str
    status: Status
    object_id: str | None = None
    error: str | None = None
    rows: int = 0
    """How many there are, once it has succeeded."""


class ResultQuery(msgspec.Struct, kw_only=True):
    """Which page of the rows."""

    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX)] = PAGE_ROWS_DEFAULT
    cursor: str | None = None


class BackgroundRows(msgspec.Struct, kw_only=True):
    """A page of the rows."""

    status: Status
    rows: list[dict[str, object]]
    cursor: str | None = None
    error: str | None = None


@routes.post("/btql/async", answer=BackgroundQuery, pool="query")
def start(call: Call, body: BackgroundRequest) -> Answer:
    """Begin a query that is answered in the background."""
    asked = body.asked()
    if (body.format or body.fmt) not in (None, "json", "jsonl"):
        raise invalid("Expected jsonl", ("format",))
    if body.disable_limit is None:
        body.disable_limit = True
    limits = call.state.settings.limits
    options = replace(body.options(limits), bulk=True)
    seconds = body.seconds_within(limits.background_seconds_max, limits.background_seconds_max)

    def ask(stop: Stop) -> Iterator[bytes]:
        sets = body.sets()
        if sets is not None:
            result = run_many(call, asked, sets, stop, options=options)
        else:
            result = run_query(call, asked, stop, options=options, parameters=body.values())
        return audit_lines(result) if body.audit_log else json_lines(result)

    principal = call.principal
    job = call.state.jobs.start(principal.org_id, _asker(principal), ask, call.read, seconds)
    return _told(job)


@routes.get("/btql/async/{id}", answer=BackgroundQuery)
def show(call: Call, id: str) -> Answer:  # noqa: A002  named by the path
    """Return how far a query in the background is."""
    return _told(_found(call, id))


@routes.get("/btql/async/{id}/result", answer=BackgroundRows)
def rows(call: Call, id: str, query: ResultQuery) -> Answer:  # noqa: A002
    """Return rows of a query in the background, page by page; none before it has succeeded."""
    job = _found(call, id)
    if job.status != "succeeded":
        return Answer(msgspec.json.encode(BackgroundRows(status=job.status, rows=[], error=job.error)))
    _check_readable(call, job)
    place = query.cursor or "0"
    try:
        lines, following = call.state.jobs.page(job, int(place), query.limit, PAGE_BYTES_MAX)
    except FileNotFoundError:
        # It was removed just now.
        raise forbidden(call.principal, Level.READ, f"query id {id}") from None
    except (ValueError, OverflowError):
        raise HttpError(400, "`cursor` is not one that a page of these rows gave") from None
    cursor = None if following is None else str(following)
    told = json_bytes({"status": job.status, "cursor": cursor, "error": None})
    return Answer(b"".join((told[:-1], b',"rows":[', b",".join(lines), b"]}")))


@routes.delete("/btql/async/{id}", answer=BackgroundQuery)
def cancel(call: Call, id: str) -> Answer:  # noqa: A002
    """Cancel a query in the background; remove the rows of one that has ended."""
    return _told(call.state.jobs.cancel(_found(call, id)))


@routes.post("/btql/async/{id}/cancel", answer=BackgroundQuery)
def cancel_by_post(call: Call, id: str) -> Answer:  # noqa: A002
    """Cancel a query in the background; remove the rows of one that has ended."""
    return cancel(call, id)


def _found(call: Call, job_id: str) -> Job:
    jobs, principal = call.state.jobs, call.principal
    job = jobs.get(uuid_of(job_id))
    if job is not None and job.org_id == principal.org_id and _may_see(principal, job):
        return job
    refused = forbidden(principal, Level.READ, f"query id {job_id}")
    if not jobs.of_many_servers:
        raise refused
    way_out = "only the server that began it knows it: send it what is asked of such a query"
    raise HttpError(refused.status, f"{refused.message}; {way_out}")


def _may_see(principal: Principal, job: Job) -> bool:
    return job.asked_by == _asker(principal) or principal.level(Resource(principal.org_id)) >= Level.ADMIN


def _check_readable(call: Call, job: Job) -> None:
    """Refuse rows of an object that may not be read any more, or is not there; as a query of it now would be."""
    if job.read is None:
        raise forbidden(call.principal, Level.READ, f"query id {job.id}")
    visible = Visible(call)
    for kind, name in job.read:
        if not visible.may_read(kind, name):
            raise forbidden(call.principal, Level.READ, f"{kind} id {name}")


def _asker(principal: Principal) -> str:
    """Return who may see the rows: a key, as another one of its owner may be for less."""
    return principal.key_id or principal.id


def _told(job: Job) -> Answer:
    told = BackgroundQuery(id=job.id, status=job.status, object_id=job.object_id, error=job.error, rows=job.rows)
    return Answer(msgspec.json.encode(told))
