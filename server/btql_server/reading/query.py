"""``POST /btql``: a query in either language, answered in the format that was asked for."""

from __future__ import annotations

import time
from contextlib import suppress

import msgspec

from btql.errors import QueryError
from btql.explain import explain
from btql_planner import errors
from btql_server.http.answer import JSON, Answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError, as_http
from btql_server.http.routes import Routes
from btql_server.reading.answering import Reading
from btql_server.reading.formats import MEDIA
from btql_server.reading.request import QueryRequest
from btql_server.reading.running import database_for, run_many, run_query, stop_of

routes = Routes("Queries")


class QueryAnswer(msgspec.Struct):
    """The rows of a query in JSON, and what there is to say about them."""

    data: list[dict[str, object]]
    schema: dict[str, object]
    """The JSON schema of ``data``."""
    cursor: str | None
    """Asks for the next page."""
    realtime_state: dict[str, object]
    freshness_state: dict[str, object]
    warnings: list[dict[str, str]]


@routes.post("/btql", answer={media: QueryAnswer if media == JSON else bytes for media in MEDIA.values()}, pool="query")
def query(call: Call, body: QueryRequest) -> Answer:
    """Ask in BTQL or SQL, as text or in the JSON form."""
    began = time.perf_counter()
    asked, limits = body.asked(), call.state.settings.limits
    headers = call.request.headers
    body.cursor = body.cursor or headers.get("x-bt-cursor")
    form = body.form(headers.get("accept", ""))
    if body.audit_log and form not in ("json", "jsonl"):
        raise HttpError(400, "`audit_log` is answered in the formats json and jsonl")
    options = body.options(limits)
    stop = stop_of(call, body.seconds(limits))
    try:
        sets = body.sets()
        if sets is not None:
            result = run_many(call, asked, sets, stop, options=options)
        else:
            result = run_query(call, asked, stop, options=options, parameters=body.values())
        plan = None
        if headers.get("x-bt-query-plan", "").lower() in ("true", "1"):
            # A statement that writes has no plan, and is done by now.
            with suppress(QueryError):
                database = database_for(call, stop)
                plan = explain(database, asked, options=options, parameters=body.values())
        reading = Reading(call, result, stop, form, began, audit=bool(body.audit_log), plan=plan)
        return reading.answer()
    except QueryError as error:
        raise _refused(error) from None


def _refused(error: QueryError) -> Exception:
    """Return the answer to a wrong query; that of the strict lint mode has words that clients look for."""
    found = as_http(error)
    if error.code != errors.STRICT_LINT or found is None:
        return error
    return HttpError(found.status, error.diagnostics[0].message, details=found.details)
