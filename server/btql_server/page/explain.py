"""How a query is understood and run, as text: for both languages, of which only SQL has a word for it."""

from __future__ import annotations

import msgspec

from btql.explain import explain as explained
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.routes import Routes
from btql_server.reading.running import database_for, stop_of

routes = Routes("Page")


class Question(msgspec.Struct, frozen=True):
    """A query to explain."""

    query: str
    analyze: bool | None = None
    """Run it, and say what that took."""


class Explained(msgspec.Struct, frozen=True):
    """A query in each of its forms."""

    plan: str


@routes.post("/page/explain", answer=Explained, pool="query")
def explain(call: Call, body: Question) -> Answer:
    """Return a query in each of its forms; with ``analyze`` run it, and say what that took."""
    stop = stop_of(call, call.state.settings.limits.query_seconds_default)
    database = database_for(call, stop)
    return json_answer({"plan": explained(database, body.query, analyze=bool(body.analyze))})
