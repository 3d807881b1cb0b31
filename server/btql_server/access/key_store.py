"""Keys as they are stored: made, listed, revoked. ``keys`` checks them, ``key_text`` says what they look like."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import uuid4

from btql_server.access.key_text import hash_of, new_key, prefix_of
from btql_server.access.model import Level
from btql_server.access.verifier import SALT_BYTES, make_verifier
from btql_server.registry.changes import Change
from btql_server.registry.entity import Entity
from btql_server.registry.paging import Page, select
from btql_server.registry.store import Registry, now_text, time_text
from btql_storage.databases.interface import Row, Run

_COLUMNS = "id, prefix, principal_id, org_id, name, level, project_id, created, expires_at, revoked_at, last_used_at"


@dataclass(frozen=True, slots=True)
class KeySpec:
    """What a key should be when it is made."""

    owner: Entity
    """A user or a service token."""
    name: str
    level: Level = Level.ADMIN
    """The most that it allows; no more than its owner may, in any case."""
    project_id: str | None = None
    """The only project that it is for."""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A key, without its secret, which nobody but its owner has."""

    id: str
    prefix: str
    principal_id: str
    org_id: str
    name: str
    level: Level
    project_id: str | None
    created: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None
    """Up to a minute late, as not every request is written down."""

    @property
    def preview(self) -> str:
        """What lists show of it."""
        return f"{self.prefix}_…"

    @property
    def works(self) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now_text())


class Made(NamedTuple):
    """When keys were made, both ends included."""

    after: datetime | None = None
    before: datetime | None = None


ANY_TIME = Made()


def create(registry: Registry, spec: KeySpec) -> tuple[Key, str]:
    """Make a key; return it and, this once, its text."""
    text, key_id = new_key(), str(uuid4())
    expires_at = None if spec.expires_at is None else time_text(spec.expires_at)
    with registry.writing() as connection:
        verifier = make_verifier(text, _salt(connection))
        connection.execute(
            "insert into keys (id, prefix, hash, principal_id, org_id, name, level, project_id, created, expires_at,"
            " scram_salt, scram_stored_key, scram_server_key) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key_id,
                prefix_of(text),
                hash_of(text),
                spec.owner.id,
                spec.owner.org_id,
                spec.name,
                int(spec.level),
                spec.project_id,
                now_text(),
                expires_at,
                verifier.salt,
                verifier.stored_key,
                verifier.server_key,
            ),
        )
        made = get(registry, key_id)
        registry.changed(Change("create", "key", key_id, spec.name, f"{prefix_of(text)} of {spec.owner.name}"))
    assert made is not None
    return made, text


def add_verifier(registry: Registry, key_id: str, text: str) -> None:
    """Give a key that was made by an earlier version what newer ones are made with."""
    with registry.writing() as connection:
        verifier = make_verifier(text, _salt(connection))
        connection.execute(
            "update keys set scram_salt = ?, scram_stored_key = ?, scram_server_key = ?"
            " where id = ? and scram_salt is null",
            (verifier.salt, verifier.stored_key, verifier.server_key, key_id),
        )


def _salt(connection: Run) -> bytes:
    """Return the salt that all keys of the database share; in a transaction that writes, as the first key draws it."""
    found = connection.execute("select scram_salt from keys where scram_salt is not null limit 1").fetchone()
    return secrets.token_bytes(SALT_BYTES) if found is None else bytes(found[0])


def get(registry: Registry, key_id: str) -> Key | None:
    """Return a key by id, also one that was revoked."""
    return _only(registry, {"id": key_id})


def by_prefix(registry: Registry, prefix: str) -> Key | None:
    """Return a key by its prefix, also one that was revoked."""
    return _only(registry, {"prefix": prefix})


def _only(registry: Registry, equal: Mapping[str, str]) -> Key | None:
    rows = select(registry, "keys", _COLUMNS, equal, Page())
    return _key(rows[0]) if rows else None


def listed(  # noqa: PLR0913  conditions are keywords
    registry: Registry,
    *,
    org_id: str | None = None,
    principal_id: str | None = None,
    owners: str | None = None,
    name: str | None = None,
    page: Page | None = None,
    made: Made = ANY_TIME,
    revoked: bool = False,
) -> Sequence[Key]:
    """Return keys, newest first: those of users or of service tokens with ``owners``, ended ones with ``revoked``."""
    conditions = [] if revoked else ["revoked_at is null"]
    if owners is not None:
        assert owners in ("user", "service_token")
        conditions.append(f"principal_id in (select id from entities where kind = '{owners}')")  # noqa: S608  our words
    conditions += [
        f"created {sign} '{time_text(moment)}'"
        for sign, moment in ((">=", made.after), ("<=", made.before))
        if moment is not None
    ]
    equal = {"org_id": org_id, "principal_id": principal_id, "name": name}
    return [_key(row) for row in select(registry, "keys", _COLUMNS, equal, page or Page(), conditions)]


def revoke(registry: Registry, key: Key) -> None:
    """End a key; no request with it is answered from now on, by no process."""
    with registry.writing() as connection:
        ended = connection.execute(
            "update keys set revoked_at = ? where id = ? and revoked_at is null", (now_text(), key.id)
        )
        if ended.rowcount:
            registry.changed(Change("revoke", "key", key.id, key.name, key.prefix))


def revoke_all(registry: Registry, principal_id: str) -> None:
    """End all keys of a member."""
    with registry.writing():
        for key in listed(registry, principal_id=principal_id):
            revoke(registry, key)


def _key(row: Row) -> Key:
    key_id, prefix, principal_id, org_id, name, level, *more = row
    return Key(key_id, prefix, principal_id, org_id, name, Level(level), *more)
