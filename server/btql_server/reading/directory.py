"""The objects of a server as one principal sees them: every name in a statement passes here, and all that it writes.

A source is named by an id or by a name. An id that is no object, and one that may not be read, are refused alike,
with 403. A name is one that a program with the database embedded has given (``project_logs('demo')``), or that of a
project, an experiment or a dataset of the principal's organization; one that may not be read does not exist, in hints
neither. Whether a text is an id is seen by its form alone, so that the answer tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from btql.execution.directory import Listed, constants_of
from btql_grammar.sources import KINDS
from btql_server.access.asker import forbidden
from btql_server.access.model import Level, Resource
from btql_server.access.objects import OF_PROJECT, REGISTERED, UUID, is_id, name_of, resource_of, usual
from btql_server.http.errors import HttpError
from btql_server.registry.changes import Change
from btql_server.registry.entity import Listing
from btql_server.writing.comments import with_author
from btql_server.writing.rows import read_row
from btql_storage.ingest.accept import line_of

if TYPE_CHECKING:
    from btql_server.access.asker import Asker
    from btql_server.registry.entity import Entity
    from btql_storage.catalog import ObjectInfo
    from btql_storage.ingest.accept import Event
    from btql_storage.ingest.envelope import Read

_OF_ORGANIZATION = {"org_prompts": "project_prompts", "org_functions": "project_functions"}
"""Sources that are all objects of another kind in an organization."""
_WRITTEN_AT = {"project_prompts": "/v1/prompt", "project_functions": "/v1/function"}
"""Kinds of object that only routes of their own write, once they belong to a project of this server."""
_ROWS = {"prompt": "project_prompts", "function": "project_functions"}
"""Sources that are one row of another kind of object."""
_LOG_IDS = {"project_logs": "g", "playground_logs": "x", "project_prompts": "p", "project_functions": "p"}
_NAMED = {kind: REGISTERED[kind] for kind in ("experiment", "dataset", "playground_logs")}
"""Kind of object to the kind of what is registered, beside those of a project."""
_WITH_NAMES = ("project", *_NAMED.values())
"""Kinds of what is registered under a name that a statement may use."""


class Visible:
    """What the principal of one statement sees."""

    listed_by = "what may be read is listed by `POST /btql/tables`, and in `information_schema.tables` over Postgres"
    nothing_yet = "there is nothing yet that may be read: write something first, or ask for permission"

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._registry = asker.state.registry
        self._storage = asker.state.storage
        self._rows: dict[tuple[str, str], str] = {}
        """The sources that are one row, as they are written, and its id. It is looked up only once: a prompt that is
        deleted meanwhile must not become all prompts of its project."""
        self.changes: list[Change] = []
        """The objects that a statement writes to, once it is done."""

    def find(self, kind: str, name: str) -> Sequence[ObjectInfo]:
        """Return the objects to read for a source."""
        principal = self._asker.principal
        if kind in _OF_ORGANIZATION and usual(name) in (principal.org_id, principal.org_name):
            return self._of_organization(kind)
        written, name = name, self._id_of(kind, name)
        row = self._row(kind, name)
        if self._level_at(kind, name, row) < Level.READ:
            if UUID.fullmatch(name):
                raise forbidden(principal, Level.READ, f"{kind} id {name}")
            return ()
        self._asker.read[kind, name] = None
        if row is not None and row.project_id is not None:
            self._rows[kind, written] = row.id
            return (self._opened(_ROWS[kind], row.project_id),)
        return (self._opened(kind, name),)

    def may_read(self, kind: str, name: str) -> bool:
        """Whether the principal may read now what a statement has read, named as in ``asker.read``."""
        return self._level_at(kind, name, self._row(kind, name)) >= Level.READ

    def only(self, kind: str, name: str) -> str | None:
        """Return the id of a prompt or function, which is a row among those of its project."""
        return self._rows.get((kind, name))

    def target(self, kind: str, name: str, *, create: bool) -> ObjectInfo | None:
        """Return the object to write to."""
        name = self._id_of(kind, name)
        row = self._row(kind, name)
        resource = row.resource if row is not None else resource_of(self._registry, self._storage, kind, name)
        is_new = resource is None and name != "" and not UUID.fullmatch(name) and kind in KINDS
        if is_new:
            resource = Resource(self._registry.default_organization().id, None, kind, f"{kind}:{name}")
        level = Level.NONE if resource is None else self._level(resource)
        if level < Level.WRITE:
            if level < Level.READ and not UUID.fullmatch(name) and not create:
                return None
            raise forbidden(self._asker.principal, Level.WRITE, f"{kind} id {name}")
        if row is not None:
            raise HttpError(400, f"a {kind} is not written by a statement: use `PATCH /v1/{kind}/{name}`")
        if is_new and not create:
            return None
        if resource is not None and resource.kind == "project" and kind in _WRITTEN_AT:
            message = (
                f"no statement writes {kind}: they have slugs to keep unique, so write them at {_WRITTEN_AT[kind]}"
            )
            raise HttpError(400, message)
        opened = self._opened(kind, name)
        change = Change("statement", kind, name, self._asker.touched[name][1])
        if change not in self.changes:
            self.changes.append(change)
        return opened

    def kinds(self, name: str) -> Iterator[str]:
        """Yield the kind of each object that may be read and has a name, its own or the registered one."""
        spellings = dict.fromkeys((name, usual(name)))
        called = self._registered(name)
        by_id = [self._registry.get(kind, usual(name)) for kind in _WITH_NAMES] if UUID.fullmatch(name) else []
        known = called | {each.id: each for each in by_id if each is not None}
        objects = [each for own in spellings | called for each in self._storage.objects(own)]
        for each in self._readable(objects, known):
            yield from (kind for kind, known_as in _names(each) if known_as in spellings)

    def names(self) -> Iterator[tuple[str, str]]:
        """Yield kind and name of every object that may be read, and the names of registered ones."""
        for each in self.listed():
            yield from _names(each)

    def listed(self) -> Iterator[Listed]:
        """Yield every object that may be read, with what it is called where it is registered."""
        return self._readable(self._storage.objects(), self._registered())

    def _registered(self, name: str | None = None) -> dict[str, Entity]:
        """Return what is registered in the organization, or what has a name of it, by its id."""
        org_id = self._asker.principal.org_id
        listings = [Listing(kind, org_id=org_id, name=name) for kind in _WITH_NAMES]
        return {each.id: each for listing in listings for each in self._registry.list(listing)}

    def _readable(self, objects: Iterable[ObjectInfo], known: Mapping[str, Entity]) -> Iterator[Listed]:
        """Yield those of some objects that may be read."""
        default = self._registry.default_organization().id
        for each in objects:
            entity = known.get(each.name)
            if entity is not None and self._level(entity.resource) >= Level.READ:
                yield _listed(each, entity)
            elif entity is None and not is_id(each.name):
                resource = Resource(default, None, each.kind, f"{each.kind}:{each.name}")
                if self._level(resource) >= Level.READ:
                    yield Listed(each, constants=tuple(constants_of(each)))

    def constants(self, target: ObjectInfo) -> Mapping[str, str | None]:
        """Return what all rows of an object have in common."""
        return _constants(target, self._entity(target.kind, target.name))

    def checked(self, events: Sequence[Event], places: Sequence[int | str]) -> Sequence[Read]:
        """Return the events of a statement as they are to be stored, held to the same types as those of a request."""
        limits = self._asker.state.settings.limits
        found: list[Read] = []
        for index, (event, place) in enumerate(zip(events, places, strict=True)):
            row = read_row(line_of(event, index, limits), ("row", place), limits)
            found.append(with_author(row, self._asker.principal))
        return found

    def _of_organization(self, kind: str) -> Sequence[ObjectInfo]:
        below = _OF_ORGANIZATION[kind]
        projects = self._registry.list(Listing("project", org_id=self._asker.principal.org_id))
        there = {each.name for each in self._storage.objects() if each.kind == below}
        readable = [each.id for each in projects if self._level(each.resource) >= Level.READ and each.id in there]
        self._asker.read |= dict.fromkeys((below, project_id) for project_id in readable)
        return [self._opened(below, project_id) for project_id in readable]

    def _id_of(self, kind: str, name: str) -> str:
        """Return the id that a name stands for; the name itself where it stands for none."""
        if UUID.fullmatch(name):
            return name_of(self._storage, kind, name)
        if kind not in OF_PROJECT and kind not in _NAMED and kind not in _ROWS:
            return name
        registered = REGISTERED.get(kind, kind)
        entities = self._registry.list(Listing(registered, org_id=self._asker.principal.org_id, name=name))
        found = [each.id for each in entities if self._level(each.resource) >= Level.READ]
        if len(found) > 1:
            listed = " or ".join(f"`{kind}('{each}')`" for each in found[:3])
            raise HttpError(400, f"`{name}` is ambiguous: {len(found)} {registered}s have that name; write {listed}")
        if found and self._is_written_by_name(kind, name):
            raise HttpError(
                400,
                f"`{name}` is ambiguous: it names a {registered}, and rows that were written without one; "
                f"write `{kind}('{found[0]}')` for those of the {registered}, or rename it to get at the others",
            )
        return found[0] if found else name

    def _is_written_by_name(self, kind: str, name: str) -> bool:
        """Whether there are rows under a name itself, as embedding programs and SQL write them, that may be read."""
        resource = resource_of(self._registry, self._storage, kind, name)
        return resource is not None and self._level(resource) >= Level.READ

    def _opened(self, kind: str, name: str) -> ObjectInfo:
        """Return an object that the principal may use, counted and noted."""
        asker = self._asker
        limit = asker.state.settings.limits.queries_per_minute
        if limit is not None and name not in asker.touched:
            asker.state.rates.take("queries", f"{asker.principal.key_id or asker.principal.id}:{kind}:{name}", limit)
        entity = self._entity(kind, name)
        asker.touched[name] = (kind, name if entity is None else entity.name or name)
        return self._storage.create_object(kind, name)

    def _row(self, kind: str, name: str) -> Entity | None:
        """Return the prompt or function of an id, which is a row among those of its project."""
        return self._registry.get(kind, name) if kind in _ROWS else None

    def _entity(self, kind: str, name: str) -> Entity | None:
        registered = REGISTERED.get(kind)
        return None if registered is None else self._registry.get(registered, name)

    def _level_at(self, kind: str, name: str, row: Entity | None) -> Level:
        """Return what the principal may do with a source; ``row`` is the prompt or function that it is, if any."""
        resource = row.resource if row is not None else resource_of(self._registry, self._storage, kind, name)
        return Level.NONE if resource is None else self._level(resource)

    def _level(self, resource: Resource) -> Level:
        return self._asker.principal.level(resource)


def _names(listed: Listed) -> Iterable[tuple[str, str]]:
    """Return kind and name for each name of an object. That of a project alone means its logs, not its prompts."""
    is_logs = listed.object.kind in _NAMED or listed.object.kind == "project_logs"
    return listed.names if is_logs else [(listed.object.kind, listed.object.name)]


def _listed(target: ObjectInfo, entity: Entity) -> Listed:
    """Return a registered object as lists show it."""
    described = entity.body.get("description")
    note = described if isinstance(described, str) and described else None
    return Listed(target, entity.name, note, tuple(_constants(target, entity)))


def _constants(target: ObjectInfo, entity: Entity | None) -> dict[str, str | None]:
    """Return what all rows of an object have in common, by what it is registered as."""
    found = constants_of(target)
    if entity is None or entity.kind == "organization":
        return found
    found["project_id"] = entity.id if entity.kind == "project" else entity.project_id
    if target.kind in _LOG_IDS:
        found |= {"log_id": _LOG_IDS[target.kind], "org_id": entity.org_id}
    return found
