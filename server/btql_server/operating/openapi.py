"""The OpenAPI document, made from the declarations of the routes and the shapes that they name.

Nothing is written down twice: paths, parameters, bodies and answers come from ``http/routes``, words from
docstrings. What can go wrong looks the same everywhere, so all errors are a few shared answers.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, TypeAlias, cast

import msgspec

from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.routes import Handler, Route, Routes
from btql_server.http.upload import Upload

Document: TypeAlias = dict[str, object]
routes = Routes("Operations")

_REFERENCE = "#/components/schemas/{name}"
_JSON, _TEXT, _BYTES = "application/json", "text/plain", "application/octet-stream"
_PROTOBUF = "application/x-protobuf"
_BINARY: Document = {"type": "string", "format": "binary"}
_PLAIN: Document = {"type": "string"}
_CONVERTER = re.compile(r"\{(\w+):\w+\}")
_NO_WORD = re.compile(r"\W+")


class Error(msgspec.Struct):
    """What every refused request is answered with."""

    Code: str
    """The kind of error, such as ``BadRequestError``."""
    Message: str
    """What is wrong, where, and what to do."""
    InternalTraceId: str
    """Also in the header ``x-bt-internal-trace-id`` and in the server's log."""
    Path: str
    Service: str
    error: str | msgspec.UnsetType = msgspec.UNSET
    errors: list[dict[str, object]] | msgspec.UnsetType = msgspec.UNSET
    """One entry for each mistake, with its place in the body or the query."""


@routes.get("/openapi.json", answer=dict, public=True)
def openapi(call: Call) -> Answer:
    """Describe every operation of this server as an OpenAPI 3.1 document."""
    here: Document = {"servers": [{"url": call.base_url}]}
    if call.state.settings.insecure_no_auth:
        here["security"] = []
    return json_answer({**_everything(), **here})


@cache
def _everything() -> Document:
    # The list of all modules imports this one.
    from btql_server.app import all_routes

    return document(all_routes())


def document(declared: Sequence[Route]) -> Document:
    """Return the document of some routes, without the address of the server."""
    types = dict.fromkeys(each for route in declared for each in _types(route))
    schemas, components = msgspec.json.schema_components(
        [*types, Error], schema_hook=_schema_of_custom, ref_template=_REFERENCE
    )
    schema_of = dict(zip(types, schemas, strict=False))
    paths: dict[str, dict[str, object]] = {}
    for route in declared:
        # Where two fit one path, the first one answers.
        operations = paths.setdefault(_CONVERTER.sub(r"{\1}", route.path), {})
        operations.setdefault(route.method.lower(), _operation(route, schema_of))
    return {
        "openapi": "3.1.0",
        "info": {"title": "btql", "version": version("btql"), "description": "An open database for AI traces."},
        "tags": [{"name": tag} for tag in sorted({route.tag for route in declared})],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": _errors(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "An API key."}},
        },
    }


def _schema_of_custom(kind: type) -> Document:
    """Return the schema of a type that msgspec has none for: `object` is any JSON."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "Any JSON."}


def answers_of(route: Route) -> Mapping[str, object]:
    """Return the media types that a route answers in, each with the type of its body."""
    match route.answer:
        case str() as media:
            return {media: bytes}
        case Mapping() as several:
            return cast("Mapping[str, object]", several)
        case None:
            return {_JSON: object}
        case one:
            return {_JSON: one}


def _bodies_of(route: Route) -> Mapping[str, object]:
    """Return the media types that a route takes, each with the type of the body."""
    if route.body is None:
        return {}
    if route.body is Upload:
        return {_BYTES: bytes}
    if route.body is bytes:
        # What a handler reads by itself may be anything, unless it says so.
        return route.takes or {_JSON: object, _BYTES: bytes}
    return {_JSON: route.body}


def _types(route: Route) -> Iterable[object]:
    """Return all types whose schemas the document needs for a route."""
    bodies = (*_bodies_of(route).values(), *answers_of(route).values())
    yield from (each for each in bodies if each is not bytes)
    yield from (field.type for field in _query_fields(route))


def _operation(route: Route, schema_of: Mapping[object, Document]) -> Document:
    summary, _, more = _documented(route.handler).partition("\n")
    operation: Document = {
        "operationId": operation_id(route),
        "tags": [route.tag],
        "summary": summary.rstrip("."),
        "parameters": [*_path_parameters(route), *_query_parameters(route, schema_of)],
        "responses": {
            "200": {"description": "Done.", "content": _content(answers_of(route), schema_of)},
            **_error_answers(route),
        },
    }
    if more.strip():
        operation["description"] = more.strip()
    if route.public:
        operation["security"] = []
    if route.body is not None:
        content = _content(_bodies_of(route), schema_of)
        operation["requestBody"] = {"required": route.needs_body and route.body is not bytes, "content": content}
    return operation


def _documented(handler: Handler) -> str:
    """Return what a handler says of itself, as Markdown has it."""
    return (inspect.getdoc(handler) or "").replace("``", "`")


def operation_id(route: Route) -> str:
    """Return a unique name of an operation, such as ``get_v1_project_by_id``."""
    path = _CONVERTER.sub(r"{\1}", route.path).replace("{", "by_")
    return "_".join(word for word in (route.method.lower(), *_NO_WORD.split(path)) if word)


def _path_parameters(route: Route) -> list[Document]:
    schema = {"type": "string", "minLength": 1}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in route.parameters]


def _query_parameters(route: Route, schema_of: Mapping[object, Document]) -> list[Document]:
    return [
        {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": _without_null(schema_of[field.type]),
        }
        for field in _query_fields(route)
    ]


def _query_fields(route: Route) -> Sequence[msgspec.structs.FieldInfo]:
    return msgspec.structs.fields(cast("type[msgspec.Struct]", route.query)) if route.query is not None else ()


def _without_null(schema: Document) -> Document:
    """Return the schema of what is null when it is left out, which is how a URL says null."""
    choices = cast("list[Document]", schema.get("anyOf", []))
    some = [choice for choice in choices if choice != {"type": "null"}]
    if len(some) == len(choices):
        return schema
    return some[0] if len(some) == 1 else {**schema, "anyOf": some}


def _content(media: Mapping[str, object], schema_of: Mapping[object, Document]) -> Document:
    return {
        name: {"schema": schema_of[kind] if kind is not bytes else _PLAIN if name.startswith("text/") else _BINARY}
        for name, kind in media.items()
    }


def _error_answers(route: Route) -> Document:
    names = {"429": "TooMany", "4XX": "Refused", "5XX": "Failed"}
    if not route.public:
        names |= {"401": "NoKey", "403": "Forbidden"}
    if _PROTOBUF not in answers_of(route):
        return {status: {"$ref": f"#/components/responses/{name}"} for status, name in names.items()}
    # Whoever speaks protobuf gets errors in it, too.
    more, shared = {_PROTOBUF: {"schema": _BINARY}}, _errors()
    return {status: {**shared[name], "content": {**shared[name]["content"], **more}} for status, name in names.items()}


def _errors() -> dict[str, dict[str, Any]]:
    as_json = {"schema": {"$ref": _REFERENCE.format(name="Error")}}
    as_text = {"schema": _PLAIN}
    either = {_JSON: as_json, _TEXT: as_text}
    seconds = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return {
        "NoKey": {"description": "The key is missing, unknown, revoked or expired.", "content": {_TEXT: as_text}},
        "Forbidden": {"description": "No permission, or no such thing: nobody can tell.", "content": either},
        "TooMany": {"description": "Too many requests.", "headers": seconds, "content": either},
        "Refused": {"description": "The request is wrong; the message says where and why.", "content": either},
        "Failed": {"description": "The server cannot answer now.", "headers": seconds, "content": either},
    }
