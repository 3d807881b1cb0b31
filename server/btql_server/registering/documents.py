"""Prompts and functions: entities whose documents are rows, so that they have versions and queries see them.

1. The registry knows a prompt's id, project, name and slug. Its document is the row of that id in the object
   ``project_prompts:<project>``, that of a function in ``project_functions:<project>``.
2. Each change writes the whole document as one event; its transaction is the version of the document. All versions
   stay readable, since these objects keep their history, and each is an entry of the row's ``audit_data``.
3. The registry's transaction is open while the event is written, so that changes of one slug take turns, whatever
   process they come to. It is committed last. Should the server die in between, a document is stored without an
   entry: as the id of a slug's first document follows from the slug, whoever asks again meets it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid5

from btql_server.access.model import Level, Resource
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.versions import parse_version
from btql_server.registering.crud import described, existing, listed, merged, place_of, spec_of, updated
from btql_server.registering.environments import pin, pinned, require_environment
from btql_server.registering.kind import Given, Kind, ListQuery
from btql_server.registering.places import require_entity, touch
from btql_server.registry.entity import Entity, EntitySpec
from btql_server.writing.rows import read_row
from btql_server.writing.store import write_events
from btql_storage import json_text
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import UnknownObject
from btql_storage.lookup import rows_by_id


@dataclass(frozen=True, slots=True)
class Stored:
    """A kind whose documents are rows."""

    kind: Kind
    objects: str
    """The kind of object that has the rows, one for each project."""
    fields: tuple[str, ...]
    """What a document has besides id, name, slug and the time it was made."""
    fixed: Given = field(default_factory=dict[str, object])
    """What all documents have."""
    check: Callable[[Given], None] | None = None
    """Raises where a document cannot be."""

    def body(self, given: Given) -> dict[str, object]:
        """Return what of a request belongs into a document."""
        return {**{name: given[name] for name in self.fields if name in given}, **self.fixed}


@dataclass(frozen=True, slots=True)
class Document:
    """One version of a document."""

    xact_id: int
    fields: Given


class Changes:
    """Documents that one request changes, all or none; the registry's transaction is open around it."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._events: dict[ObjectInfo, list[bytes]] = {}

    def put(self, stored: Stored, entity: Entity, fields: Given) -> None:
        """Write a new version of a document."""
        if stored.check is not None:
            stored.check(fields)
        given = {name: value for name, value in fields.items() if value is not None}
        self._add(stored, entity, {**given, "name": entity.name, "slug": entity.slug, "created": entity.created})

    def delete(self, stored: Stored, entity: Entity) -> None:
        """Take a document away; its versions stay."""
        self._add(stored, entity, {"_object_delete": True})

    def write(self) -> int:
        """Make the changes durable; return their version."""
        return write_events(self._call, self._events).xact_id

    def _add(self, stored: Stored, entity: Entity, document: Given) -> None:
        audit = {"_audit_source": "api", "_audit_metadata": {"user_id": self._call.principal.id}}
        target = self._call.state.storage.create_object(stored.objects, str(entity.project_id))
        event = json_text.dumps({"id": entity.id, **document, **audit}).encode()
        # Its size, above all: a row is a row, whichever way it comes.
        read_row(event, (stored.kind.name,), self._call.state.settings.limits)
        self._events.setdefault(target, []).append(event)


def get_or_create(call: Call, stored: Stored, given: Given) -> tuple[Given, bool]:
    """Return the document of a slug, made where it is missing, and whether it was made."""
    return _save_one(call, stored, given, replaces=False)


def replace_or_create(call: Call, stored: Stored, given: Given) -> tuple[Given, bool]:
    """Return the document of a slug after it was replaced or made, and whether it was made."""
    return _save_one(call, stored, given, replaces=True)


def _save_one(call: Call, stored: Stored, given: Given, *, replaces: bool) -> tuple[Given, bool]:
    with call.state.registry.writing():
        place = place_of(call, stored.kind, given)
        found = existing(call, stored.kind, place, given)
        if found is not None and not replaces:
            call.require(Level.READ, found.resource)
            touch(call, found)
            return shown(stored, found, _require_document(call, stored, found)), False
        changes = Changes(call)
        environments = environments_of(call, given)
        entity = save(call, changes, stored, place, given)
        xact_id = changes.write()
        assign(call, entity, xact_id, environments)
    return shown(stored, entity, Document(xact_id, stored.body(given))), found is None


def save(call: Call, changes: Changes, stored: Stored, place: Resource, given: Given) -> Entity:
    """Return the entry of a slug after its document was replaced or made; it is written with the other changes."""
    found = existing(call, stored.kind, place, given)
    if found is None:
        call.require(Level.WRITE, place, described(call, place))
        entity, _ = call.state.registry.create(_spec(call, stored, place, given))
    else:
        call.require(Level.WRITE, found.resource)
        entity = updated(call, found, {}, given)
    touch(call, entity)
    changes.put(stored, entity, stored.body(given))
    return entity


def environments_of(call: Call, given: Given) -> Sequence[Entity]:
    """Return the environments that a request lists by their slugs; before anything is written, as one may be wrong."""
    slugs = given.get("environment_slugs")
    return [require_environment(call, str(slug)) for slug in (slugs if isinstance(slugs, list) else ())]


def assign(call: Call, entity: Entity, xact_id: int, environments: Iterable[Entity]) -> None:
    """Put the version that was written into environments."""
    for environment in environments:
        pin(call, environment, entity, xact_id)


def change(call: Call, stored: Stored, entity_id: str, given: Given) -> Given:
    """Return a document after changes: objects are merged, all else is replaced, null leaves it as it is."""
    given = {name: value for name, value in given.items() if value is not None}
    with call.state.registry.writing():
        entity = require_entity(call, Level.WRITE, stored.kind.name, entity_id)
        before = _require_document(call, stored, entity)
        if not given:
            return shown(stored, entity, before)
        entity = updated(call, entity, {}, given)
        changed = {name: merged(before.fields.get(name), given[name]) for name in stored.fields if name in given}
        fields = stored.body(before.fields) | changed
        changes = Changes(call)
        changes.put(stored, entity, fields)
        xact_id = changes.write()
    return shown(stored, entity, Document(xact_id, fields))


def delete(call: Call, stored: Stored, entity_id: str) -> Given:
    """Return a document that was deleted, with the time."""
    with call.state.registry.writing():
        entity = require_entity(call, Level.WRITE, stored.kind.name, entity_id)
        document = documents(call, stored, [entity]).get(entity.id, Document(0, {}))
        changes = Changes(call)
        changes.delete(stored, entity)
        xact_id = changes.write()
        deleted = call.state.registry.delete(entity)
    return {**shown(stored, deleted, replace(document, xact_id=xact_id)), "deleted_at": deleted.deleted_at}


def read(call: Call, stored: Stored, entity_id: str, version: str | None, environment: str | None) -> Given:
    """Return one document, at a version or in an environment; ``version`` goes before."""
    entity = require_entity(call, Level.READ, stored.kind.name, entity_id)
    wanted = None if version is None else parse_version(version)
    if wanted is None and environment is not None:
        wanted = pinned(call, require_environment(call, environment), [entity]).get(entity.id)
        if wanted is None:
            message = f"no version of {stored.kind.name} id {entity.id} is in the environment `{environment[:80]}`"
            raise HttpError(400, message)
    return shown(stored, entity, _require_document(call, stored, entity, wanted))


def listing(call: Call, stored: Stored, query: ListQuery, version: str | None, environment: str | None) -> list[Given]:
    """Return a page of documents, without those that did not exist at the version or are not in the environment."""
    entities = listed(call, stored.kind, query)
    found: dict[str, Document] = {}
    if version is None and environment is not None:
        versions = pinned(call, require_environment(call, environment), entities)
        for wanted in sorted(set(versions.values())):
            found |= documents(call, stored, [each for each in entities if versions.get(each.id) == wanted], wanted)
    else:
        found = documents(call, stored, entities, None if version is None else parse_version(version))
    return [shown(stored, entity, found[entity.id]) for entity in entities if entity.id in found]


def documents(
    call: Call, stored: Stored, entities: Iterable[Entity], version: int | None = None
) -> dict[str, Document]:
    """Return the documents of entries by id, as they are or were; those that are not there are left out."""
    by_project: dict[str, list[str]] = {}
    for entity in entities:
        by_project.setdefault(str(entity.project_id), []).append(entity.id)
    found: dict[str, Document] = {}
    for project_id, ids in by_project.items():
        found |= _rows(call, stored, project_id, ids, version)
    return found


def shown(stored: Stored, entity: Entity, document: Document) -> dict[str, object]:
    """Return a document as it is answered."""
    fields = document.fields
    return {
        "id": entity.id,
        "_xact_id": f"{document.xact_id:019d}",
        "project_id": entity.project_id,
        "log_id": "p",
        "org_id": entity.org_id,
        # An earlier version may have had others.
        "name": fields.get("name") or entity.name,
        "slug": fields.get("slug") or entity.slug,
        "created": entity.created,
        **{name: fields.get(name) for name in stored.fields},
    }


def _require_document(call: Call, stored: Stored, entity: Entity, version: int | None = None) -> Document:
    found = documents(call, stored, [entity], version).get(entity.id)
    if found is None:
        when = "has no document" if version is None else f"did not exist at version {version}"
        raise HttpError(400, f"{stored.kind.name} id {entity.id} {when}")
    return found


def _rows(
    call: Call, stored: Stored, project_id: str, ids: Collection[str], version: int | None
) -> Mapping[str, Document]:
    storage = call.state.storage
    try:
        target = storage.object(stored.objects, project_id)
    except UnknownObject:
        return {}
    with storage.snapshot(target, version) as snapshot:
        rows = rows_by_id(snapshot, ids)
    return {
        row.id: Document(row.xact_id, {name: json_text.parse(text) for name, text in row.fields.items()})
        for row in rows.values()
    }


def _spec(call: Call, stored: Stored, place: Resource, given: Given) -> EntitySpec:
    spec = replace(spec_of(call, stored.kind, place, given), body={})
    first = str(uuid5(UUID(spec.project_id), f"{spec.kind}/{spec.slug}"))
    is_taken = call.state.registry.get(spec.kind, first, deleted=True) is not None
    return spec if is_taken else replace(spec, id=first)
