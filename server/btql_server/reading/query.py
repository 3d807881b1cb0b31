"""``POST /btql``: a query in either language, answered in the format that was asked for."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from btql.errors import QueryError
from btql.explain import explained
from btql_planner import errors
from btql_server.http.answer import JSON, Answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError, as_http
from btql_server.http.routes import Routes
from btql_server.reading.answering import Reading
from btql_server.reading.formats import MEDIA
from btql_server.reading.plan_header import HEADER, PlanHeader, plan_asked
from btql_server.reading.request import QueryRequest
from btql_server.reading.running import database_for, run_many, run_query, stop_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from btql.execution.stop import Stop
    from btql.explaining.explanation import Explanation
    from btql_grammar.parameters import Values
    from btql_planner.options import QueryOptions

routes = Routes("Queries")


class QueryAnswer(msgspec.Struct):
    """The rows of a query in JSON, and what there is to say about them."""

    data: list[dict[str, object]]
    schema: dict[str, object]
    """The JSON schema of ``data``."""
    columns: list[str]
    """The names in ``data``, in the order of the query: objects of JavaScript begin with those that are numbers."""
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
    plan = plan_asked(headers.get(HEADER, ""))
    options = body.options(limits)
    stop = stop_of(call, body.seconds(limits))
    try:
        sets = body.sets()
        if sets is not None:
            result = run_many(call, asked, sets, stop, options=options)
        else:
            watching = plan is not None and plan.analyze
            result = run_query(call, asked, stop, options=options, parameters=body.values(), watching=watching)
        header = None
        if plan is not None:
            planned = partial(_planned, call, stop, asked, options=options, parameters=body.values())
            header = PlanHeader(plan, planned, result.explanation)
        reading = Reading(call, result, stop, form, began, audit=bool(body.audit_log), plan=header)
        return reading.answer()
    except QueryError as error:
        raise _refused(error) from None


def _planned(
    call: Call,
    stop: Stop,
    asked: str | Mapping[str, object],
    *,
    options: QueryOptions,
    parameters: Values | None,
) -> Explanation | None:
    """Return how a query is planned; None for a statement that writes, which has no plan and is done by now."""
    try:
        return explained(database_for(call, stop), asked, options=options, parameters=parameters)
    except QueryError:
        return None


def _refused(error: QueryError) -> Exception:
    """Return the answer to a wrong query; that of the strict lint mode has words that clients look for."""
    found = as_http(error)
    if error.code != errors.STRICT_LINT or found is None:
        return error
    return HttpError(found.status, error.diagnostics[0].message, details=found.details)
