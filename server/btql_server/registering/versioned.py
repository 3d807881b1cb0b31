"""The REST routes of what has versions: those of any kind, with ``version`` and ``environment`` where one reads."""

from __future__ import annotations

from msgspec import Struct

from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.routes import Routes
from btql_server.registering.documents import (
    Stored,
    change,
    delete,
    get_or_create,
    listing,
    read,
    replace_or_create,
)
from btql_server.registering.kind import ListQuery
from btql_server.registering.rest import Handlers, declared, found_or_made, given_by


class VersionQuery(Struct):
    """Which version: the latest, if neither says; ``version`` goes before ``environment``."""

    version: str | None = None
    environment: str | None = None


class VersionedListQuery(ListQuery):
    """Which documents, and which version of them."""

    version: str | None = None
    environment: str | None = None


def versioned(stored: Stored) -> Routes:
    """Return the REST routes of a kind whose documents have versions."""

    def post(call: Call, body: Struct) -> Answer:
        document, created = get_or_create(call, stored, given_by(body))
        return found_or_made(document, created=created)

    def put(call: Call, body: Struct) -> Answer:
        document, created = replace_or_create(call, stored, given_by(body))
        return found_or_made(document, created=created)

    def get(call: Call, entity_id: str, query: VersionQuery) -> Answer:
        return json_answer(read(call, stored, entity_id, query.version, query.environment))

    def list_(call: Call, query: VersionedListQuery) -> Answer:
        return json_answer({"objects": listing(call, stored, query, query.version, query.environment)})

    def patch(call: Call, entity_id: str, body: Struct) -> Answer:
        return json_answer(change(call, stored, entity_id, given_by(body)))

    def delete_(call: Call, entity_id: str) -> Answer:
        return json_answer(delete(call, stored, entity_id))

    handlers = Handlers(post, put, list_, get, patch, delete_)
    return declared(stored.kind, handlers, listing=VersionedListQuery, one_query=VersionQuery, writes="write")
