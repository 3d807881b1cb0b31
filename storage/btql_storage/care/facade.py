"""What the command line and programs ask of this package.

A database is given by its place, as it may be one that cannot be opened; :class:`Care` is for one that is open.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import TYPE_CHECKING

from btql_storage.care.beginning import begin_catalog, mend_marker
from btql_storage.care.catalog_check import check_database as check_file
from btql_storage.care.check import How, check, check_files
from btql_storage.care.findings import Report
from btql_storage.care.vault import Backup, vault_at
from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.errors import Damaged, DiskFull, ReadOnly
from btql_storage.folder import Folder, Settings
from btql_storage.opening.location import locate
from btql_storage.opening.services import How as HowToOpen
from btql_storage.opening.services import open_at, store_at

if TYPE_CHECKING:
    from btql_storage.care.backup import BackupReport
    from btql_storage.care.repair import Repaired
    from btql_storage.care.restore import RestoreReport
    from btql_storage.opening.location import Location, Place


class Care:
    """The care of one open database."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def check(
        self, *, deep: bool = False, mark: bool = True, progress: Callable[[str], None] = lambda _: None
    ) -> Report:
        """Hold everything that is stored against everything else (:mod:`.check`)."""
        return check(self._folder, How(deep, mark and not self._folder.read_only, progress))

    def backup(
        self,
        to: Place,
        *,
        keep: int | None = None,
        beside: Mapping[str, bytes] = MappingProxyType({}),
        progress: Callable[[str], None] = lambda _: None,
    ) -> BackupReport:
        """Make a backup at a place for backups, while others write.

        With ``keep`` remove all but the newest so many of this database.
        ``beside`` are files that go with it and are not in the folder of the database, by their names in it.
        """
        from btql_storage.care.backup import backup

        with vault_at(to) as vault:
            report = backup(self._folder, vault, progress, beside)
            if keep is not None:
                report.forgotten = vault.forget(max(keep, 1), report.name, self._folder.clock)
            return report


def check_database(
    place: Place | Location, *, deep: bool = False, mark: bool = True, progress: Callable[[str], None] = lambda _: None
) -> Report:
    """Check the database at a place; of one whose catalog is damaged the files alone."""
    with without_copies(locate(place)) as location:
        try:
            folder = open_folder_at(location, mark=mark)
        except Damaged as error:
            store = store_at(location)
            try:
                return check_files(store, error)
            finally:
                store.close()
        try:
            return Care(folder).check(deep=deep, mark=mark, progress=progress)
        finally:
            folder.close()


def list_backups(source: Place) -> list[Backup]:
    """Return the backups at a place, those of each database oldest first."""
    with vault_at(source) as vault:
        return vault.backups()


def restore_database(
    source: Place, place: Place | Location, *, name: str | None = None, progress: Callable[[str], None] = lambda _: None
) -> RestoreReport:
    """Make a database at a new place from a backup, by default the newest; of several databases one must be named.

    One that was broken off is begun anew.
    """
    from btql_storage.care.restore import restore
    from btql_storage.care.restoring import open_to_restore

    with vault_at(source) as vault:
        backup = vault.newest() if name is None else vault.backup(name)
        how = HowToOpen(create=True, read_only=False, settings=Settings(), clock=SYSTEM_CLOCK)
        folder = open_to_restore(locate(place), how)
        try:
            return restore(vault, folder, backup, progress)
        finally:
            folder.close()


def repair_database(
    place: Place | Location,
    *,
    source: Place | None = None,
    give_up_rows: bool = False,
    catalog: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Repaired:
    """Repair the database at a place; with ``catalog`` make its catalog again from the files, sound or not.

    With ``source`` bring damaged and missing files back from the backups there.

    Nobody else may have it open.
    """
    from btql_storage.care.repair import Repaired, RepairHow, repair
    from btql_storage.care.restore import bring_back

    outcome = Repaired()
    with without_copies(locate(place)) as location:
        mend_marker(location, outcome)
        folder = _open_to_repair(location, outcome, anew=catalog)
        try:
            if source is not None:
                with vault_at(source) as vault:
                    findings = list(check(folder, How(progress=progress)).findings)
                    outcome.done += bring_back(vault, folder, findings)
            repair(folder, RepairHow(give_up_rows, progress), outcome)
        finally:
            folder.close()
    return outcome


def _open_to_repair(location: Location, outcome: Repaired, *, anew: bool) -> Folder:
    """Open a database, with a catalog that is made from the files where it is lost."""
    from btql_storage.care.rebuild import rebuild

    if not anew:
        try:
            folder = _open(location, read_only=False)
            if not any(one.is_serious for one in check_file(folder.catalog)):
                return folder
            folder.close()
        except Damaged as error:
            outcome.done.append(f"the catalog could not be used: {error.message}")
    try:
        database = begin_catalog(location, outcome)
        folder = _open(location, read_only=False, anew=True)
        made = rebuild(folder, database)
    except DiskFull as error:
        # The catalog of before was set aside.
        raise DiskFull(error.message, "free some space and repair it again: until then it cannot be opened") from error
    outcome.done.append(
        f"the catalog was made again from the files: {made.objects:,} objects, {made.parts:,} parts, "
        f"{made.waiting:,} events that wait"
    )
    outcome.done += [str(one) for one in made.findings]
    return folder


@contextmanager
def without_copies(location: Location) -> Generator[Location]:
    """Yield a location whose files come from their place itself, not from copies that this machine has kept."""
    if not location.is_bucket:
        yield location
        return
    with TemporaryDirectory(prefix="btql-copies-") as cache:
        yield replace(location, cache=Path(cache))


def open_folder_at(location: Location, *, mark: bool) -> Folder:
    """Open a database, to read only where it cannot or need not be written."""
    if mark:
        try:
            return _open(location, read_only=False)
        except (ReadOnly, DiskFull):
            pass
    return _open(location, read_only=True)


def _open(location: Location, *, read_only: bool, anew: bool = False) -> Folder:
    settings = Settings.of(location)
    how = HowToOpen(create=False, read_only=read_only, settings=settings, clock=SYSTEM_CLOCK, anew=anew)
    return open_at(location, how)
