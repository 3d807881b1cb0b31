"""Scans: one table for the engine over the parts and the tail of a snapshot.

1. Parts that the plan's ranges and keys rule out are left out, by statistics
   and by fingerprints, without opening a data file.
2. Phrases go to the text index of each part that is left; what they and the
   keys give is a set of row numbers, and the scan reads no other.
3. One native Parquet scan over exactly the parts and columns that are left,
   minus superseded rows, plus the tail's rows from memory. Columns that are asked
   for again and again are in memory, too (:mod:`btql_storage.part.kept_columns`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.candidates import Candidates, Rows
from btql.execution.counting import count_rows, counted_batches
from btql.execution.ends import end_rows
from btql.execution.engine import CORES, SessionContext
from btql.execution.first_rows import FirstRows, first_rows
from btql.execution.first_traces import FirstTraces, first_traces
from btql.execution.kept_parts import KeptParts, shares
from btql.execution.parquet_scan import scan_files
from btql.execution.pruning import ruled_out
from btql.execution.report import RunReport, ScanReport
from btql.execution.sources import Sources
from btql_planner import sql_text
from btql_planner.catalog import Objects
from btql_planner.engine_plan import ProbeSpec, ScanSpec
from btql_planner.plan import Top
from btql_storage.arrow import from_numpy
from btql_storage.fields import SYSTEM_COLUMNS
from btql_storage.kinds import ARROW_TYPES, split_column_name
from btql_storage.later import np
from btql_storage.part.few_rows import BLOCKS_MAX, SCATTERED_BLOCKS_MAX, are_few, columns_of, fields_of
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROW_BITS, ROWS_FILE, TEXT_FOLDER
from btql_storage.part.kept_columns import PartColumns
from btql_storage.part.reader import Part, prefetch
from btql_storage.snapshot import Snapshot, SnapshotPart

if TYPE_CHECKING:
    from btql.execution.in_memory import InMemory
    from btql_storage.arrow import Array
    from btql_storage.tail_chunk import TailChunk

LISTED_ROWS_MAX = 2_000
"""Up to this many rows are named in the statement itself, so that the reader skips pages by them."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """What a scan reads of one object."""

    name: str
    spec: ScanSpec
    snapshot: Snapshot
    schema: pa.Schema
    columns: str
    """The select list: the columns of the schema, and what tells the objects apart."""
    first: FirstRows | None = None
    """The only rows that are read, where the others come behind what is wanted."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A table, and which of its rows are read."""

    table: str
    rest: str = ""
    """What stands behind it in a statement, in which it is called p."""


@dataclass
class ScanBuilder:
    """Registers the scans of one statement."""

    context: SessionContext
    sources: Sources
    run_report: RunReport = field(default_factory=RunReport)
    report: ScanReport = field(init=False)
    """Of the scan that is being registered."""
    candidates: Candidates = field(init=False)
    _tables: dict[str, pa.Table] = field(default_factory=dict[str, "pa.Table"])
    """The rows in memory of the scan that is being registered, by the name of their table."""
    found: dict[int, Rows | None] = field(default_factory=dict[int, "Rows | None"])
    """What the indexes have of the parts of the scan that is being registered."""
    traces: dict[tuple[Objects, Top], FirstTraces | None] = field(
        default_factory=dict["tuple[Objects, Top]", "FirstTraces | None"]
    )
    """The traces that come first, of the scans so far."""
    withheld: set[str] = field(default_factory=set[str])
    """Scans that have more rows than were registered."""
    statements: Mapping[str, InMemory] = field(default_factory=dict[str, "InMemory"])
    """Statements that need no engine where the rows of their scan are few, by scan."""
    held: dict[str, pa.Table] = field(default_factory=dict[str, "pa.Table"])
    """The rows of scans that the engine knows nothing of."""
    wanted: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    """Columns of parts that the statement has asked for."""
    measured: bool = False
    """Whether the report tells bytes, which take time to find out."""

    def widen(self, spec: ScanSpec, count: int | None) -> None:
        """Register a scan once more, over its first ``count`` rows, or all of them."""
        self.run_report.scans.pop(spec.name, None)
        if self.held.pop(spec.name, None) is None:
            self.context.deregister_table(spec.name)
        self.register(spec, count)

    def register(self, spec: ScanSpec, count: int | None) -> None:
        """Register the table ``spec.name``; a probe that is not required is a column of it, true for hits.

        ``count`` is how many rows are enough of those that come first by ``spec.top``; None are all.
        """
        self.withheld.discard(spec.name)
        self.found = {}
        self._tables = {}
        self.report = self.run_report.scan(spec.name)
        self.candidates = Candidates(self.sources, self.report)
        optional = [probe for probe in spec.probes if not probe.required]
        snapshots = self.sources.snapshots(spec.objects)
        if spec.ends and not self.candidates.keys(spec):
            self._register_table(spec.name, end_rows(snapshots, _schema(spec.columns), self.report))
            return
        if spec.counted:
            total = count_rows(spec, snapshots, self.candidates)
            self.context.register_record_batches(spec.name, [counted_batches(total)])
            return
        varying = spec.columns.intersection(self.sources.told(spec.objects))
        schema = _schema(spec.columns - {probe.name for probe in optional} - varying)
        pieces: list[tuple[_Piece, _Read]] = []
        for number, snapshot in enumerate(snapshots):
            name = f"{spec.name}_{number}_{count or 'all'}"
            told = {field: self.sources.constants(snapshot.object).get(field) for field in varying}
            piece = _Piece(name, spec, snapshot, schema, _listed(schema, told), self._first(spec, snapshot, count))
            pieces += [(piece, read) for read in (*self._read_parts(piece), *self._read_tail(piece))]
        if not pieces:
            self._tables[f"{spec.name}_none"] = schema.empty_table()
            none = _Piece(spec.name, spec, snapshots[0], schema, _listed(schema, dict.fromkeys(varying)))
            pieces = [(none, _Read(f"{spec.name}_none"))]
        if not optional and not varying and self._hold(spec.name, [read for _, read in pieces]):
            return
        for table, rows in self._tables.items():
            self._register_table(table, rows)
        if len(pieces) == 1 and not pieces[0][1].rest and not optional and not varying:
            # To plan a statement that says nothing costs as much as one that does.
            self.context.register_view(spec.name, self.context.table(pieces[0][1].table))
            return
        text = " UNION ALL ".join(
            f"SELECT {piece.columns} FROM {sql_text.name(read.table)} AS p{read.rest}" for piece, read in pieces
        )
        for probe in optional:
            self._register_probe(spec, probe)
            hits = sql_text.name(probe.name)
            text = (
                f'SELECT s.*, h."_row" IS NOT NULL AS {hits} FROM ({text}) AS s '
                f'LEFT JOIN {hits} AS h ON s."_row" = h."_row"'
            )
        self.context.register_view(spec.name, self.context.sql(text))

    def _hold(self, name: str, reads: Sequence[_Read]) -> bool:
        """Keep the rows of a scan for its statement, where all are in memory and it needs no engine for them."""
        statement = self.statements.get(name)
        if statement is None or any(read.rest or read.table not in self._tables for read in reads):
            return False
        rows = pa.concat_tables([self._tables[read.table] for read in reads])
        if statement.fits(rows):
            self.held[name] = rows
        return name in self.held

    def _read_parts(self, piece: _Piece) -> Iterator[_Read]:
        dead: list[int] = []
        self._prefetch(piece)
        whole: list[Part] = []
        some: list[tuple[SnapshotPart, Rows]] = []
        kept: list[PartColumns] = []
        taken: list[pa.Table] = []
        in_memory = KeptParts(
            self.sources.kept_columns, piece.snapshot, piece.schema, self.wanted, is_first=piece.first is not None
        )
        for entry, rows in self._remaining(piece):
            part, superseded = entry.part, entry.superseded
            self.report.rows += part.stats.rows
            self.report.candidates += part.stats.rows - len(superseded) if rows is None else len(rows)
            listed = None if piece.first and piece.first.is_bounded(part.part_id) else rows
            columns = in_memory.get(part, listed)
            if columns is not None:
                self.run_report.cached("columns", hit=True)
                if listed is None:
                    kept.append(columns)
                else:
                    taken.append(columns.take(listed))
            elif listed is not None:
                some.append((entry, listed))
            else:
                whole.append(part)
                dead += _locators(part, superseded)
        few = bool(some) and _are_few(piece, some)
        if piece.first is not None and not few:
            # The engine compares one column with a bound more quickly than it looks row numbers up.
            bounded = [each for each, _ in some if each.part.part_id not in piece.first.listed]
            some = [(each, rows) for each, rows in some if each.part.part_id in piece.first.listed]
            whole += [each.part for each in bounded]
            dead += [row for each in bounded for row in _locators(each.part, each.superseded)]
        partly, wanted = [each.part for each, _ in some], [rows for _, rows in some]
        in_files = whole if few else [*whole, *partly]
        prefetch(in_files, COLUMNS_FILE)
        for part in in_files:
            self.report.files.opened("columns", part)
        if whole:
            rest = ""
            if dead:
                self._register_rows(f"{piece.name}_superseded", pa.array(dead, pa.int64()))
                rest = f' LEFT ANTI JOIN {sql_text.name(f"{piece.name}_superseded")} AS d ON p."_row" = d."_row"'
            if piece.first is not None:
                rest += f" WHERE {piece.first.condition}"
            yield _Read(self._register_files(piece, f"{piece.name}_parts", whole), rest)
        if few:
            yield _Read(self._register_few(piece, partly, wanted))
        elif partly:
            table = self._register_files(piece, f"{piece.name}_some", partly)
            yield _Read(table, f" WHERE {self._only(piece.name, partly, wanted)}")
        yield from self._read_memory(piece, kept, taken)

    def _read_memory(self, piece: _Piece, kept: Sequence[PartColumns], taken: Sequence[pa.Table]) -> Iterator[_Read]:
        """Make columns that are in memory tables: those of whole parts, and rows that were taken out of them."""
        if kept:
            batches = [batch for each in kept for batch in each.batches()]
            batches = batches or [pa.RecordBatch.from_pylist([], schema=piece.schema)]
            self.context.register_record_batches(f"{piece.name}_kept", shares(batches, CORES))
            yield _Read(f"{piece.name}_kept", "" if piece.first is None else f" WHERE {piece.first.condition}")
        if taken:
            self._tables[f"{piece.name}_taken"] = pa.concat_tables(taken)
            yield _Read(f"{piece.name}_taken")

    def _remaining(self, piece: _Piece) -> Iterator[tuple[SnapshotPart, Rows | None]]:
        """Yield the parts that may have rows, and which current ones; None for all of them."""
        for entry in piece.snapshot.parts:
            self.report.parts += 1
            means = ruled_out(piece.spec, entry.part)
            if means is not None:
                self.report.leave_out(means)
            elif piece.first is not None:
                first = piece.first.rows.get(entry.part.part_id)
                if first is None:
                    known = self.found.get(entry.part.part_id)
                    if known is None or len(known):
                        self.report.leave_out("enough")
                    continue
                superseded = np.intersect1d(entry.superseded, first, assume_unique=True)
                yield from self._current(SnapshotPart(entry.part, superseded), first)
            else:
                rows = self._candidates(piece.spec, entry.part)
                if rows is None:
                    yield entry, rows
                elif len(rows):
                    yield from self._current(entry, rows)

    def _current(self, entry: SnapshotPart, rows: Rows) -> Iterator[tuple[SnapshotPart, Rows]]:
        current = np.setdiff1d(rows, entry.superseded, assume_unique=True)
        if len(current):
            yield entry, current
        else:
            self.report.leave_out("superseded")

    def _candidates(self, spec: ScanSpec, source: Part | TailChunk) -> Rows | None:
        """Return the rows of a part that may pass, None for all of them; looked up once."""
        if source.part_id not in self.found:
            self.found[source.part_id] = self.candidates.rows(spec, source)
        return self.found[source.part_id]

    def _first(self, spec: ScanSpec, snapshot: Snapshot, count: int | None) -> FirstRows | None:
        if self.candidates.keys(spec):
            return None
        if spec.traces is not None:
            return self._first_traces(spec.objects, spec.traces)
        if spec.top is None or count is None:
            return None
        sources = [source for source in snapshot.sources if ruled_out(spec, source) is None]
        first = first_rows(snapshot, sources, spec.top, count, lambda source: self._candidates(spec, source))
        if first is not None and first.withheld:
            self.withheld.add(spec.name)
        return first

    def _first_traces(self, objects: Objects, top: Top) -> FirstRows | None:
        """Return the rows of the traces that come first; several scans of a statement ask for them."""
        key = objects, replace(top, only=None)
        if key not in self.traces:
            snapshots = self.sources.snapshots(objects)
            (snapshot,) = snapshots if len(snapshots) == 1 else (None,)
            self.traces[key] = None if snapshot is None else first_traces(snapshot, snapshot.sources, top)
        traces = self.traces[key]
        return None if traces is None else traces.only(top.only)

    def _register_files(self, piece: _Piece, table: str, parts: Sequence[Part]) -> str:
        paths = [str(part.columns_path) for part in parts]
        self.context.register_view(table, scan_files(self.context, paths, piece.schema))
        return table

    def _prefetch(self, piece: _Piece) -> None:
        """Get copies of what surely will be read, where parts are not on this machine."""
        entries = piece.snapshot.parts
        if not entries or not entries[0].part.store.keeps_copies:
            return
        parts = [entry.part for entry in entries if ruled_out(piece.spec, entry.part) is None]
        required = [probe for probe in piece.spec.probes if probe.required]
        restricted = bool(required or self.candidates.keys(piece.spec) or piece.first)
        names = [KEYS_FILE] if restricted else [KEYS_FILE, COLUMNS_FILE]
        if any(probe.share_max is None for probe in required):
            names.append(TEXT_FOLDER)
        prefetch(parts, *names)

    def _register_few(self, piece: _Piece, parts: Sequence[Part], wanted: Sequence[Rows]) -> str:
        """Make the rows of some parts a table in memory, from their documents."""
        prefetch(parts, ROWS_FILE)
        tables: list[pa.Table] = []
        for part, rows in zip(parts, wanted, strict=True):
            self.report.files.opened("rows", part)
            if self.measured and (fields := fields_of(piece.schema.names)):
                self.report.files.read("rows", part.document_bytes(rows, fields))
            tables.append(columns_of(part, rows, piece.schema.names).cast(piece.schema))
        table = f"{piece.name}_some"
        self._tables[table] = pa.concat_tables(tables)
        return table

    def _only(self, name: str, parts: Sequence[Part], wanted: Sequence[Rows]) -> str:
        rows = np.concatenate([some + (part.part_id << ROW_BITS) for part, some in zip(parts, wanted, strict=True)])
        if len(rows) <= LISTED_ROWS_MAX:
            return f'"_row" IN ({", ".join(map(str, rows.tolist()))})'
        self._register_rows(f"{name}_wanted", from_numpy(rows))
        return f'"_row" IN (SELECT "_row" FROM {sql_text.name(f"{name}_wanted")})'

    def _read_tail(self, piece: _Piece) -> Iterator[_Read]:
        tables: list[pa.Table] = []
        for chunk in piece.snapshot.tail:
            if ruled_out(piece.spec, chunk) is not None:
                continue
            if piece.first is not None:
                listed: Rows | None = piece.first.rows.get(chunk.part_id, np.empty(0, np.int64))
            else:
                listed = self._candidates(piece.spec, chunk)
            rows = np.arange(chunk.rows, dtype=np.int64) if listed is None else listed
            rows = np.setdiff1d(rows, chunk.superseded, assume_unique=True)
            if len(rows):
                tables.append(conform(chunk.table, piece.schema).take(from_numpy(rows)))
                self.report.tail_rows += len(rows)
        if tables:
            self._tables[f"{piece.name}_tail"] = pa.concat_tables(tables)
            yield _Read(f"{piece.name}_tail")

    def _register_probe(self, spec: ScanSpec, probe: ProbeSpec) -> None:
        if self.context.table_exist(probe.name):
            # The scan is widened, and its hits are known.
            return
        sources = [
            source
            for snapshot in self.sources.snapshots(spec.objects)
            for source in snapshot.sources
            if ruled_out(spec, source) is None
        ]
        prefetch([source for source in sources if isinstance(source, Part)], TEXT_FOLDER)
        found = [self.candidates.match(source, probe) + (source.part_id << ROW_BITS) for source in sources]
        self._register_rows(probe.name, from_numpy(np.concatenate([np.empty(0, np.int64), *found])))

    def _register_rows(self, name: str, rows: Array) -> None:
        self._register_table(name, pa.table({"_row": rows}))

    def _register_table(self, name: str, table: pa.Table) -> None:
        batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
        self.context.register_record_batches(name, [batches])


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the table with exactly the columns of ``schema``, nulls where it has none."""
    present = set(table.column_names)
    arrays = [
        table.column(column.name) if column.name in present else pa.nulls(table.num_rows, column.type)
        for column in schema
    ]
    return pa.table(arrays, schema=schema)


def _are_few(piece: _Piece, some: Sequence[tuple[SnapshotPart, Rows]]) -> bool:
    """Return whether some rows are read more quickly from their documents."""
    parts, rows = [each.part for each, _ in some], [rows for _, rows in some]
    is_bounded = piece.first is not None and not piece.first.listed
    return are_few(parts, rows, piece.schema.names, SCATTERED_BLOCKS_MAX if is_bounded else BLOCKS_MAX)


def _locators(part: Part, rows: Iterable[int]) -> list[int]:
    return [(part.part_id << ROW_BITS) + int(row) for row in rows]


def _listed(schema: pa.Schema, told: Mapping[str, str | None]) -> str:
    columns = [sql_text.name(column.name) for column in schema]
    # No plain constants: the engine would take what is constant in each object for constant in all, and not sort by it.
    fixed = [
        f"""CASE WHEN "_row" {"IS NULL" if value is None else "IS NOT NULL"} THEN {sql_text.text(value or "")} END"""
        f" AS {sql_text.name(name)}"
        for name, value in told.items()
    ]
    return ", ".join([*columns, *fixed])


def _schema(columns: Iterable[str]) -> pa.Schema:
    return pa.schema([(name, _column_type(name)) for name in sorted({*columns, "_row"})])


def _column_type(name: str) -> pa.DataType:
    split = split_column_name(name)
    return SYSTEM_COLUMNS[name] if split is None else ARROW_TYPES[split[1]]
