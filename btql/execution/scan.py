"""Scans: one table for the engine over the parts and the tails of some objects.

Which rows are read of an object is decided by :mod:`btql.execution.selection`, and from where by
:mod:`btql.execution.piece_reader`. Here the pieces of all objects become one table; where all of them are in memory
and the statement over them needs no engine, it is kept from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.engine import SessionContext
from btql.execution.piece_reader import Piece, PieceReader, Read, register_table
from btql.execution.pruning import ruled_out
from btql.execution.report import RunReport
from btql.execution.selection import KnownTraces, Selection
from btql.execution.sources import Sources
from btql_planner import sql_text
from btql_planner.engine_plan import ProbeSpec, ScanSpec
from btql_storage.arrow import from_numpy
from btql_storage.fields import SYSTEM_COLUMNS
from btql_storage.kinds import ARROW_TYPES, split_column_name
from btql_storage.later import np
from btql_storage.part.format import ROW_BITS, TEXT_FOLDER
from btql_storage.part.reader import Part, prefetch

if TYPE_CHECKING:
    from btql.execution.coded import Coded
    from btql.execution.grouping import Grouping
    from btql.execution.in_memory import WithoutEngine
    from btql_storage.part.code_book import CodeBook


@dataclass
class ScanBuilder:
    """Registers the scans of one statement."""

    context: SessionContext
    sources: Sources
    run_report: RunReport = field(default_factory=RunReport)
    traces: KnownTraces = field(default_factory=KnownTraces)
    withheld: set[str] = field(default_factory=set[str])
    """Scans that have more rows than were registered."""
    statements: Mapping[str, WithoutEngine] = field(default_factory=dict[str, "WithoutEngine"])
    """Statements that need no engine where the rows of their scan are few, by scan."""
    held: dict[str, pa.Table] = field(default_factory=dict[str, "pa.Table"])
    """The rows of scans that the engine knows nothing of."""
    counted: dict[str, int] = field(default_factory=dict[str, int])
    """How many rows scans have of which nothing else is used."""
    grouping: Grouping | None = None
    """The grouping of the only scan in the last statement."""
    coded: Coded | None = None
    """The same, where it can do with numbers for texts."""
    books: Mapping[str, CodeBook] = field(default_factory=dict[str, "CodeBook"])
    """What the numbers mean in the columns of its scan that have them."""
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
        report = self.run_report.scan(spec.name)
        selection = Selection(spec, self.sources, report, self.traces)
        snapshots = self.sources.snapshots(spec.objects)
        if spec.ends and not selection.candidates.keys(spec):
            from btql.execution.ends import end_rows

            register_table(self.context, spec.name, end_rows(snapshots, _schema(spec.columns), report))
        elif spec.counted:
            from btql.execution.counting import count_rows, counted_batches

            total = self.counted[spec.name] = count_rows(spec, snapshots, selection.candidates)
            if self.grouping is None or not self.grouping.counts:
                self.context.register_record_batches(spec.name, [counted_batches(total)])
        else:
            self._register_rows(selection, count)
        self.withheld.discard(spec.name)
        if selection.withheld:
            self.withheld.add(spec.name)

    def _register_rows(self, selection: Selection, count: int | None) -> None:
        """Register what a selection has, of each of its objects."""
        spec = selection.spec
        optional = [probe for probe in spec.probes if not probe.required]
        varying = spec.columns.intersection(self.sources.told(spec.objects))
        schema = _schema(spec.columns - {probe.name for probe in optional} - varying)
        reader = PieceReader(
            self.context, selection, self.sources.kept_columns, self.wanted, self.run_report, self.measured
        )
        # Nothing is added to what the pieces have.
        plain = not optional and not varying
        snapshots = self.sources.snapshots(spec.objects)
        if plain and (statement := self.statements.get(spec.name)) is not None:
            reader.held_max, reader.holds_codes = statement.rows_max, statement.takes_codes
        if self.coded is not None and len(snapshots) == 1:
            reader.codable = self.coded.columns
        reads: list[tuple[str, Read]] = []
        for number, snapshot in enumerate(snapshots):
            told = {field: self.sources.constants(snapshot.object).get(field) for field in varying}
            name = f"{spec.name}_{number}_{count or 'all'}"
            columns = _select_list(schema, told)
            reads += [
                (columns, read) for read in reader.read(Piece(name, snapshot, schema, selection.first(snapshot, count)))
            ]
        self.books = reader.books
        if not reads:
            reader.tables[f"{spec.name}_none"] = schema.empty_table()
            reads = [(_select_list(schema, dict.fromkeys(varying)), Read(f"{spec.name}_none"))]
        if plain and self._hold(spec.name, [read for _, read in reads], reader.tables):
            return
        for table, rows in reader.tables.items():
            register_table(self.context, table, rows)
        if plain and len(reads) == 1 and not reads[0][1].rest:
            # To plan a statement that says nothing costs as much as one that does.
            self.context.register_view(spec.name, self.context.table(reads[0][1].table))
            return
        text = " UNION ALL ".join(
            f"SELECT {columns} FROM {sql_text.name(read.table)} AS p{read.rest}" for columns, read in reads
        )
        for probe in optional:
            self._register_probe(selection, probe)
            text = _with_hits(text, probe)
        self.context.register_view(spec.name, self.context.sql(text))

    def _hold(self, name: str, reads: Sequence[Read], tables: Mapping[str, pa.Table]) -> bool:
        """Keep the rows of a scan for its statement, where all are in memory and it needs no engine for them."""
        statement = self.statements.get(name)
        if statement is None or any(read.rest or read.table not in tables for read in reads):
            return False
        rows = pa.concat_tables([tables[read.table] for read in reads])
        if statement.fits(rows):
            self.held[name] = rows
        return name in self.held

    def _register_probe(self, selection: Selection, probe: ProbeSpec) -> None:
        """Register the rows that a probe holds for."""
        if self.context.table_exist(probe.name):
            # The scan is widened, and its hits are known.
            return
        spec = selection.spec
        sources = [
            source
            for snapshot in self.sources.snapshots(spec.objects)
            for source in snapshot.sources
            if ruled_out(spec, source) is None
        ]
        prefetch([source for source in sources if isinstance(source, Part)], TEXT_FOLDER)
        found = [selection.candidates.match(source, probe) + (source.part_id << ROW_BITS) for source in sources]
        rows = from_numpy(np.concatenate([np.empty(0, np.int64), *found]))
        register_table(self.context, probe.name, pa.table({"_row": rows}))


def _select_list(schema: pa.Schema, told: Mapping[str, str | None]) -> str:
    """Return the select list of a piece: its columns, and what tells its object from others."""
    columns = [sql_text.name(column.name) for column in schema]
    # No plain constants: the engine would take what is constant in each object for constant in all, and not sort by it.
    fixed = [
        f"""CASE WHEN "_row" {"IS NULL" if value is None else "IS NOT NULL"} THEN {sql_text.text(value or "")} END"""
        f" AS {sql_text.name(name)}"
        for name, value in told.items()
    ]
    return ", ".join([*columns, *fixed])


def _with_hits(text: str, probe: ProbeSpec) -> str:
    """Return a statement with one more column: whether a row is among those that a probe holds for."""
    hits = sql_text.name(probe.name)
    return f'SELECT s.*, h."_row" IS NOT NULL AS {hits} FROM ({text}) AS s LEFT JOIN {hits} AS h ON s."_row" = h."_row"'


def _schema(columns: Iterable[str]) -> pa.Schema:
    return pa.schema([(name, _column_type(name)) for name in sorted({*columns, "_row"})])


def _column_type(name: str) -> pa.DataType:
    split = split_column_name(name)
    return SYSTEM_COLUMNS[name] if split is None else ARROW_TYPES[split[1]]
