"""The registry: a small store of entities in SQLite or PostgreSQL, shared by all processes of a server.

1. **Unique**: within its scope (a project, else the organization) a kind has one living entity for each
   name or slug. :meth:`Registry.create` returns the one that is there.
2. **Atomic**: a call happens as a whole or not at all, and is durable when it returns.
3. **Soft deletes**: what is deleted keeps its id, and its name is free again.
4. **Reads wait for no writer**: outside of a transaction that writes they see what was committed last.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import uuid4

from btql_server.registry.changes import Change, report
from btql_server.registry.entity import IN_ORGANIZATION, KEYED_BY_SLUG, Entity, EntitySpec, Listing
from btql_server.registry.paging import LIMIT_MAX, select
from btql_server.registry.schema import connect
from btql_storage import json_text
from btql_storage.databases.interface import Answer, Row, Run, Value

DEFAULT_ORGANIZATION = "default"
_AT_ONCE = 500
"""So many places are named in one statement."""
_COLUMNS = "id, kind, org_id, project_id, name, slug, user_id, created, deleted_at, body"


class NameTaken(Exception):  # noqa: N818  it is read in `except` clauses
    """Another living entity of that kind has the name or slug."""


def now_text() -> str:
    """Return the present moment as the registry writes it."""
    return time_text(datetime.now(UTC))


def time_text(moment: datetime) -> str:
    """Return a moment as the registry writes it: these texts sort like the moments."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _Transaction:
    """A transaction of one thread that may write; it remembers whether it did."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self.changes: list[Change] = []
        self.wrote = False

    def execute(self, statement: str, values: Sequence[Value] = (), /) -> Answer:
        """Run one statement."""
        self.wrote = self.wrote or not statement.lstrip().startswith("select")
        return self._run.execute(statement, values)

    def executemany(self, statement: str, rows: Sequence[Sequence[Value]], /) -> Answer:
        """Run one statement for each of many rows."""
        self.wrote = True
        return self._run.executemany(statement, rows)


class _OfThread(threading.local):
    """What each thread has of its own."""

    transaction: _Transaction | None = None


class Registry:
    """The entities of one database; safe from several threads."""

    def __init__(self, place: Path | str) -> None:
        """Open the registry in a folder, or at an address of PostgreSQL."""
        self.place = place
        self._database = connect(place)
        # The threads of an SQLite file take turns on a connection.
        self._reader = connect(place) if isinstance(place, Path) else self._database
        self._own = _OfThread()

    def close(self) -> None:
        """Let go of the database."""
        self._reader.close()
        self._database.close()

    @contextmanager
    def reading(self) -> Generator[Run]:
        """Begin reads that see the same state; within a transaction of this thread they are part of it."""
        if self._own.transaction is not None:
            yield self._own.transaction
            return
        with self._reader.reading() as run:
            yield run

    def rows(self, statement: str, values: Sequence[Value] = ()) -> list[Row]:
        """Return what one statement reads, in one round trip."""
        if self._own.transaction is not None:
            return self._own.transaction.execute(statement, values).fetchall()
        return self._reader.read(lambda _: [(statement, values)])[0]

    @contextmanager
    def writing(self, *, quiet: bool = False) -> Generator[Run]:
        """Begin a transaction that writes, rolled back on any error; within another one of this thread it is that one.

        A ``quiet`` one changes nothing that anybody keeps in memory.
        """
        if self._own.transaction is not None:
            yield self._own.transaction
            return
        with self._database.writing() as run:
            transaction = self._own.transaction = _Transaction(run)
            try:
                yield transaction
                if transaction.wrote and not quiet:
                    run.execute("update registry_changes set value = value + 1")
            finally:
                self._own.transaction = None
        report(transaction.changes)

    def changed(self, change: Change) -> None:
        """Note a change of the transaction that is open, which is reported once it is committed."""
        assert self._own.transaction is not None
        self._own.transaction.changes.append(change)

    def create(self, spec: EntitySpec) -> tuple[Entity, bool]:
        """Return the living entity with that name or slug and whether it was made by this call."""
        entity_id = spec.id or str(uuid4())
        org_id = spec.org_id or entity_id
        scope, key = _scope(spec.kind, org_id, spec.project_id), _key(spec.kind, spec.name, spec.slug)
        values = (entity_id, spec.kind, scope, key, org_id, spec.project_id, spec.name, spec.slug, spec.user_id)
        with self.writing() as connection:
            if key is not None and (found := self.find(spec.kind, scope, key)) is not None:
                return found, False
            connection.execute(
                "insert into entities (id, kind, scope, key, org_id, project_id, name, slug, user_id, created, body)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, now_text(), _dumps(spec.body)),
            )
            created = self.get(spec.kind, entity_id)
            self.changed(Change("create", spec.kind, entity_id, spec.name or spec.slug))
        assert created is not None
        return created, True

    def get(self, kind: str, entity_id: str, *, deleted: bool = False) -> Entity | None:
        """Return an entity by id, with ``deleted`` also one that was deleted."""
        living = "" if deleted else " and deleted_at is null"
        found = self._select(f"kind = ? and id = ?{living}", (kind, entity_id))
        return found[0] if found else None

    def deleted_ids(self, kinds: Sequence[str]) -> list[tuple[str, str]]:
        """Return kind and id of every entity of certain kinds that was deleted, in one round trip."""
        marks = ", ".join("?" * len(kinds))
        statement = f"select kind, id from entities where deleted_at is not null and kind in ({marks})"  # noqa: S608
        return [(str(kind), str(each)) for kind, each in self.rows(statement, kinds)]

    def find(self, kind: str, scope: str, key: str) -> Entity | None:
        """Return a living entity by its name or slug within a project or, for projects, an organization."""
        found = self._select("kind = ? and scope = ? and key = ? and deleted_at is null", (kind, scope, key))
        return found[0] if found else None

    def find_all(self, kind: str, places: Sequence[tuple[str, str]]) -> Sequence[Entity]:
        """Return the living entities at some places, each a scope and a key as :meth:`find` takes them, all at once."""
        found: list[Entity] = []
        for start in range(0, len(places), _AT_ONCE):
            some = places[start : start + _AT_ONCE]
            lists = [tuple(dict.fromkeys(each)) for each in zip(*some, strict=True)]
            marks = (", ".join("?" * len(each)) for each in lists)
            condition = "kind = ? and scope in ({}) and key in ({}) and deleted_at is null".format(*marks)
            found += self._select(condition, (kind, *lists[0], *lists[1]))
        wanted = set(places)
        return [
            one for one in found if (_scope(kind, one.org_id, one.project_id), _key(kind, one.name, one.slug)) in wanted
        ]

    def list(self, listing: Listing) -> Sequence[Entity]:
        """Return living entities, newest first."""
        equal = {column: getattr(listing, column) for column in ("kind", "org_id", "project_id", "name", "slug")}
        rows = select(self, "entities", _COLUMNS, equal, listing.page, ["deleted_at is null"])
        return [_entity(row) for row in rows]

    def update(
        self,
        entity: Entity,
        changes: Mapping[str, object],
        *,
        name: str | None = None,
        slug: str | None = None,
    ) -> Entity:
        """Replace keys of the body, and name or slug where they are given; NameTaken where another has them."""
        name, slug = name or entity.name, slug or entity.slug
        with self.writing() as connection:
            current = self.get(entity.kind, entity.id) or entity
            body = {**current.body, **changes}
            key = _key(entity.kind, name, slug)
            scope = _scope(entity.kind, entity.org_id, entity.project_id)
            other = None if key is None else self.find(entity.kind, scope, key)
            if other is not None and other.id != entity.id:
                raise NameTaken(f"there is another {entity.kind} `{key}`")
            connection.execute(
                "update entities set name = ?, slug = ?, key = ?, body = ? where id = ?",
                (name, slug, key, _dumps(body), entity.id),
            )
            updated = self.get(entity.kind, entity.id)
            self.changed(Change("update", entity.kind, entity.id, name or slug))
        return updated or entity

    def delete(self, entity: Entity) -> Entity:
        """Mark an entity as deleted, and with a project everything that lives in it."""
        with self.writing() as connection:
            condition, values = "id = ?", [entity.id]
            if entity.kind == "project":
                condition, values = "(id = ? or project_id = ?)", [entity.id, entity.id]
            going = self._select(f"{condition} and deleted_at is null", values)
            connection.execute(
                f"update entities set deleted_at = ? where {condition} and deleted_at is null",  # noqa: S608  our words
                (now_text(), *values),
            )
            deleted = self.get(entity.kind, entity.id, deleted=True)
            for each in going:
                self.changed(Change("delete", each.kind, each.id, each.name or each.slug))
        assert deleted is not None
        return deleted

    def default_organization(self) -> Entity:
        """Return the oldest organization, made where there is none."""
        oldest = self._oldest_organization()
        if oldest is None:
            with self.writing():
                spec = EntitySpec("organization", name=DEFAULT_ORGANIZATION)
                oldest = self._oldest_organization() or self.create(spec)[0]
        return oldest

    def _oldest_organization(self) -> Entity | None:
        found = self._select("kind = 'organization' and deleted_at is null", (), "asc", 1)
        return found[0] if found else None

    def _select(
        self, condition: str, values: Iterable[Value], order: str = "desc", limit: int = LIMIT_MAX
    ) -> Sequence[Entity]:
        text = f"select {_COLUMNS} from entities where {condition} order by seq {order} limit ?"  # noqa: S608  our words
        return [_entity(row) for row in self.rows(text, (*values, limit))]


def _scope(kind: str, org_id: str, project_id: str | None) -> str:
    if kind == "organization":
        return ""
    if kind in IN_ORGANIZATION:
        return org_id
    return project_id or org_id


def _key(kind: str, name: str | None, slug: str | None) -> str | None:
    return slug if kind in KEYED_BY_SLUG else name


def _entity(row: Row) -> Entity:
    *texts, body = row
    entity_id, kind, org_id, project_id, name, slug, user_id, created, deleted_at = cast("list[str]", texts)
    document = cast("dict[str, object]", json_text.parse(body))
    return Entity(entity_id, kind, org_id, project_id, name, slug, user_id, created, deleted_at, document)


def _dumps(body: Mapping[str, object]) -> bytes:
    return json_text.dumps(dict(body)).encode()
