"""What the console completes and colours: words and functions of the language, objects, fields."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache

import msgspec

from btql.cli import words
from btql_planner.catalog import FieldCatalog, Path
from btql_planner.functions import functions
from btql_planner.names import SYSTEM_KINDS, field_paths
from btql_server.access.model import AUDIT_LOG, Level
from btql_server.access.objects import resource_of
from btql_server.http.answer import JSON, Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes
from btql_server.page.page import unless_known
from btql_server.reading.embedding import fields_of
from btql_server.registry.entity import Entity, Listing

routes = Routes("Page")

_NAMED = ("project", "experiment", "dataset", "prompt_session")
"""Kinds of the registry that objects of the storage are named by."""


class FunctionLine(msgspec.Struct, frozen=True):
    """A function, as completion shows it."""

    name: str
    signature: str
    summary: str
    aggregate: bool


class Language(msgspec.Struct, frozen=True):
    """The words of both languages, by what they are."""

    functions: Sequence[FunctionLine]
    clauses: Sequence[str]
    sql_starts: Sequence[str]
    sql_keywords: Sequence[str]
    btql_keywords: Sequence[str]
    operators: Sequence[str]
    shapes: Sequence[str]
    object_kinds: Sequence[str]


class ObjectLine(msgspec.Struct, frozen=True):
    """An object that can be asked."""

    kind: str
    name: str
    """What stands in ``from``."""
    label: str
    """What people call it."""
    project: str | None
    """The name of the project that it belongs to, unless it is the project's own."""
    created: str | None


class Objects(msgspec.Struct, frozen=True):
    """All objects that a key may read, and whose key it is."""

    organization: str
    user: str | None
    objects: Sequence[ObjectLine]


class FieldLine(msgspec.Struct, frozen=True):
    """A path that rows of an object have."""

    path: str
    """As it is written in a query."""
    kinds: Sequence[str]


class Fields(msgspec.Struct, frozen=True):
    """The fields of one object."""

    fields: Sequence[FieldLine]


class FieldsQuery(msgspec.Struct, frozen=True):
    """The parameters of a question for fields."""

    object: str


@routes.get("/page/functions.json", answer=Language, public=True)
def language(call: Call) -> Answer:
    """Return the functions and the words of the language."""
    return unless_known(call, _language(), JSON, {"cache-control": "no-cache"})


@routes.get("/page/objects", answer=Objects)
def objects(call: Call) -> Answer:
    """Return the objects that the caller may read, newest first."""
    registry, principal = call.state.registry, call.principal
    listings = (registry.list(Listing(kind, org_id=principal.org_id)) for kind in _NAMED)
    known = {entity.id: entity for listing in listings for entity in listing}
    lines: list[ObjectLine] = []
    for one in reversed(call.state.storage.objects()):
        entity = known.get(one.name)
        resource = entity.resource if entity else resource_of(registry, call.state.storage, one.kind, one.name)
        if resource is not None and principal.level(resource) >= Level.READ:
            # Only the audit log is named by an organization.
            label = principal.org_name if one.kind == AUDIT_LOG else one.name
            lines.append(_line(one.kind, one.name, label, entity, known))
    return json_answer(msgspec.to_builtins(Objects(principal.org_name, principal.email, lines)))


@routes.get("/page/fields", answer=Fields)
def fields(call: Call, query: FieldsQuery) -> Answer:
    """Return the fields and paths that the rows of an object have."""
    kind, colon, name = query.object.partition(":")
    if not colon or not name or kind not in words.OBJECT_KINDS:
        raise HttpError(400, "`object` is a kind and a name, such as `project_logs:demo`")
    with fields_of(call, kind, name) as catalog:
        lines = [FieldLine(words.spelled(path), _kinds(catalog, path)) for path in field_paths(catalog)]
    return json_answer(msgspec.to_builtins(Fields(lines)))


def _kinds(catalog: FieldCatalog, path: Path) -> Sequence[str]:
    """Return what values of a path are; documents say it, except of fields that every row has."""
    if len(path) == 1 and path[0] in SYSTEM_KINDS:
        return [SYSTEM_KINDS[path[0]].name.lower()]
    return sorted(kind.name.lower() for kind in catalog.availability(path).kinds)


def _line(kind: str, name: str, label: str, entity: Entity | None, known: Mapping[str, Entity]) -> ObjectLine:
    if entity is None:
        return ObjectLine(kind, name, label, None, None)
    project = known.get(entity.project_id or "")
    return ObjectLine(kind, name, entity.name or label, project.name if project else None, entity.created)


@cache
def _language() -> bytes:
    """Return what is the same for everybody as long as the server runs."""
    found = [
        FunctionLine(name, function.signature, _summary(function.documentation), function.aggregate)
        for name, function in sorted(functions().items())
        if not function.hidden
    ]
    return msgspec.json.encode(
        Language(
            found,
            words.CLAUSES,
            words.SQL_STARTS,
            words.SQL_KEYWORDS,
            words.BTQL_KEYWORDS,
            words.OPERATORS,
            words.SHAPES,
            words.OBJECT_KINDS,
        )
    )


def _summary(documentation: str) -> str:
    """Return the first sentence or paragraph, as plain text."""
    paragraph = " ".join(documentation.strip().split("\n\n")[0].split())
    return re.sub(r"``?", "`", paragraph)
