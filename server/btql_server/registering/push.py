"""What ``braintrust push`` and ``project.publish()`` send: prompts, parameters and functions, many at once.

They are stored all or none. Whatever would have to be run is refused in words: this server stores functions, but
runs no code, calls no model and takes no code bundles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, cast

import msgspec
from msgspec import Struct

from btql_server.access.model import Level
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError, invalid
from btql_server.http.routes import Routes
from btql_server.registering.crud import existing, place_of
from btql_server.registering.documents import Changes, Stored, assign, documents, environments_of, save
from btql_server.registering.functions import FUNCTION, FunctionSpec
from btql_server.registering.kind import Given
from btql_server.registering.places import FEW, touch
from btql_server.registering.prompts import PROMPT
from btql_server.registering.rest import given_by
from btql_server.registry.entity import Entity

routes = Routes("Functions")


class EnvironmentSlug(Struct):
    """An environment, by its slug."""

    slug: str


class Pushed(FunctionSpec, kw_only=True):
    """A prompt or function to store."""

    if_exists: Literal["error", "ignore", "replace"] | None = None
    """What to do where there is one of that slug; null is ``error``."""
    environments: Annotated[list[str | EnvironmentSlug], FEW] | None = None


class Push(Struct):
    """What to store."""

    functions: Annotated[list[Pushed], FEW]


class PushedOne(Struct):
    """What was stored, or was there."""

    id: str
    xact_id: str = msgspec.field(name="_xact_id")
    project_id: str
    name: str
    slug: str
    found_existing: bool


class PushedAll(Struct):
    """What became of each function of the request, in its order."""

    status: Literal["success"]
    functions: list[PushedOne]


@routes.post("/insert-functions", answer=PushedAll, pool="write")
def push(call: Call, body: Push) -> Answer:
    """Store prompts and functions, all or none."""
    changes = Changes(call)
    saved: list[tuple[Stored, Entity, bool]] = []
    written: list[tuple[Entity, Sequence[Entity]]] = []
    with call.state.registry.writing():
        for index, one in enumerate(body.functions):
            stored, given = _stored(one, index), _given(one)
            place = place_of(call, stored.kind, given)
            found = existing(call, stored.kind, place, given)
            if found is not None and one.if_exists == "ignore":
                call.require(Level.READ, found.resource)
                touch(call, found)
                saved.append((stored, found, True))
                continue
            if found is not None and one.if_exists != "replace":
                raise _taken(stored, index, one)
            environments = environments_of(call, given)
            entity = save(call, changes, stored, place, given)
            saved.append((stored, entity, found is not None))
            written.append((entity, environments))
        xact_id = changes.write() if written else 0
        for entity, environments in written:
            assign(call, entity, xact_id, environments)
    versions = {entity.id: xact_id for entity, _ in written}
    return json_answer({"status": "success", "functions": _shown(call, saved, versions)})


@routes.post("/function/invoke")
def invoke(call: Call) -> Answer:
    """Refuse to run a function."""
    del call
    raise _runs_nothing()


@routes.post("/v1/function/{entity_id}/invoke")
def invoke_one(call: Call, entity_id: str) -> Answer:
    """Refuse to run a function."""
    del call, entity_id
    raise _runs_nothing()


@routes.post("/function/sandbox-list")
def list_sandbox(call: Call) -> Answer:
    """Refuse to look into a sandbox, which takes running it."""
    del call
    raise _runs_nothing()


@routes.post("/function/code")
def upload_code(call: Call) -> Answer:
    """Refuse a code bundle."""
    del call
    message = "this server takes no code bundles, as it runs no code: prompts, parameters and inline code can be stored"
    raise HttpError(400, message)


def _runs_nothing() -> HttpError:
    return HttpError(400, "this server stores functions and runs none: run it where its code is, and log what it did")


def _stored(one: Pushed, index: int) -> Stored:
    """Return what kind of thing is pushed."""
    data = one.function_data
    code = data.get("data")
    bundle = cast("Given", code).get("bundle_id") if data.get("type") == "code" and isinstance(code, dict) else None
    if bundle is not None:
        message = f"there is no code bundle `{str(bundle)[:80]}`: this server takes none, as it runs no code"
        raise invalid(message, ("functions", index, "function_data", "data", "bundle_id"))
    return PROMPT if data.get("type") == "prompt" else FUNCTION


def _given(one: Pushed) -> Given:
    slugs = [each if isinstance(each, str) else each.slug for each in one.environments or ()]
    return {**given_by(one), "environment_slugs": [*(one.environment_slugs or ()), *slugs]}


def _taken(stored: Stored, index: int, one: Pushed) -> HttpError:
    message = (
        f"`functions.{index}`: there is another {stored.kind.name} `{one.slug[:80]}`:"
        " set `if_exists` to `replace` or `ignore`, or choose another slug"
    )
    return HttpError(409, message)


def _shown(
    call: Call, saved: Sequence[tuple[Stored, Entity, bool]], versions: dict[str, int]
) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = []
    for stored, entity, found in saved:
        version = versions.get(entity.id)
        if version is None:
            document = documents(call, stored, [entity]).get(entity.id)
            version = 0 if document is None else document.xact_id
        shown.append(
            {
                "id": entity.id,
                "_xact_id": f"{version:019d}",
                "project_id": entity.project_id,
                "name": entity.name,
                "slug": entity.slug,
                "found_existing": found,
            }
        )
    return shown
