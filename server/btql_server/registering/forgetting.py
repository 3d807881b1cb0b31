"""What was deleted from the registry goes from the storage.

``DELETE`` of a project, an experiment or a dataset marks it, and everything in it, in one transaction of the registry.
From then on nobody may read or write its rows. Here the stored objects that bear its id are deleted, a little later and
by the process that compacts, so that no request waits for it; their bytes go within the time that storage promises
(:mod:`btql_storage.retention`).
"""

from __future__ import annotations

from collections.abc import Sequence

from btql_server.access.model import AUDIT_LOG
from btql_server.access.objects import REGISTERED
from btql_server.registry.store import Registry
from btql_storage.catalog import ObjectInfo
from btql_storage.store import Storage

# What was done in an organization is told for longer than there is one.
_KINDS = {stored: kind for stored, kind in REGISTERED.items() if stored != AUDIT_LOG}


def forget_deleted(registry: Registry, storage: Storage) -> Sequence[ObjectInfo]:
    """Delete the stored objects of whatever was deleted from the registry; return them."""
    deleted = set(registry.deleted_ids(sorted(set(_KINDS.values()))))
    gone = [one for one in storage.objects() if (_KINDS.get(one.kind), one.name) in deleted]
    for one in gone:
        storage.retention.delete_object(one)
    return gone
