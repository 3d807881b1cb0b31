"""A place for backups, a folder or a bucket, and what is in it.

::

    btql-backup.json          says that this is one
    backups/<name>.json       one backup: what it is of, and where each of its files is
    parts/<id>-<letters>/     a part, as in a database; the letters tell it from others of that number
    log/<xact>-<letters>      a log file
    files/<letters>           any other file, and the catalogs, by their checksum
    running/<claim>           somebody is at work (:mod:`.claims`)

Files never change and are shared by all backups that have them, so a further backup copies what is new. A backup
appears last, in one piece: what a broken one has left is used by the next. Databases may share a place.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from btql_storage.care.claims import Claim, claimed
from btql_storage.checksums import is_sealed, open_seal, seal
from btql_storage.errors import Damaged, NewerFormat, NotADatabase, OtherDatabase
from btql_storage.opening.address import PREFIX
from btql_storage.opening.location import locate
from btql_storage.opening.marker import MARKER
from btql_storage.opening.services import store_at
from btql_storage.stores.interface import AlreadyThere

if TYPE_CHECKING:
    from btql_storage.clock import Clock
    from btql_storage.opening.location import Place
    from btql_storage.stores.interface import Store

VAULT = "btql-backup.json"
BACKUPS = "backups"
PARTS = "parts"
LOG = "log"
FILES = "files"
_FORMAT = 1


class Kept(msgspec.Struct, frozen=True):
    """Where a file or part of a database is kept."""

    place: str
    bytes: int


class Backup(msgspec.Struct, frozen=True):
    """One backup."""

    format: int
    name: str
    database: str | None
    """The id of the database."""
    source: str
    """Where it was."""
    made_at: int
    """Unix seconds."""
    last_xact_id: int
    """All transactions up to it are in the backup."""
    catalog: str
    """Where its catalog is, as an SQLite file."""
    parts: dict[str, Kept]
    log: dict[str, Kept]
    files: dict[str, Kept]
    """Everything else, by its name in the database."""
    seal: str

    @property
    def whose(self) -> str:
        """What tells its database from others; one of before there were ids is known by its place."""
        return self.database or self.source

    @property
    def age(self) -> tuple[int, str]:
        """What puts the backups of one database in order, the oldest first: names come from clocks, which err."""
        return self.last_xact_id, self.name

    @property
    def bytes(self) -> int:
        """What it would take alone."""
        return sum(one.bytes for group in (self.parts, self.log, self.files) for one in group.values())


class Vault:
    """A place for backups."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def begin(self) -> None:
        """Make it one, where it is empty."""
        if self.store.read(VAULT) is None:
            if self.store.read(MARKER) is not None:
                raise NotADatabase(f"there is a database at `{self.store.label}`", "give another place for backups")
            for folder in (BACKUPS, PARTS, LOG, FILES):
                self.store.make_folder(folder)
            with suppress(AlreadyThere):
                self.store.put(VAULT, msgspec.json.encode({"format": _FORMAT}) + b"\n")

    def names(self) -> list[str]:
        """Return the names of all backups, sorted."""
        if self.store.read(VAULT) is None:
            raise NotADatabase(f"there are no backups at `{self.store.label}`", "`btql backup` makes them")
        return sorted(name.removesuffix(".json") for name in self.store.list(BACKUPS) if name.endswith(".json"))

    def backups(self) -> list[Backup]:
        """Return all backups, those of each database oldest first."""
        found = (self._read(name) for name in self.names())
        # One may just have been removed.
        return sorted((one for one in found if one is not None), key=lambda one: (one.whose, one.age))

    def backup(self, name: str) -> Backup:
        """Return a backup."""
        found = self._read(name)
        if found is None:
            raise self._no_backup(name)
        return found

    def newest(self) -> Backup:
        """Return the newest backup, where all are of one database."""
        newest = {one.whose: one for one in self.backups()}
        if not newest:
            raise self._no_backup(None)
        if len(newest) > 1:
            listed = ", ".join(f"`{one.name}` of `{one.source}`" for one in newest.values())
            raise OtherDatabase(
                f"there are backups of {len(newest)} databases at `{self.store.label}`, the newest are {listed}",
                "say which one: --name",
            )
        return next(iter(newest.values()))

    def add(self, backup: Backup) -> str:
        """Make a backup appear under a name that nobody has, that of its time; return the name."""
        base = datetime.fromtimestamp(backup.made_at, UTC).strftime("%Y-%m-%dT%H%M%SZ")
        number, name = 1, base
        while not self._added(msgspec.structs.replace(backup, name=name)):
            number += 1
            name = f"{base}-{number:03}"
        return name

    def forget(self, kept: int, made: str, clock: Clock) -> list[str]:
        """Remove all but the newest backups of the database of which one was just made; return their names.

        That one stays in any case. Files go with them that no other backup needs, unless others are at work here.
        """
        backups = self.backups()
        whose = {one.whose for one in backups if one.name == made}
        older = [one.name for one in backups if one.whose in whose][:-kept]
        # It is not the last where others have the same last transaction. Not even then is one more removed: two
        # that are made at the same time would remove each other.
        gone = [name for name in older if name != made]
        for name in gone:
            self.store.delete(f"{BACKUPS}/{name}.json")
        with claimed(self.store, clock, "removal") as claim:
            if not claim.others():
                self._remove_unneeded(claim, made)
        return gone

    def _remove_unneeded(self, claim: Claim, made: str) -> None:
        # Read after the claim: whoever was at work before it has appeared. A list may lack the one that was just made.
        backups = [*self.backups(), *filter(None, (self._read(made),))]
        needed = {one.place for backup in backups for group in _groups(backup) for one in group.values()}
        needed |= {backup.catalog for backup in backups}
        for folder in (PARTS, LOG, FILES):
            for name in self.store.list(folder):
                if f"{folder}/{name}" in needed:
                    continue
                claim.renew()
                if not claim.is_there():
                    # It was taken for a dead one's, so others are at work by now.
                    return
                self.store.delete(f"{folder}/{name}")
            self.store.sweep(folder)

    def _added(self, backup: Backup) -> bool:
        opened = open_seal()
        content = bytearray(msgspec.json.encode(msgspec.structs.replace(backup, seal=opened.decode())) + b"\n")
        seal(content, opened)
        try:
            self.store.put(f"{BACKUPS}/{backup.name}.json", bytes(content))
        except AlreadyThere:
            return False
        return True

    def _read(self, name: str) -> Backup | None:
        path = f"{BACKUPS}/{name}.json"
        content = self.store.read(path)
        if content is None:
            return None
        try:
            found = msgspec.json.decode(content, type=Backup)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._damaged(path) from error
        if found.format > _FORMAT:
            raise NewerFormat(f"`{path}` of `{self.store.label}` has format {found.format}", "install a newer btql")
        if not is_sealed(content, found.seal.encode()):
            raise self._damaged(path)
        return found

    def _no_backup(self, name: str | None) -> NotADatabase:
        names = self.names()
        known = f"there are {', '.join(names)}" if names else "`btql backup` makes them"
        return NotADatabase(f"there is no backup{f' `{name}`' if name else ''} at `{self.store.label}`", known)

    def _damaged(self, path: str) -> Damaged:
        return Damaged(f"the backup `{path}` of `{self.store.label}` is damaged", "take another one: --name")


@contextmanager
def vault_at(place: Place) -> Generator[Vault]:
    """Open a place for backups: a folder, or the address of a bucket."""
    if isinstance(place, str) and "://" in place:
        # It has no services, whatever the environment says of databases.
        environment = {name: value for name, value in os.environ.items() if name != f"{PREFIX}REDIS"}
        store = store_at(locate(place, environment | {f"{PREFIX}CATALOG": "sqlite:/unused"}))
    else:
        from btql_storage.stores.local import LocalStore

        store = LocalStore(Path(place))
    try:
        yield Vault(store)
    finally:
        store.close()


def _groups(backup: Backup) -> tuple[Mapping[str, Kept], ...]:
    return backup.parts, backup.log, backup.files
