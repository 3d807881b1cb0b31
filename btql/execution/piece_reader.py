"""How the rows that a scan reads of one object get to the engine: as tables, each from where its rows are read soonest.

* Whole parts are one native Parquet scan over exactly the columns that are asked for, minus superseded rows.
* Of parts of which some rows are read, the scan is told which; where they are few, they are taken from their documents.
* Columns that are asked for again and again are in memory (:mod:`btql_storage.part.kept_columns`), and so is the tail.
  Where all rows are, and the statement can do with them, numbers stand for texts (:mod:`btql.execution.coded`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.candidates import Rows
from btql.execution.engine import CORES, SessionContext
from btql.execution.first_rows import FirstRows
from btql.execution.kept_parts import KeptParts, shares
from btql.execution.parquet_scan import scan_files
from btql.execution.pruning import ruled_out
from btql.execution.report import RunReport
from btql.execution.selection import Selection
from btql_planner import sql_text
from btql_storage.arrow import empty_batch, from_numpy, one_array
from btql_storage.later import np
from btql_storage.part.few_rows import BLOCKS_MAX, SCATTERED_BLOCKS_MAX, are_few, columns_of, fields_of
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROW_BITS, ROWS_FILE, TEXT_FOLDER
from btql_storage.part.kept_columns import KeptColumns, PartColumns
from btql_storage.part.reader import Part, prefetch
from btql_storage.snapshot import Snapshot, SnapshotPart

if TYPE_CHECKING:
    from btql_storage.arrow import Array
    from btql_storage.part.code_book import CodeBook
    from btql_storage.tail_chunk import TailChunk

LISTED_ROWS_MAX = 2_000
"""Up to this many rows are named in the statement itself, so that the reader skips pages by them."""
CODED_MIN = 50_000
"""Of fewer rows than these, a grouping by texts is done before a second statement is planned."""
OTHERS_MAX = 20_000
"""So many rows may come from the tail and from parts that are read in part: their texts are looked up each time."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a scan reads of one object."""

    name: str
    snapshot: Snapshot
    schema: pa.Schema
    first: FirstRows | None = None
    """The only rows that are read, where the others come behind what is wanted."""


@dataclass(frozen=True, slots=True)
class Read:
    """A table, and which of its rows are read."""

    table: str
    rest: str = ""
    """What stands behind it in a statement, in which it is called p."""


@dataclass(slots=True)
class _Sorted:
    """The parts of a piece, by how they are read."""

    whole: list[SnapshotPart] = field(default_factory=list[SnapshotPart])
    some: list[tuple[SnapshotPart, Rows]] = field(default_factory=list["tuple[SnapshotPart, Rows]"])
    kept: list[PartColumns] = field(default_factory=list[PartColumns])
    """All columns are in memory, and all rows are read."""
    taken: list[pa.Table] = field(default_factory=list["pa.Table"])
    """The rows that are read of parts whose columns are in memory."""


@dataclass(slots=True)
class PieceReader:
    """Registers the tables of the pieces of one scan."""

    context: SessionContext
    selection: Selection
    columns: KeptColumns
    wanted: set[tuple[int, str]]
    """Columns of parts that the statement has asked for."""
    run_report: RunReport
    measured: bool
    """Whether the report tells bytes, which take time to find out."""
    tables: dict[str, pa.Table] = field(default_factory=dict[str, "pa.Table"])
    """Tables of rows that are in memory; whoever asks for them registers them, or has no need to."""
    held_max: int = 0
    """Up to so many rows are not for the engine, where all of them are in memory."""
    holds_codes: bool = False
    """Nor are any number of rows, where they have numbers for texts."""
    codable: Collection[str] = ()
    """Columns that may have numbers for texts."""
    books: dict[str, CodeBook] = field(default_factory=dict[str, "CodeBook"])
    """What the numbers mean in columns that have them."""

    def read(self, piece: Piece) -> Iterator[Read]:
        """Yield the tables that have the rows of a piece."""
        self._prefetch(piece)
        parts = self._sorted(piece)
        tail = list(self.selection.tail(piece.snapshot, piece.first))
        if parts.kept and not (parts.whole or parts.some or piece.first):
            self._place(parts, sum(map(len, parts.taken)) + sum(len(rows) for _, rows in tail))
        yield from self._read_parts(piece, parts)
        yield from self._read_tail(piece, tail)

    def _place(self, parts: _Sorted, others: int) -> None:
        """Have the rows of whole parts where they are soonest done with: not in the engine, or as numbers for texts."""
        rows = sum(len(each.table) for each in parts.kept)
        if rows + others <= self.held_max:
            parts.taken += [each.table for each in parts.kept]
            parts.kept = []
        elif rows >= CODED_MIN and others <= OTHERS_MAX:
            self._number_texts(parts)

    def _number_texts(self, parts: _Sorted) -> None:
        """Have numbers for texts in the columns of parts."""
        for name in self.codable:
            book = self.columns.book(name)
            found = [(each, self.columns.codes(each, name, book)) for each in parts.kept]
            coded = [each.coded(name, codes) for each, codes in found if codes is not None]
            if len(coded) == len(found):
                parts.kept, self.books[name] = coded, book

    def _read_parts(self, piece: Piece, parts: _Sorted) -> Iterator[Read]:
        few = bool(parts.some) and _are_few(piece, parts.some)
        if piece.first is not None and not few:
            # The engine compares one column with a bound more quickly than it looks row numbers up.
            listed = piece.first.listed
            parts.whole += [each for each, _ in parts.some if each.part.part_id not in listed]
            parts.some = [(each, rows) for each, rows in parts.some if each.part.part_id in listed]
        in_files = [each.part for each in parts.whole] + ([] if few else [each.part for each, _ in parts.some])
        prefetch(in_files, COLUMNS_FILE)
        for part in in_files:
            self.selection.report.files.opened("columns", part)
        if parts.whole:
            yield self._read_whole(piece, parts.whole)
        if few:
            yield self._read_few(piece, parts.some)
        elif parts.some:
            table = self._register_files(piece, f"{piece.name}_some", [each.part for each, _ in parts.some])
            yield Read(table, f" WHERE {self._only(piece.name, parts.some)}")
        yield from self._read_memory(piece, parts)

    def _prefetch(self, piece: Piece) -> None:
        """Get copies of what surely will be read, where parts are not on this machine."""
        entries, spec = piece.snapshot.parts, self.selection.spec
        if not _is_copied(piece.snapshot):
            return
        parts = [entry.part for entry in entries if ruled_out(spec, entry.part) is None]
        required = [probe for probe in spec.probes if probe.required]
        restricted = bool(required or self._is_by_ids or piece.first)
        names = [KEYS_FILE] if restricted else [KEYS_FILE, COLUMNS_FILE]
        if any(probe.share_max is None for probe in required):
            names.append(TEXT_FOLDER)
        prefetch(parts, *names)

    @property
    def _is_by_ids(self) -> bool:
        """Whether the rows are asked for by some ids."""
        return bool(self.selection.candidates.keys(self.selection.spec))

    def _sorted(self, piece: Piece) -> _Sorted:
        """Return the parts that may have rows by how they are read."""
        found = _Sorted()
        chosen = [self._chosen(piece, *each) for each in self.selection.parts(piece.snapshot, piece.first)]
        in_memory = KeptParts(
            self.columns,
            piece.snapshot,
            piece.schema,
            self.wanted,
            whole_rows=sum(entry.part.stats.rows for entry, listed in chosen if listed is None),
            few_count=piece.first is not None or not (self._is_by_ids or _is_copied(piece.snapshot)),
        )
        for entry, listed in chosen:
            columns = in_memory.get(entry.part, listed)
            if columns is not None:
                self.run_report.cached("columns", hit=True)
                if listed is None:
                    found.kept.append(columns)
                else:
                    found.taken.append(columns.take(listed))
            elif listed is not None:
                found.some.append((entry, listed))
            else:
                found.whole.append(entry)
        return found

    def _chosen(self, piece: Piece, entry: SnapshotPart, rows: Rows | None) -> tuple[SnapshotPart, Rows | None]:
        """Count a part that has rows; return which are read, None where all of them, or a bound says which."""
        gone = len(entry.superseded) if rows is None else 0
        report = self.selection.report
        report.rows += entry.part.stats.rows
        report.superseded += gone
        report.candidates += entry.part.stats.rows - gone if rows is None else len(rows)
        return entry, None if piece.first and piece.first.is_bounded(entry.part.part_id) else rows

    def _read_whole(self, piece: Piece, entries: Sequence[SnapshotPart]) -> Read:
        """Register the files of parts of which all current rows are read, or all up to a bound."""
        rest = ""
        dead = [row for each in entries for row in _locators(each.part, each.superseded)]
        if dead:
            self._register_rows(f"{piece.name}_superseded", pa.array(dead, pa.int64()))
            rest = f' LEFT ANTI JOIN {sql_text.name(f"{piece.name}_superseded")} AS d ON p."_row" = d."_row"'
        if piece.first is not None:
            rest += f" WHERE {piece.first.condition}"
        return Read(self._register_files(piece, f"{piece.name}_parts", [each.part for each in entries]), rest)

    def _read_few(self, piece: Piece, some: Sequence[tuple[SnapshotPart, Rows]]) -> Read:
        """Make the rows of some parts a table in memory, from their documents."""
        prefetch([entry.part for entry, _ in some], ROWS_FILE)
        tables: list[pa.Table] = []
        for entry, rows in some:
            self.selection.report.files.opened("rows", entry.part)
            if self.measured and (fields := fields_of(piece.schema.names)):
                self.selection.report.files.read("rows", entry.part.document_bytes(rows, fields))
            tables.append(columns_of(entry.part, rows, piece.schema.names).cast(piece.schema))
        return self._in_memory(f"{piece.name}_some", tables)

    def _read_memory(self, piece: Piece, parts: _Sorted) -> Iterator[Read]:
        """Make columns that are in memory tables: those of whole parts, and rows that were taken out of them."""
        if parts.kept and self.holds_codes and self.books.keys() >= {*self.codable}:
            self.tables[f"{piece.name}_kept"] = pa.concat_tables([each.table for each in parts.kept])
            yield Read(f"{piece.name}_kept")
        elif parts.kept:
            batches = [batch for each in parts.kept for batch in each.batches()]
            batches = batches or [empty_batch(piece.schema)]
            self.context.register_record_batches(f"{piece.name}_kept", shares(batches, CORES))
            yield Read(f"{piece.name}_kept", "" if piece.first is None else f" WHERE {piece.first.condition}")
        if parts.taken:
            yield self._in_memory(f"{piece.name}_taken", parts.taken)

    def _read_tail(self, piece: Piece, tail: Sequence[tuple[TailChunk, Rows]]) -> Iterator[Read]:
        tables: list[pa.Table] = []
        for chunk, rows in tail:
            tables.append(chunk.table(piece.schema).take(from_numpy(rows)))
            self.selection.report.tail_rows += len(rows)
        if tables:
            yield self._in_memory(f"{piece.name}_tail", tables)

    def _in_memory(self, name: str, tables: Sequence[pa.Table]) -> Read:
        table = pa.concat_tables(tables)
        for column, book in self.books.items():
            texts = one_array(table.column(column)).dictionary_encode()
            table = table.set_column(table.schema.get_field_index(column), column, book.encode(texts))
        self.tables[name] = table
        return Read(name)

    def _register_files(self, piece: Piece, table: str, parts: Sequence[Part]) -> str:
        paths = [str(part.columns_path) for part in parts]
        self.context.register_view(table, scan_files(self.context, paths, piece.schema))
        return table

    def _only(self, name: str, some: Sequence[tuple[SnapshotPart, Rows]]) -> str:
        rows = np.concatenate([rows + (entry.part.part_id << ROW_BITS) for entry, rows in some])
        if len(rows) <= LISTED_ROWS_MAX:
            return f'"_row" IN ({", ".join(map(str, rows.tolist()))})'
        self._register_rows(f"{name}_wanted", from_numpy(rows))
        return f'"_row" IN (SELECT "_row" FROM {sql_text.name(f"{name}_wanted")})'

    def _register_rows(self, name: str, rows: Array) -> None:
        register_table(self.context, name, pa.table({"_row": rows}))


def _is_copied(snapshot: Snapshot) -> bool:
    """Whether parts are not on this machine, and copies of their files are read."""
    return any(entry.part.store.keeps_copies for entry in snapshot.parts[:1])


def register_table(context: SessionContext, name: str, table: pa.Table) -> None:
    """Make a table of rows in memory known to the engine."""
    batches = table.to_batches() or [empty_batch(table.schema)]
    context.register_record_batches(name, [batches])


def _are_few(piece: Piece, some: Sequence[tuple[SnapshotPart, Rows]]) -> bool:
    """Return whether some rows are read more quickly from their documents."""
    parts, rows = [each.part for each, _ in some], [rows for _, rows in some]
    is_bounded = piece.first is not None and not piece.first.listed
    return are_few(parts, rows, piece.schema.names, SCATTERED_BLOCKS_MAX if is_bounded else BLOCKS_MAX)


def _locators(part: Part, rows: Iterable[int]) -> list[int]:
    return [(part.part_id << ROW_BITS) + int(row) for row in rows]
