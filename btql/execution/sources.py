"""The objects that one statement asks: found by name, each with one snapshot, taken when it is first named.

All snapshots of a statement are taken while it is compiled, before its first
row is computed, and an object that it names twice is read as of one moment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from btql.execution.directory import Directory, Everything
from btql.execution.fields import MergedFields, SnapshotFields
from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.sources import KINDS
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.catalog import FieldCatalog, Objects
from btql_planner.plan_scan import Keys
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import Damaged, VersionGone
from btql_storage.later import is_here as numpy_is_here
from btql_storage.part.kept_columns import KeptColumns
from btql_storage.snapshot import Snapshot
from btql_storage.store import Storage

if TYPE_CHECKING:
    from btql.execution.pinned import Pinned

ROWS_WITHOUT_NUMPY = 1_000_000
"""So many rows the engine reads and sorts by a column in less time than it takes to import NumPy."""
_CATALOGS = frozenset({"information_schema", "pg_catalog"})


class Sources:
    """The objects of one statement; close it when the statement is done."""

    def __init__(
        self,
        storage: Storage,
        version: int | None = None,
        directory: Directory | None = None,
        check: Callable[[], None] = lambda: None,
        pinned: Pinned | None = None,
    ) -> None:
        self._storage = storage
        self._pinned = pinned
        self.check = check
        """Raises where the statement may not go on; called while snapshots are taken, and texts sought in documents."""
        self.directory = directory or Everything(storage)
        """What the names in the statement mean."""
        self._version = version
        """The transaction after which all objects are read; None reads them as they are now."""
        self._snapshots: dict[ObjectInfo, Snapshot] = {}
        self._own: list[Snapshot] = []
        """Those that nobody else reads."""
        self._objects: dict[Objects, Sequence[Snapshot]] = {}
        self._fields: dict[Objects, FieldCatalog] = {}
        self._keys: dict[Objects, Sequence[Keys]] = {}
        self._constants: dict[ObjectInfo, Mapping[str, str | None]] = {}
        self._closing = Lock()

    def resolve(self, table: tree.Table) -> tree.From:
        """Return the object that a bare name means: ``my_project`` or ``project_logs."my project"``."""
        if table.columns:
            raise errors.not_supported("a list of columns behind the name of an object", table.span)
        *kinds, name = table.path
        found = [kind for kind in dict.fromkeys(self.directory.kinds(name)) if not kinds or [kind] == kinds]
        if len(found) == 1:
            return tree.From(found[0], (name,), span=table.span, alias=table.alias or name)
        written = ".".join(table.path)
        if kinds and kinds[0] in KINDS and self.directory.find(kinds[0], name):
            # A name that is only understood with its kind, such as that of a project for its prompts.
            return tree.From(kinds[0], (name,), span=table.span, alias=table.alias or name)
        if found:
            listed = " or ".join(f"`{kind}('{name}')`" for kind in found)
            raise BtqlError.of(
                errors.AMBIGUOUS_NAME, f"`{written}` is ambiguous: {len(found)} objects have that name", table.span,
                "which one?", help=f"write {listed}",
            )  # fmt: skip
        raise self._unknown(table.path, table.span)

    def _unknown(self, path: Sequence[str], span: Span) -> BtqlError:
        objects = list(self.directory.names())
        name = path[-1]
        close = errors.close_to(name, [known for _, known in objects])
        if any(kind == name for kind, _ in objects):
            help_ = f"name one of them: `{name}('name')`"
        elif path[0] in _CATALOGS:
            help_ = f"the catalog is read over the Postgres wire (`btql serve --pg`); {self.directory.listed_by}"
        elif close:
            help_ = f"did you mean `{close}`?"
        else:
            help_ = self.directory.listed_by if objects else self.directory.nothing_yet
        message = f"there is no object called `{'.'.join(path)}`"
        return BtqlError.of(errors.UNKNOWN_SOURCE, message, span, "not found", help=help_)

    def fields(self, source: tree.From) -> FieldCatalog:
        """Return the fields of a source, from snapshots that are taken now if they were not before."""
        objects = Objects.of(source)
        if objects not in self._fields:
            if not objects.names:
                raise errors.not_supported("a source without a name", source.span, f"name it: `{source.kind}('name')`")
            found = dict.fromkeys(each for name in objects.names for each in self.find(source.kind, name, source.span))
            self._keys[objects] = self._only(source)
            self._objects[objects] = [self._snapshot(each, source.span) for each in found]
            fields = [SnapshotFields(snapshot, self.constants(snapshot.object)) for snapshot in self._objects[objects]]
            self._fields[objects] = fields[0] if len(fields) == 1 else MergedFields(fields)
        return self._fields[objects]

    def are_sooner_read(self, objects: Objects) -> bool:
        """Whether all rows of objects are read sooner than NumPy is imported, which finds the first ones.

        That is so in the command line's process, which runs one query.
        """
        parts = [source for snapshot in self.snapshots(objects) for source in snapshot.sources]
        return not numpy_is_here() and sum(part.stats.rows for part in parts) <= ROWS_WITHOUT_NUMPY

    def snapshots(self, objects: Objects) -> Sequence[Snapshot]:
        """Return the snapshots that a scan reads."""
        return self._objects[objects]

    def constants(self, target: ObjectInfo) -> Mapping[str, str | None]:
        """Return the fields that have one value in all rows of an object."""
        if target not in self._constants:
            self._constants[target] = self.directory.constants(target)
        return self._constants[target]

    def told(self, objects: Objects) -> Collection[str]:
        """Return the fields whose values are known of each object, and are not read from its rows."""
        return {name for snapshot in self._objects[objects] for name in self.constants(snapshot.object)}

    def keys(self, objects: Objects) -> Sequence[Keys]:
        """Return which rows a source is about, where it is not about all rows of its objects."""
        return self._keys[objects]

    @property
    def kept_columns(self) -> KeptColumns:
        """The columns of parts that are kept in memory."""
        return self._storage.kept_columns

    @property
    def whole_fields(self) -> list[FieldCatalog]:
        """The fields of sources that are about all rows of their objects: rows that are not asked for have others."""
        return [fields for objects, fields in self._fields.items() if not self._keys[objects]]

    @property
    def all_snapshots(self) -> list[Snapshot]:
        """Every snapshot, each once."""
        return list(self._snapshots.values())

    def damage(self, message: str) -> Damaged | None:
        """Return which part is damaged, after a reader of the snapshots stumbled and said this."""
        found = (snapshot.damage(message) for snapshot in self._snapshots.values())
        return next((one for one in found if one is not None), None)

    def close(self) -> None:
        """Let the files go that were kept for the snapshots."""
        with self._closing:
            for snapshot in self._own:
                snapshot.close()

    def _only(self, source: tree.From) -> Sequence[Keys]:
        """Return which rows a source is about; known once, whatever becomes of their names while they are read."""
        only = [self.directory.only(source.kind, name) for name in source.arguments]
        ids = tuple(each for each in only if each is not None)
        if not ids:
            return ()
        if len(ids) < len(only):
            raise errors.not_supported(f"one {source.kind} beside all rows of an object", source.span, "ask twice")
        return (Keys("id", ids),)

    def _snapshot(self, target: ObjectInfo, span: Span) -> Snapshot:
        if target not in self._snapshots:
            if self._version is not None and not target.keeps_history:
                raise BtqlError.of(
                    errors.UNREADABLE_VERSION, f"a {target.kind} has no versions", span, "read at a version",
                    help="experiments, datasets, prompts and functions can be read as they were: leave `version` out",
                )  # fmt: skip
            if self._pinned is not None and self._version is None:
                self._snapshots[target] = self._pinned.snapshot(target, span, self.check)
                return self._snapshots[target]
            try:
                self._snapshots[target] = self._storage.snapshot(target, self._version, self.check)
                self._own.append(self._snapshots[target])
            except VersionGone as error:
                raise BtqlError.of(
                    errors.UNREADABLE_VERSION, error.message, span, "read at that version",
                    help=f"the oldest version that can still be read is {error.oldest}",
                ) from None  # fmt: skip
        return self._snapshots[target]

    def find(self, kind: str, name: str, span: Span) -> Sequence[ObjectInfo]:
        """Return the objects that a source means; an error with a hint where there is none."""
        found = self.directory.find(kind, name)
        if not found:
            raise self._missing(kind, name, span)
        return found

    def target(self, kind: str, name: str, span: Span, *, create: bool) -> ObjectInfo:
        """Return the object that a statement writes to; an error with a hint where there is none."""
        found = self.directory.target(kind, name, create=create)
        if found is None:
            raise self._missing(kind, name, span)
        return found

    def _missing(self, kind: str, name: str, span: Span) -> BtqlError:
        objects = list(self.directory.names())
        close = errors.close_to(name, [known for each, known in objects if each == kind])
        kinds = sorted({each for each, _ in objects})
        if kind not in kinds:
            listed = ", ".join(f"`{each}`" for each in kinds)
            way_out = f"objects here are of kind {listed}" if kinds else self.directory.nothing_yet
        else:
            way_out = f"did you mean `{close}`?" if close else self.directory.listed_by
        message = f"there is no {kind} called `{name}`"
        return BtqlError.of(errors.UNKNOWN_SOURCE, message, span, "not found", help=way_out)
