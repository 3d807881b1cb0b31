"""The objects that a statement may name, as whoever asks it sees them.

Every name of an object in a statement passes one of these: behind FROM, alone or with its kind, in the target of
INSERT, UPDATE and DELETE, and inside EXPLAIN. A program that has the database in its own process sees all of it
(:class:`Everything`). A server gives each request a directory of its own, so that what may not be read does not
exist, in hints neither, and so that names of its own lead to objects. It also looks at what a statement is about to
write, as a server holds its clients to more than a program is held to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from btql_planner.catalog import ID_FIELDS
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import UnknownObject
from btql_storage.store import Storage

if TYPE_CHECKING:
    from btql_storage.ingest.accept import Event


@dataclass(frozen=True, slots=True)
class Listed:
    """An object that may be read, as lists show it."""

    object: ObjectInfo
    called: str | None = None
    """Its registered name, which is understood beside the name that it has in the storage."""
    note: str | None = None
    """What it is, for people."""
    constants: Sequence[str] = ()
    """The fields that have one value in all of its rows."""

    @property
    def names(self) -> Iterable[tuple[str, str]]:
        """Kind and name, for each name."""
        names = dict.fromkeys((self.object.name, self.called or self.object.name))
        return [(self.object.kind, name) for name in names]


class Directory(Protocol):
    """Finds objects for one statement. What it raises reaches whoever asks as it is."""

    @property
    def listed_by(self) -> str:
        """What to say to somebody who asks for an object that there is not: where those are listed that there are."""
        ...

    @property
    def nothing_yet(self) -> str:
        """The same where there are none."""
        ...

    def find(self, kind: str, name: str) -> Sequence[ObjectInfo]:
        """Return the objects to read for a source; none where there is nothing that may be read."""
        ...

    def only(self, kind: str, name: str) -> str | None:
        """Return the id of the one row that a source is about; None where it is about all rows of its objects.

        It is asked for sources that were found before.
        """
        ...

    def target(self, kind: str, name: str, *, create: bool) -> ObjectInfo | None:
        """Return the object to write to, made with ``create`` where it is missing; None where there is none."""
        ...

    def kinds(self, name: str) -> Iterable[str]:
        """Return the kind of each object that may be read and has a name: what a name without a kind may mean."""
        ...

    def names(self) -> Iterable[tuple[str, str]]:
        """Return kind and name of all objects that may be read, for hints."""
        ...

    def listed(self) -> Iterable[Listed]:
        """Return all objects that may be read, for lists of tables."""
        ...

    def constants(self, target: ObjectInfo) -> Mapping[str, str | None]:
        """Return the fields that have one value in all rows of an object, such as ``project_id``."""
        ...

    def checked(self, events: Sequence[Event], places: Sequence[int | str]) -> Sequence[Event]:
        """Return events as they are to be stored; an error for one that may not be.

        ``places`` says where in the statement each is: the number of its row, from 1, or the id of the row.
        """
        ...


class Everything:
    """All objects of a database, under the names that they have there."""

    listed_by = "`btql status DB` lists all objects"
    nothing_yet = "the database is empty: ingest something first"

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def find(self, kind: str, name: str) -> Sequence[ObjectInfo]:
        """Return the object of that kind and name."""
        try:
            return (self._storage.object(kind, name),)
        except UnknownObject:
            return ()

    def only(self, kind: str, name: str) -> str | None:  # noqa: ARG002
        """Return None: a source is about a whole object."""
        return None

    def target(self, kind: str, name: str, *, create: bool) -> ObjectInfo | None:
        """Return the object of that kind and name."""
        if create:
            return self._storage.create_object(kind, name)
        return next(iter(self.find(kind, name)), None)

    def kinds(self, name: str) -> Iterable[str]:
        """Return the kinds of the objects of that name."""
        return [each.kind for each in self._storage.objects(name)]

    def names(self) -> Iterable[tuple[str, str]]:
        """Return all objects, oldest first."""
        return [(each.kind, each.name) for each in self._storage.objects()]

    def listed(self) -> Iterable[Listed]:
        """Return all objects, oldest first."""
        return [Listed(each, constants=tuple(constants_of(each))) for each in self._storage.objects()]

    def constants(self, target: ObjectInfo) -> Mapping[str, str | None]:
        """Return what follows from the object's name."""
        return constants_of(target)

    def checked(self, events: Sequence[Event], places: Sequence[int | str]) -> Sequence[Event]:  # noqa: ARG002
        """Return the events: the storage says by itself what it cannot store."""
        return events


def constants_of(target: ObjectInfo) -> dict[str, str | None]:
    """Return the fields that are known of every row of an object by its name alone."""
    fields: dict[str, str | None] = {}
    if target.kind in ID_FIELDS:
        fields[ID_FIELDS[target.kind]] = target.name
    if target.kind == "project_logs":
        fields["log_id"] = "g"
    return fields
