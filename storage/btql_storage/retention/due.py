"""What makes deletes go within their time, beside compaction: the newest log file, and the catalog's own file.

The newest log file is always kept, as the last transaction is told from its name. In a database that nobody writes to
it would keep its events for ever, so after a while an empty one takes its place.

The catalog has statistics of parts, with the smallest and largest texts. What it no longer uses of its file is written
over at once; this empties the side file as well, once files with something deleted are gone.
"""

from __future__ import annotations

from collections.abc import Mapping

from btql_storage.catalog.deleted import DeletedObject, WaitingPurge
from btql_storage.errors import Damaged
from btql_storage.folder import Folder
from btql_storage.retention.log import log_files
from btql_storage.wal.group_commit import write_nothing

NEVER = 1 << 62
"""No time is as late."""


def purge_before_s(folder: Folder) -> int:
    """Return the time of deletes that are to be purged now: half of what is promised is for the grace that follows."""
    return folder.clock.now_s() - folder.settings.purge_within_s // 2


def make_way(folder: Folder) -> None:
    """Let an empty log file take the place of the newest where that has long been in parts; the lock is held."""
    done = folder.catalog.done_files(purge_before_s(folder))
    newest = max(folder.wal.numbers(), default=0) if done else 0
    if newest and newest == done[-1] and _has_events(folder, newest):
        write_nothing(folder)


def _has_events(folder: Folder, xact_id: int) -> bool:
    try:
        return folder.wal.file(xact_id).rows > 0
    except Damaged:
        # It is to go all the more.
        return True


def finish(folder: Folder, before: Mapping[int, WaitingPurge]) -> None:
    """Note what is gone from every file now, given what waited before files were removed; the lock is held."""
    deleted = folder.catalog.deleted
    gone = deleted.objects(NEVER)
    if gone:
        there = deleted.with_files()
        gone = [one for one in gone if one.object.id not in there and not _in_log(folder, one)]
    after = deleted.waiting() if before else {}
    if gone or sum(one.parts for one in after.values()) < sum(one.parts for one in before.values()):
        folder.catalog.scrub(thorough=False)
    if gone:
        deleted.note_purged([one.object.id for one in gone], folder.clock.now_s())


def _in_log(folder: Folder, one: DeletedObject) -> bool:
    numbers = (number for number in log_files(folder) if number <= one.deleted_upto)
    return any(each.id == one.object.id for number in numbers for each in folder.wal.file(number).objects)
