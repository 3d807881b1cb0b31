"""The addresses that SDKs print and return: ``/app/<organization>/…``, each a redirect to what the page shows there.

===================================================  =========================================
``…/p/<project>``, ``…/p/<project>/logs``            the project's logs; with ``oid`` one trace
``…/p/<project>/experiments/<name>``                 an experiment
``…/p/<project>/datasets/<name>``                    a dataset
``…/object?object_type=…&object_id=…&id=<row id>``   the trace that has a row
===================================================  =========================================

Nothing is looked up: browsers follow links without a key, and the page asks with one. It finds objects by their names.
"""

from __future__ import annotations

from urllib.parse import quote, unquote_to_bytes

from msgspec import Struct

from btql_grammar.quotes import single_quoted
from btql_server.http.answer import Answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes

routes = Routes("Page")
_KINDS = {"experiments": "experiment", "datasets": "dataset"}


class LinkQuery(Struct):
    """What is linked to, where the path does not say it."""

    object_type: str | None = None
    object_id: str | None = None
    id: str | None = None
    """Id of a row."""
    oid: str | None = None
    """Id of a row of the project's logs."""


@routes.get("/app/{organization}/{rest:path}", answer="text/html", public=True)
def link(call: Call, organization: str, rest: str, query: LinkQuery) -> Answer:
    """Go on to the page, at what an SDK's link is about."""
    del organization, rest
    # As it was sent: names may have slashes, which are not those between them once they are decoded.
    raw = bytes(call.request.scope["raw_path"]).split(b"/app/", 1)[1]
    match [unquote_to_bytes(piece).decode(errors="replace") for piece in raw.strip(b"/").split(b"/")][1:]:
        case ["p", project] | ["p", project, "logs"]:
            return _to_object(call, "project_logs", project, query.oid)
        case ["p", _, place, name] if place in _KINDS:
            return _to_object(call, _KINDS[place], name, None)
        case ["object"] if query.object_type is not None and query.object_id is not None:
            return _to_object(call, query.object_type, query.object_id, query.id)
        case _:
            raise HttpError(404, f"no SDK makes links like `{call.request.url.path[:200]}`")


def _to_object(call: Call, kind: str, name: str, row_id: str | None) -> Answer:
    parameters = {"object": f"{kind}:{name}"}
    if row_id is not None:
        parameters["filter"] = f"id = {single_quoted(row_id)}"
    hash_ = "&".join(f"{key}={quote(value, safe='')}" for key, value in parameters.items())
    return Answer(b"", "text/html", 302, {"location": f"{call.base_url}/#{hash_}"})
