"""Whether the server lives and can work."""

from __future__ import annotations

from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes
from btql_storage.errors import StorageError
from btql_storage.opening.marker import MARKER

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
    state = call.state
    if state.stopping.is_set():
        raise HttpError(503, "the server is stopping", retry_after_s=5)
    try:
        # Open files outlive a folder that is moved or unmounted, so its name is looked at, too.
        is_there = state.storage.store.read(MARKER) is not None
        state.storage.objects()
        state.registry.default_organization()
    except StorageError as error:
        raise HttpError(503, f"the database cannot be used: {error}", retry_after_s=5) from error
    if not is_there:
        raise HttpError(503, f"the database cannot be used: there is no `{MARKER}`", retry_after_s=5)
    return json_answer({"status": "ready"})


@routes.get("/version", answer=dict, public=True)
def version(call: Call) -> Answer:
    """Return what SDKs must know of this server before they write."""
    from importlib.metadata import version as version_of

    limits = call.state.settings.limits
    # SDKs send batches of just this size: where a request may have less, they would all be refused.
    payload = min(limits.logs3_payload_bytes_max, limits.request_bytes_max)
    return json_answer({"version": version_of("btql"), "logs3_payload_max_bytes": payload})
