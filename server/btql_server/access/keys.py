"""From the text in an ``Authorization`` header to a principal, for every request.

A key is shown once, when it is made; stored is only its hash (``key_text`` says why that is enough, and how the two
are compared). What was looked up is kept in memory, and yet a key that is revoked stops working at once, whichever
process revoked it: each lookup first asks the database how often the registry was changed (some microseconds with
SQLite, a round trip with PostgreSQL), and if that is not as before forgets everything it kept. The lookups have a
connection of their own, which only reads and so never waits for a writer.

When a key was last used is written by a thread every few seconds, and for each key once a minute at most: a
request waits for no write.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock, Timer

from btql_server.access import grants
from btql_server.access.key_store import add_verifier
from btql_server.access.key_text import matches, prefix_of
from btql_server.access.model import ORGANIZATION, Level, Principal
from btql_server.access.verifier import SALT_BYTES, Verifier
from btql_server.registry.schema import connect
from btql_server.registry.store import Registry, time_text
from btql_storage.databases.interface import Row
from btql_storage.errors import StorageError

NOBODY_ID = "00000000-0000-0000-0000-000000000000"
NOBODY = Principal(NOBODY_ID, "anonymous", "", "")
"""Who asks for what needs no key, and so may do nothing else."""
_KEPT_MAX = 10_000
_NOTE_EVERY_S = 60.0
_WRITE_AFTER_S = 5.0
_SELECT = """
select k.id, k.hash, k.level, k.project_id, k.expires_at, o.id, o.name, e.id, e.kind, e.name, k.scram_salt is not null
from keys k
join entities e on e.id = k.principal_id and e.deleted_at is null
join entities o on o.id = k.org_id and o.deleted_at is null
where k.prefix = ? and k.revoked_at is null
"""
_OLDEST_ORGANIZATION = """
select id, name from entities where kind = 'organization' and deleted_at is null order by seq limit 1
"""
_PROVABLE = """
select k.prefix, e.name, k.expires_at, k.scram_salt, k.scram_stored_key, k.scram_server_key
from keys k
join entities e on e.id = k.principal_id and e.deleted_at is null
join entities o on o.id = k.org_id and o.deleted_at is null
where k.revoked_at is null and k.scram_salt is not null
"""
log = logging.getLogger("btql.keys")


@dataclass(frozen=True, slots=True)
class _Kept:
    """A living key and what follows from it."""

    hash: bytes
    expires: float | None
    principal: Principal
    provable: bool
    """Whether there is a verifier of it (:mod:`.verifier`)."""

    def works(self, now: float) -> bool:
        """Whether it has not expired."""
        return self.expires is None or self.expires > now


@dataclass(frozen=True, slots=True)
class Provable:
    """A key that one can prove to have without sending it."""

    prefix: str
    owner: str
    expires: float | None
    verifier: Verifier


@dataclass(slots=True)
class _Known:
    """What was looked up while the registry was as it is."""

    changes: int
    """How often it had been changed."""
    keys: dict[str, _Kept] = field(default_factory=dict[str, _Kept])
    anonymous: Principal | None = None
    provable: list[Provable] | None = None


class Keys:
    """The keys of one registry; safe from several threads."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._database = connect(registry.place)
        self._latest = _Known(-1)
        self._salt = secrets.token_bytes(SALT_BYTES)
        """Stands in for the one that keys share, as long as there is no key that has one."""
        self._uses = _Uses(registry)
        self.is_remote = isinstance(registry.place, str)
        """Whether a lookup may wait for the network."""

    def close(self) -> None:
        """Write down what is still to be written, and let go of the database."""
        self._uses.close()
        self._database.close()

    def principal(self, key: str) -> Principal | None:
        """Return whoever a key belongs to; None for a key that is unknown, revoked or expired."""
        prefix = prefix_of(key)
        known = self._known()
        kept = None if prefix is None else self._kept(known, prefix)
        right = matches(key, None if kept is None else kept.hash)
        now = time.time()
        if not right or kept is None or not kept.works(now):
            return None
        self._uses.note(kept.principal.key_id or "", now, None if kept.provable else key)
        return kept.principal

    def living(self, prefix: str) -> Principal | None:
        """Return whoever a key belongs to that was proved before; None once it is revoked or has expired."""
        kept = self._kept(self._known(), prefix)
        now = time.time()
        if kept is None or not kept.works(now):
            return None
        self._uses.note(kept.principal.key_id or "", now, None)
        return kept.principal

    def is_sent(self, user: str) -> bool:
        """Tell whether a user name is the prefix of a key that cannot be proved: it was made by an earlier version."""
        if prefix_of(user) != user:
            return False
        kept = self._kept(self._known(), user)
        return kept is not None and not kept.provable

    def provable(self, user: str) -> tuple[bytes, list[Provable]]:
        """Return the salt of all keys, and those that somebody who calls himself ``user`` may prove to have.

        These are the keys of the owner of that name, or the one with that prefix. Any other name says nothing, and so
        each key will do, except that nobody may come with the address of somebody else.
        """
        known = self._known()
        if known.provable is None:
            known.provable = [_provable(*row) for row in self._rows(_PROVABLE)]
        every = known.provable
        name, now = user.lower(), time.time()
        found = [each for each in every if name in (each.owner, each.prefix)]
        if not found and "@" not in user and prefix_of(user) != user:
            found = every
        salt = every[0].verifier.salt if every else self._salt
        return salt, [each for each in found if each.expires is None or each.expires > now]

    def any(self) -> bool:
        """Whether any key was ever made and not revoked."""
        return bool(self._rows("select 1 from keys where revoked_at is null limit 1"))

    def anonymous(self) -> Principal:
        """Return who asks a server that checks no keys: the owner of the default organization."""
        known = self._known()
        if known.anonymous is None:
            found = self._rows(_OLDEST_ORGANIZATION)
            if not found:
                organization = self._registry.default_organization()
                return _owner_of(organization.id, organization.name or "")
            known.anonymous = _owner_of(*found[0])
        return known.anonymous

    def _known(self) -> _Known:
        """Return what is kept of the registry as it is now.

        Whoever has it puts there what is looked up next. If the registry is changed meanwhile that is the last that
        was heard of it, as the next lookup gets another one.
        """
        ((changes,),) = self._rows("select value from registry_changes")
        known = self._latest
        if known.changes != changes:
            known = self._latest = _Known(changes)
        return known

    def _kept(self, known: _Known, prefix: str) -> _Kept | None:
        kept = known.keys.get(prefix)
        if kept is None:
            kept = self._look_up(prefix)
            if kept is not None:
                if len(known.keys) >= _KEPT_MAX:
                    known.keys.clear()
                known.keys[prefix] = kept
        return kept

    def _look_up(self, prefix: str) -> _Kept | None:
        with self._database.reading() as run:
            row = run.execute(_SELECT, (prefix,)).fetchone()
            if row is None:
                return None
            key_id, stored, level, project_id, expires_at, org_id, org_name, member_id, kind, name, provable = row
            held = grants.levels_of(run, member_id)
        principal = Principal(
            member_id,
            kind,
            org_id,
            org_name,
            email=name if kind == "user" else None,
            key_id=key_id,
            name=name,
            grants=held,
            key_level=Level(level),
            key_project_id=project_id,
        )
        return _Kept(stored, _seconds(expires_at), principal, bool(provable))

    def _rows(self, statement: str) -> list[Row]:
        return self._database.read(lambda _: [(statement, ())])[0]


def _seconds(time_text: str | None) -> float | None:
    return None if time_text is None else datetime.fromisoformat(time_text).timestamp()


def _provable(
    prefix: str, owner: str | None, expires: str | None, salt: bytes, stored: bytes, server: bytes
) -> Provable:
    return Provable(prefix, (owner or "").lower(), _seconds(expires), Verifier(salt, stored, server))


def _owner_of(org_id: str, org_name: str) -> Principal:
    return Principal(NOBODY_ID, "anonymous", org_id, org_name, grants={ORGANIZATION: Level.ADMIN})


class _Uses:
    """When keys were last used."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._lock = Lock()
        self._noted: dict[str, float] = {}
        self._waiting: dict[str, float] = {}
        self._unprovable: dict[str, str] = {}
        """Keys that were made by an earlier version, and cannot be proved before their text was seen once."""
        self._timer: Timer | None = None

    def note(self, key_id: str, now: float, unprovable: str | None) -> None:
        """Remember that a key is used now, and its text if that is needed; it is written down soon."""
        if now - self._noted.get(key_id, 0.0) < _NOTE_EVERY_S:
            return
        with self._lock:
            self._noted[key_id] = self._waiting[key_id] = now
            if unprovable is not None:
                self._unprovable[key_id] = unprovable
            if self._timer is None:
                self._timer = Timer(_WRITE_AFTER_S, self._write)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Write down what waits."""
        with self._lock:
            timer = self._timer
        if timer is not None:
            timer.cancel()
            self._write()

    def _write(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
            unprovable, self._unprovable = self._unprovable, {}
            self._timer = None
        rows = [(time_text(datetime.fromtimestamp(at, UTC)), key_id) for key_id, at in waiting.items()]
        try:
            with self._registry.writing(quiet=True) as connection:
                connection.executemany("update keys set last_used_at = ? where id = ?", rows)
            for key_id, text in unprovable.items():
                add_verifier(self._registry, key_id, text)
        except StorageError as error:
            # The keys work all the same.
            log.warning("when keys were last used could not be written down: %s", error)
