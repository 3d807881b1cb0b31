"""Whether the server lives and can work."""

from __future__ import annotations

from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes

routes = Routes("Health")


@routes.get("/ping", answer=dict, public=True)
def ping(call: Call) -> Answer:
    """Say that the server is there."""
    del call
    return json_answer({})


@routes.get("/healthz", answer=dict, public=True)
def healthz(call: Call) -> Answer:
    """Say that the process lives and answers."""
    del call
    return json_answer({"status": "ok"})


@routes.get("/readyz", answer=dict, public=True)
def readyz(call: Call) -> Answer:
    """Say whether requests can be served: files are there and can be read."""
    if call.state.stopping.is_set():
        raise HttpError(503, "the server is stopping", retry_after_s=5)
    call.state.storage.objects()
    call.state.registry.default_organization()
    return json_answer({"status": "ready"})


@routes.get("/version", answer=dict, public=True)
def version(call: Call) -> Answer:
    """Return what SDKs must know of this server before they write."""
    from importlib.metadata import version as version_of

    limit = call.state.settings.limits.logs3_payload_bytes_max
    return json_answer({"version": version_of("btql"), "logs3_payload_max_bytes": limit})
