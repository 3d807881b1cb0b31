"""Scans: one table for the engine over the parts and the tail of a snapshot.

1. Parts that the plan's ranges and keys rule out are left out, by statistics
   and by fingerprints, without opening a data file.
2. Phrases go to the text index of each part that is left; what they and the
   keys give is a set of row numbers, and the scan reads no other.
3. One native Parquet scan over exactly the parts and columns that are left,
   minus superseded rows, plus the tail's rows from memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.candidates import Candidates, Rows
from btql.execution.engine import SessionContext
from btql.execution.parquet_scan import scan_files
from btql.execution.pruning import in_range
from btql.execution.report import RunReport, ScanReport
from btql.execution.sources import Sources
from btql_planner import sql_text
from btql_planner.engine_plan import ProbeSpec, ScanSpec
from btql_storage.arrow import from_numpy
from btql_storage.fields import SYSTEM_COLUMNS
from btql_storage.kinds import ARROW_TYPES, split_column_name
from btql_storage.later import np
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROW_BITS, TEXT_FOLDER
from btql_storage.part.reader import Part, prefetch
from btql_storage.snapshot import Snapshot

if TYPE_CHECKING:
    from btql_storage.arrow import Array

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


@dataclass
class ScanBuilder:
    """Registers the scans of one statement."""

    context: SessionContext
    sources: Sources
    run_report: RunReport = field(default_factory=RunReport)
    report: ScanReport = field(init=False)
    """Of the scan that is being registered."""
    candidates: Candidates = field(init=False)

    def register(self, spec: ScanSpec) -> None:
        """Register the table ``spec.name``; a probe that is not required is a column of it, true for hits."""
        self.report = self.run_report.scan(spec.name)
        self.candidates = Candidates(self.sources, self.report)
        optional = [probe for probe in spec.probes if not probe.required]
        snapshots = self.sources.snapshots(spec.objects)
        varying = spec.columns.intersection(self.sources.told(spec.objects))
        schema = _schema(spec.columns - {probe.name for probe in optional} - varying)
        pieces: list[str] = []
        for number, snapshot in enumerate(snapshots):
            name = spec.name if len(snapshots) == 1 else f"{spec.name}_{number}"
            told = {field: self.sources.constants(snapshot.object).get(field) for field in varying}
            piece = _Piece(name, spec, snapshot, schema, _listed(schema, told))
            pieces += [sql for sql in (self._parts_sql(piece), self._tail_sql(piece)) if sql]
        if not pieces:
            self._register_table(f"{spec.name}_none", schema.empty_table())
            columns = _listed(schema, dict.fromkeys(varying))
            pieces = [f"SELECT {columns} FROM {sql_text.name(f'{spec.name}_none')}"]
        text = " UNION ALL ".join(pieces)
        for probe in optional:
            self._register_probe(spec, probe)
            hits = sql_text.name(probe.name)
            text = (
                f'SELECT s.*, h."_row" IS NOT NULL AS {hits} FROM ({text}) AS s '
                f'LEFT JOIN {hits} AS h ON s."_row" = h."_row"'
            )
        self.context.register_view(spec.name, self.context.sql(text))

    def _parts_sql(self, piece: _Piece) -> str | None:
        spec = piece.spec
        dead: list[int] = []
        wanted: list[Rows] = []
        self._prefetch(piece)
        whole: list[Part] = []
        partly: list[Part] = []
        for entry in piece.snapshot.parts:
            part = entry.part
            self.report.parts += 1
            if not in_range(spec, part):
                self.report.leave_out("range")
                continue
            rows = self.candidates.rows(spec, part)
            if rows is not None:
                if len(rows) == 0:
                    continue
                rows = np.setdiff1d(rows, entry.superseded, assume_unique=True)
                if len(rows) == 0:
                    self.report.leave_out("superseded")
                    continue
            self.report.files.opened("columns", part)
            self.report.rows += part.stats.rows
            self.report.candidates += part.stats.rows - len(entry.superseded) if rows is None else len(rows)
            base = part.part_id << ROW_BITS
            if rows is not None:
                partly.append(part)
                wanted.append(rows + base)
            else:
                whole.append(part)
                dead += [base + row for row in entry.superseded.tolist()]
        prefetch([*whole, *partly], COLUMNS_FILE)
        texts: list[str] = []
        if whole:
            texts.append(self._scan_sql(piece, f"{piece.name}_parts", whole))
        if dead:
            self._register_rows(f"{piece.name}_superseded", pa.array(dead, pa.int64()))
            texts[0] += f' LEFT ANTI JOIN {sql_text.name(f"{piece.name}_superseded")} AS d ON p."_row" = d."_row"'
        if partly:
            texts.append(self._scan_sql(piece, f"{piece.name}_some", partly))
            texts[-1] += f" WHERE {self._only(piece.name, wanted)}"
        return " UNION ALL ".join(texts) or None

    def _scan_sql(self, piece: _Piece, table: str, parts: Sequence[Part]) -> str:
        paths = [str(part.columns_path) for part in parts]
        self.context.register_view(table, scan_files(self.context, paths, piece.schema))
        return f"SELECT {piece.columns} FROM {sql_text.name(table)} AS p"

    def _prefetch(self, piece: _Piece) -> None:
        """Get copies of what surely will be read, where parts are not on this machine."""
        entries = piece.snapshot.parts
        if not entries or not entries[0].part.store.keeps_copies:
            return
        parts = [entry.part for entry in entries if in_range(piece.spec, entry.part)]
        required = [probe for probe in piece.spec.probes if probe.required]
        restricted = bool(required or self.candidates.keys(piece.spec))
        names = [KEYS_FILE] if restricted else [KEYS_FILE, COLUMNS_FILE]
        if any(probe.share_max is None for probe in required):
            names.append(TEXT_FOLDER)
        prefetch(parts, *names)

    def _only(self, name: str, wanted: list[Rows]) -> str:
        rows = np.concatenate(wanted)
        if len(rows) <= LISTED_ROWS_MAX:
            return f'"_row" IN ({", ".join(map(str, rows.tolist()))})'
        self._register_rows(f"{name}_wanted", from_numpy(rows))
        return f'"_row" IN (SELECT "_row" FROM {sql_text.name(f"{name}_wanted")})'

    def _tail_sql(self, piece: _Piece) -> str | None:
        tables: list[pa.Table] = []
        for chunk in piece.snapshot.tail:
            if not in_range(piece.spec, chunk):
                continue
            rows = self.candidates.rows(piece.spec, chunk)
            if rows is None:
                rows = np.arange(chunk.rows, dtype=np.int64)
            rows = np.setdiff1d(rows, chunk.superseded, assume_unique=True)
            if len(rows):
                tables.append(conform(chunk.table, piece.schema).take(from_numpy(rows)))
                self.report.tail_rows += len(rows)
        if not tables:
            return None
        self._register_table(f"{piece.name}_tail", pa.concat_tables(tables))
        return f"SELECT {piece.columns} FROM {sql_text.name(f'{piece.name}_tail')}"

    def _register_probe(self, spec: ScanSpec, probe: ProbeSpec) -> None:
        sources = [
            source
            for snapshot in self.sources.snapshots(spec.objects)
            for source in snapshot.sources
            if in_range(spec, source)
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
