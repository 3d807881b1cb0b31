"""Somebody must be able to administer an organization: a change that would leave nobody is refused.

An administrator is a member with admin access to the whole organization and a key that allows it, works and is for
no single project. Keys may end all the same, by their time or because one was found out: a key that cannot be taken
back would be worse than an organization for which whoever owns the files makes a new one.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from btql_server.access.grants import LEVELS
from btql_server.access.model import Level
from btql_server.http.errors import HttpError
from btql_server.registry.store import Registry, now_text
from btql_storage.databases.interface import Run

_PERMISSIONS = tuple(permission for permission, level in LEVELS.items() if level is Level.ADMIN)
_ADMINISTRATORS = f"""
select g.principal_id from grants g
join entities e on e.id = g.principal_id and e.deleted_at is null
join keys k on k.principal_id = e.id and k.revoked_at is null and (k.expires_at is null or k.expires_at > ?)
where g.object_type = 'organization' and g.object_id = ? and g.permission in ({", ".join("?" * len(_PERMISSIONS))})
and k.level = ? and k.project_id is null
limit 1
"""  # noqa: S608  question marks


@contextmanager
def keeping_one(registry: Registry, org_id: str) -> Generator[None]:
    """Make changes that are undone, with a 409, where they take its last administrator from an organization."""
    with registry.writing() as connection:
        had_one = _has_one(connection, org_id)
        yield
        if had_one and not _has_one(connection, org_id):
            raise HttpError(
                409,
                "nobody with a working key could administer the organization any more: give admin access to it"
                " (`update_acls`, or the group `Owners`) and a key to somebody else first",
            )


def _has_one(connection: Run, org_id: str) -> bool:
    found = connection.execute(_ADMINISTRATORS, (now_text(), org_id, *_PERMISSIONS, int(Level.ADMIN)))
    return found.fetchone() is not None
