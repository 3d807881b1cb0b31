"""Delete an object as a whole: one transaction of the catalog, whatever the object holds.

1. Write an empty transaction. All that was acknowledged before has a smaller number, and goes.
2. Process the log up to it, so that the catalog knows of all that goes.
3. Write that the object has nothing (:mod:`btql_storage.states`), so that a catalog made anew does not bring it back.
   Until the next step is done this is not so, and a catalog may be made anew then, too: beside it stays a state that
   says what the object has.
4. Take its parts and waiting events away, and mark it as deleted, all at once. Events of log files up to the number
   that were not processed, as too much is waiting, are passed over by processing and by snapshots.
5. Remove the states of before: from now on the one of step 3 counts.

The caller holds the compaction lock: nobody processes or compacts meanwhile, so all that is in parts is from before.
"""

from __future__ import annotations

from contextlib import suppress

from msgspec.structs import replace

from btql_storage.catalog import ObjectInfo
from btql_storage.errors import StorageError
from btql_storage.folder import Folder
from btql_storage.process import process
from btql_storage.states import remove_older, state_numbers, state_of, write_state
from btql_storage.wal.group_commit import write_nothing


def delete_object(folder: Folder, target: ObjectInfo) -> None:
    """Delete an object; what others write to it from now on makes it anew."""
    upto = write_nothing(folder)
    process(folder)
    if not state_numbers(folder.store, target.id):
        write_state(folder, state_of(folder, target, folder.catalog.next_part_id()))
    state = state_of(folder, target, folder.catalog.next_part_id())
    now_s = folder.clock.now_s()
    write_state(folder, replace(state, parts=[], pending=[], compacted_upto=upto, deleted_upto=upto, deleted_at=now_s))
    folder.catalog.deleted.delete_object(target.id, upto, now_s)
    # It is deleted whether they go or not. They matter where the catalog is lost before the parts that they list go.
    with suppress(StorageError):
        remove_older(folder.store, target.id, state.number)
