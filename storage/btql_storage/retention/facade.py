"""Deleting, and keeping no longer than one wants to: what ``Storage.retention`` can do.

Deletes are seen at once by every query. The bytes go in the background: a part with deleted rows is written anew, and
the files of before are removed after a grace for the queries that still read them, all within
``Settings.purge_within_s`` of the delete. :meth:`Retention.status` tells what waits and until when;
:meth:`Retention.purge` does it at once and proves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

from btql_storage.background.pace import UNHURRIED, Pace
from btql_storage.catalog.shapes import ObjectInfo
from btql_storage.compaction.run import remove_unneeded
from btql_storage.errors import BadSetting
from btql_storage.folder import Folder
from btql_storage.others_first import others_first
from btql_storage.retention.delete import delete_object
from btql_storage.retention.expire import Expired, expire
from btql_storage.retention.policy import RetentionPolicy
from btql_storage.retention.purge import PurgeReport, purge, purge_overdue

_TEND_EVERY_S = 3_600.0
_TOLD_S = 30 * 86_400
"""For how long the status tells of an object that nothing is left of."""


@dataclass(frozen=True, slots=True)
class PurgeStatus:
    """What was deleted of an object, and what of it may still be in files."""

    object: ObjectInfo
    deleted_at: int | None
    """When the whole object was deleted, in Unix seconds; None where it is there."""
    waiting_since: int | None
    """When the oldest delete was whose bytes may still be in a file; None where there is none."""
    due: int | None
    """Until when these are gone."""
    parts: int
    """How many parts have them."""
    purged_at: int | None
    """Since when nothing of a deleted object is in any file."""


@dataclass(frozen=True, slots=True)
class Run:
    """What policies let go of."""

    object: ObjectInfo
    expired: Expired


class Retention:
    """Deletes, policies and purges of one database; safe from several threads."""

    def __init__(self, folder: Folder, changed: Callable[[], None]) -> None:
        self._folder = folder
        self._changed = changed
        """Told that what is kept in memory of objects is old."""

    def delete_object(self, target: ObjectInfo) -> None:
        """Delete an object with all it has: every query that starts afterwards, in any process, finds it gone.

        Its name is free at once. Who writes to it meanwhile, not knowing yet, makes it anew.
        """
        folder = self._folder
        folder.check_writable()
        # Nobody processes or compacts meanwhile, so all that is in parts is from before.
        with folder.compact_lock.held():
            delete_object(folder, target)
        self._changed()

    def policies(self) -> Mapping[str, RetentionPolicy]:
        """Return the policies by what they are for: a kind, or ``kind:name`` of an object."""
        return {scope: RetentionPolicy(**values) for scope, values in self._folder.catalog.deleted.policies().items()}

    def policy_of(self, target: ObjectInfo, policies: Mapping[str, RetentionPolicy] | None = None) -> RetentionPolicy:
        """Return the policy that holds for an object: its own in the place of that of its kind."""
        known = self.policies() if policies is None else policies
        return known.get(f"{target.kind}:{target.name}") or known.get(target.kind) or RetentionPolicy()

    def set_policy(self, scope: str, policy: RetentionPolicy | None) -> None:
        """Set the policy of a kind, or of an object as ``kind:name``, there already or not; None removes it.

        It is applied by the background work, or by :meth:`run`.
        """
        self._folder.check_writable()
        if not scope.split(":", 1)[0]:
            raise BadSetting("a retention policy for nothing", "give a kind, or an object as `kind:name`")
        values = None if policy is None else {k: v for k, v in asdict(policy).items() if v is not None}
        self._folder.catalog.deleted.put_policy(scope, values)

    def run(self, target: ObjectInfo | None = None) -> Sequence[Run]:
        """Apply the policies to all objects, or to one; return those that lost anything.

        What is wrong with the files of an object is raised once the others are done.
        """
        folder = self._folder
        folder.check_writable()
        policies = self.policies()
        found: list[Run] = []
        if not policies:
            return found
        with others_first() as apart:
            for one in folder.catalog.objects() if target is None else [target]:
                policy = self.policy_of(one, policies)
                if policy.is_empty:
                    continue
                with apart(), folder.compact_lock.held(), folder.parts.working():
                    expired = expire(folder, one, policy)
                    if expired != Expired():
                        found.append(Run(one, expired))
        return found

    @property
    def tend_every_s(self) -> float:
        """How often :meth:`tend` has to be called so that deletes are purged in time."""
        return min(_TEND_EVERY_S, self._folder.settings.purge_within_s / 8)

    def tend(self, pace: Pace = UNHURRIED) -> Sequence[Run]:
        """Apply the policies, write parts anew that have had deleted rows for long, and remove what nobody needs."""
        # Leftovers go first, too: they may be what fills the disk.
        remove_unneeded(self._folder)
        done: Sequence[Run] = ()
        with others_first() as apart:
            with apart():
                done = self.run()
            with apart():
                purge_overdue(self._folder, pace)
            remove_unneeded(self._folder)
        return done

    def status(self, purged_since: int | None = None) -> Sequence[PurgeStatus]:
        """Return what was deleted and may still be in files, and which whole objects are purged.

        The latter since a time, in Unix seconds, by default in the last month.
        """
        folder = self._folder
        waiting = dict(folder.catalog.deleted.waiting())
        within = folder.settings.purge_within_s
        found: list[PurgeStatus] = []
        since_s = folder.clock.now_s() - _TOLD_S if purged_since is None else purged_since
        for gone in folder.catalog.deleted.objects(since_s):
            mine = waiting.pop(gone.object.id, None)
            since = (
                None if gone.purged_at is not None else min(gone.deleted_at, mine.since if mine else gone.deleted_at)
            )
            due = None if since is None else since + within
            parts = mine.parts if mine else 0
            found.append(PurgeStatus(gone.object, gone.deleted_at, since, due, parts, gone.purged_at))
        known = {one.id: one for one in folder.catalog.objects()}
        for object_id, mine in sorted(waiting.items()):
            if object_id in known:
                due = mine.since + within
                found.append(PurgeStatus(known[object_id], None, mine.since, due, mine.parts, None))
        return found

    def purge(self, target: ObjectInfo, texts: Sequence[str] = ()) -> PurgeReport:
        """Remove what was deleted from an object, or all of it where it was deleted, from every file, and prove it.

        ``texts`` are looked for in all files afterwards, of this object and of others, as a further proof.
        """
        try:
            return purge(self._folder, target, texts)
        finally:
            self._changed()

    def find(self, kind: str, name: str) -> ObjectInfo:
        """Return an object, also one that was deleted; UnknownObject where there never was one."""
        return self._folder.catalog.deleted.find(kind, name)
