"""INSERT, UPDATE and DELETE: events that follow from a query, written as one transaction.

- INSERT makes a document of each row, its columns being paths. It replaces the
  row that has the same id, as an event does; with ``ON CONFLICT (id) DO UPDATE``
  it is merged into it, and with ``SET`` its columns replace what is there. Where
  no id is given one is drawn.
- UPDATE merges the new values at the assigned paths into each row that matches,
  and replaces what is there; they are computed from the rows as they were.
- DELETE removes each row that matches.

What matches is decided on a snapshot: rows that others write meanwhile are not
waited for, what is merged into them stays merged, and what is deleted stays deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from btql.constants import constant_rows
from btql.errors import drawn_over
from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse
from btql_grammar.span import Source, Span
from btql_grammar.tree_statements import Delete, Insert, Update
from btql_planner import errors
from btql_planner.binding.unnamed import with_any_names
from btql_planner.names import SYSTEM_KINDS
from btql_planner.postgres_arrays import texts_of
from btql_storage import json_text
from btql_storage.errors import BadEvent
from btql_storage.fields import ARRAY_FIELDS, OBJECT_FIELDS
from btql_storage.ingest import accept
from btql_storage.ingest.accept import EVENTS_MAX

if TYPE_CHECKING:
    from btql.database import Database
    from btql_planner.options import QueryOptions
    from btql_storage.catalog import ObjectInfo

WriteStatement = Insert | Update | Delete
Path: TypeAlias = tuple[str | int, ...]
Event: TypeAlias = dict[str, object]

OURS = frozenset({"_xact_id", "_pagination_key", "is_root", "project_id", "experiment_id", "dataset_id", "log_id"})
"""Fields that the database itself gives each row."""
KEPT = frozenset({"id", "span_id", "root_span_id", "span_parents", "created"})
"""Fields that a merge leaves as they are."""


def write(database: Database, source: Source, statement: WriteStatement, options: QueryOptions | None) -> int:
    """Run a statement that writes; return how many rows it has written."""
    writing = _Writing(database, source, options)
    with drawn_over(source):
        match statement:
            case Insert():
                return writing.insert(statement)
            case Update():
                return writing.update(statement)
            case Delete():
                return writing.delete(statement)


def target_of_insert(database: Database, text: str, *, create: bool) -> ObjectInfo | None:
    """Return the object that an INSERT is for, made with ``create`` where it is missing; nothing is written to it."""
    source = Source(text)
    with drawn_over(source):
        statement = parse(text)
        assert isinstance(statement, Insert)
        return _Writing(database, source, None).target(statement, create=create)


def matching(statement: Update | Delete) -> tree.Query:
    """Return the query for the ids of the rows that match, each with the values that an UPDATE gives it."""
    target = statement.target
    alias = target.alias or (target.path[-1] if isinstance(target, tree.Table) else None)
    path = ("id",) if alias is None else (alias, "id")
    assignments = statement.assignments if isinstance(statement, Update) else ()
    values = (tree.Item(each, f"value_{n}") for n, (_, each) in enumerate(assignments))
    items = (tree.Item(tree.Identifier(path, span=target.span), "id"), *values)
    return tree.Query(select=items, source=target, filter=statement.filter, span=statement.span, language="sql")


class _Writing:
    def __init__(self, database: Database, source: Source, options: QueryOptions | None) -> None:
        self._database = database
        self._sources = database.sources()
        self._source = source
        # Limits are for those who read.
        self._unlimited = None if options is None else replace(options, default_limit=None, limit_max=None)

    def insert(self, statement: Insert) -> int:
        """Write a document for each row of a query."""
        kind, name = self._named(statement.target)
        # Whoever may not write to it learns so before the rows are read; it is made when they are written.
        self._sources.directory.target(kind, name, create=False)
        # Where the statement says the fields, it does not matter what the query calls them.
        source = with_any_names(statement.source) if statement.columns else statement.source
        names, rows = self._rows(source, statement.span)
        paths = self._columns(statement, names)
        events = [_document(paths, [row[name] for name in names]) for row in rows]
        if statement.merge:
            merging = _merging([path for path in paths if path and path[0] not in KEPT] if statement.replaces else [])
            events = [event | merging for event in events]
        checked = self._checked(events, range(1, len(events) + 1))
        return self._write(self._sources.target(kind, name, statement.target.span, create=True), checked)

    def target(self, statement: Insert, *, create: bool) -> ObjectInfo | None:
        """Return the object that an INSERT is for."""
        kind, name = self._named(statement.target)
        return self._sources.directory.target(kind, name, create=create)

    def _columns(self, statement: Insert, names: Sequence[str]) -> list[Path | None]:
        """Return the path of each column of the query, None for what the database gives itself."""
        if not statement.columns:
            if isinstance(statement.source, tree.Values):
                raise BtqlError.of(
                    errors.COLUMN_COUNT, "INSERT does not say which fields the values are for", statement.source.span,
                    "these values", help="list them: `INSERT INTO name (id, input, metadata.model) VALUES …`",
                )  # fmt: skip
            return [None if name in OURS else (name,) for name in names]
        if len(statement.columns) != len(names):
            message = f"INSERT lists {len(statement.columns)} columns, its rows have {len(names)}"
            raise BtqlError.of(errors.COLUMN_COUNT, message, statement.source.span, "these rows")
        for path in statement.columns:
            _check_path(path, statement.span, OURS)
        return list(statement.columns)

    def update(self, statement: Update) -> int:
        """Merge new values into each row that matches."""
        target = self._target(statement)
        paths: list[Path] = []
        for place, _ in statement.assignments:
            _check_path(place.path, place.span, OURS | KEPT)
            paths.append(place.path)
        names, rows = self._rows(matching(statement), statement.span)
        merging = _merging(paths)
        events: list[Event] = []
        for row in rows:
            event = _document(paths, [row[name] for name in names[1:]])
            events.append({**event, "id": row["id"], **merging})
        checked = self._checked(events, [str(row["id"]) for row in rows])
        try:
            # A row that was deleted since it was read stays deleted.
            return self._write(target, checked, only_updates=True)
        except BadEvent as error:
            wrong = [place for place, _ in statement.assignments if place.path[0] == error.field]
            if len(wrong) != 1:
                raise
            raise _unfit(error.reason, str(rows[error.index]["id"]), wrong[0]) from None

    def delete(self, statement: Delete) -> int:
        """Remove each row that matches."""
        target = self._target(statement)
        _, rows = self._rows(matching(statement), statement.span)
        return self._write(target, [{"id": row["id"], "_object_delete": True} for row in rows])

    def _rows(self, query: tree.Statement, span: Span) -> tuple[list[str], list[Mapping[str, object]]]:
        """Return the rows of a query, at most as many as one transaction can hold."""
        if isinstance(query, tree.Values) and len(query.rows) <= EVENTS_MAX:
            self._database.check()
            constant = constant_rows(query)
            if constant is not None:
                return constant
        result = self._database.run(self._source, query, self._unlimited)
        rows: list[Mapping[str, object]] = list(islice(result, EVENTS_MAX + 1))
        if len(rows) > EVENTS_MAX:
            raise BtqlError.of(
                errors.TOO_MANY_ROWS, f"the statement writes more rows than a transaction holds, {EVENTS_MAX:,}",
                span, "nothing was written", help="write fewer at a time, by a narrower WHERE or by LIMIT",
            )  # fmt: skip
        return result.columns, rows

    def _checked(self, events: Sequence[Event], places: Sequence[int | str]) -> Sequence[accept.Event]:
        """Return events as they are to be stored, if whoever asks may write such."""
        return self._sources.directory.checked(events, places)

    def _write(self, target: ObjectInfo, events: Sequence[accept.Event], *, only_updates: bool = False) -> int:
        self._database.storage.ingest(target, events, only_updates=only_updates)
        return len(events)

    def _target(self, statement: Update | Delete) -> ObjectInfo:
        """Return the object whose rows a statement changes."""
        kind, name = self._named(statement.target)
        return self._sources.target(kind, name, statement.target.span, create=False)

    def _named(self, target: tree.From | tree.Table) -> tuple[str, str]:
        """Return kind and name of the object to write to, which an INSERT may be the first to name."""
        if isinstance(target, tree.From):
            if len(target.arguments) != 1:
                raise errors.not_supported("writing to several objects at once", target.span, "write to one at a time")
            return target.kind, target.arguments[0]
        if len(target.path) == 2:
            return target.path[0], target.path[1]
        found = self._sources.resolve(target)
        return found.kind, found.arguments[0]


def _check_path(path: Path, span: Span, refused: frozenset[str]) -> None:
    name = ".".join(map(str, path))
    if path[0] in refused or (len(path) > 1 and path[0] in SYSTEM_KINDS):
        why = "the database gives it" if path[0] in OURS else "it stays as the row was first written"
        message = f"`{name}` cannot be written here: {why}"
        raise BtqlError.of(errors.MISPLACED, message, span, "this field", help="leave it out")
    if any(isinstance(piece, int) for piece in path):
        raise errors.not_supported("writing to an element of an array", span, "write the whole array")


def _unfit(reason: str, row: str, field: tree.Identifier) -> BtqlError:
    """Return the error for a value that a field cannot have."""
    name = field.path[0]
    whole = len(field.path) == 1
    help_ = None
    if whole and name in ARRAY_FIELDS:
        help_ = f"assign an array: `SET {name} = ['a', 'b']`"
    elif whole and name in OBJECT_FIELDS:
        help_ = f"assign an object, `SET {name} = {{a: 1}}`, or to a key of it, `SET {name}.a = 1`"
    return BtqlError.of(errors.WRONG_TYPE, f"row `{row}`: {reason}", field.span, "assigned here", help=help_)


def _merging(replaced: Sequence[Path]) -> dict[str, object]:
    """Return what makes an event merge into its row; at some paths it replaces what is there."""
    paths = [list(path) for path in replaced]
    return {"_is_merge": True, "_merge_paths": paths} if paths else {"_is_merge": True}


def _document(paths: Sequence[Path | None], values: Sequence[object]) -> Event:
    """Return the document that has the values at the paths."""
    document: Event = {}
    for path, value in zip(paths, values, strict=True):
        if path is None or (value is None and path[0] in SYSTEM_KINDS and path[0] != "tags"):
            continue
        place = document
        for piece in path[:-1]:
            below = place.setdefault(str(piece), {})
            if not isinstance(below, dict):
                below = place[str(piece)] = {}
            place = below
        place[str(path[-1])] = _read(path[0], value) if len(path) == 1 and isinstance(value, str) else _plain(value)
    return document


def _read(field: str | int, text: str) -> object:
    """Return what a text of JSON says, in a field of which the text itself can be no value; any other as it is.

    Clients of Postgres write JSON as texts, and arrays as ``{a,b}``, which the type of a column there reads. Where any
    text is a value, as in ``input``, it stays one.
    """
    if field in ARRAY_FIELDS and (items := texts_of(text)) is not None:
        return items
    wanted = dict if field in OBJECT_FIELDS else list if field in ARRAY_FIELDS else None
    if wanted is None or text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        value = json_text.parse(text.encode())
    except ValueError:
        return text
    return value if isinstance(value, wanted) else text


def _plain(value: object) -> object:
    return value.isoformat(timespec="microseconds").replace("+00:00", "Z") if isinstance(value, datetime) else value
