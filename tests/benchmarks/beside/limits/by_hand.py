"""Spans read by hand: DataFusion over typed columns, Arrow's files by place, Tantivy's index for words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import datafusion
import numpy as np
import orjson
import pyarrow as pa
import tantivy
from benchmarks.beside.limits.filling import fill, text_schema
from benchmarks.beside.limits.layout import (
    BLOCK_ROWS,
    ID_ROWS,
    IDS,
    ROWS_SCHEMA,
    SCORES,
    TRACE_STARTS,
    TRACES,
    places,
)
from benchmarks.beside.recipe import filled
from benchmarks.beside.rivals.arrow import rows_of
from benchmarks.beside.spans.questions import WHOLE
from benchmarks.beside.system import THREADS, Inputs, Parameters, Rows, System

_NEWEST_50 = "ORDER BY created DESC LIMIT 50"
_SQL = {
    "newest 100": "SELECT id, created, name, model, tokens FROM spans ORDER BY created DESC LIMIT 100",
    "nested path newest 50": f"SELECT id, created, \"user\" FROM spans WHERE version = '2.6.2' {_NEWEST_50}",
    "user newest 50": f"SELECT id, created, name FROM spans WHERE \"user\" = '{{user}}' {_NEWEST_50}",
    "user count": "SELECT count(*) AS n FROM spans WHERE \"user\" = '{user}'",
    "by model": 'SELECT model, count(*) AS n, avg(tokens) AS tokens, percentile_cont("end" - start, 0.95) AS p95 '
    "FROM spans GROUP BY model",
    "error rate by hour": "SELECT date_trunc('hour', created) AS h, "
    "sum(CASE WHEN has_error THEN 1 ELSE 0 END) / CAST(count(*) AS DOUBLE) AS rate FROM spans GROUP BY h",
    "distinct users": 'SELECT count(DISTINCT "user") AS n FROM spans',
    "fragment": f"SELECT id, created FROM spans WHERE input ILIKE '%uokkalop%' {_NEWEST_50}",
    "fragment of words": f"SELECT id, created FROM spans WHERE input ILIKE '%bow over the hi%' {_NEWEST_50}",
    "summary of traces": """
WITH roots AS (SELECT root_span_id, created, name FROM spans WHERE is_root ORDER BY created DESC LIMIT 100)
SELECT r.root_span_id, min(r.created) AS created, min(r.name) AS name, sum(tokens) AS tokens,
       sum(CASE WHEN has_error AND type IN ('llm', 'tool') THEN 1 ELSE 0 END) AS errors,
       sum(CASE WHEN type = 'llm' THEN 1 ELSE 0 END) AS llm_calls, max("end") - min(start) AS duration
FROM spans AS s JOIN roots AS r ON s.root_span_id = r.root_span_id
GROUP BY r.root_span_id ORDER BY created DESC""",
    "any span": "SELECT count(*) AS n FROM spans WHERE is_root"
    " AND root_span_id IN (SELECT root_span_id FROM spans WHERE has_error)"
    " AND root_span_id IN (SELECT root_span_id FROM spans WHERE model = 'claude-opus-4-1')",
    "trace list": "SELECT id, created, name, _pagination_key FROM spans WHERE is_root",
}
_ROWS = {
    "newest 100 whole": 'SELECT "row" FROM spans ORDER BY created DESC LIMIT 100',
    "one session": "SELECT \"row\" FROM spans WHERE session = '{session}'",
    "export": "SELECT \"row\" FROM spans WHERE created >= TIMESTAMP '{from}' AND created < TIMESTAMP '{to}'",
}
"""Questions whose rows are found in columns and read by place."""
_TRACES = {"trace of 10": "trace_10", "trace of 1,000": "trace_1000", "trace of 10,000": "trace_10000"}
_WORDS: dict[str, tuple[dict[str, list[str]], tuple[str, ...]]] = {
    "rare word": ({"input": ["zyxomma"]}, ("id", "created", "input")),
    "common word": ({"input": ["they"]}, ("id", "created", "input")),
    "phrase": ({"input": ["over", "the", "rainbow"]}, ("id", "created", "input")),
    "two fields": ({"input": ["zyxomma"], "output": ["cromulent"]}, ("id", "created", "input", "output")),
}
_WHOLE = tuple(WHOLE)


class ByHand(System):
    """A program for these questions only."""

    name = "by hand"
    note = (
        "a program for these questions alone, which knows all columns beforehand and never changes a thing: DataFusion "
        "over typed columns, Arrow files read by place, Tantivy; what btql's own libraries do without btql"
    )

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._context: Any = None

    def version(self) -> str:
        """Return the versions of the libraries."""
        return ", ".join(f"{name} {version(name)}" for name in ("datafusion", "pyarrow", "tantivy"))

    def load(self, inputs: Inputs, address: str) -> None:
        """Make the files."""
        fill(self.folder, inputs.documents)

    def open(self, address: str) -> None:
        """Open the files."""
        parquet, rows, index = places(self.folder)
        config = datafusion.SessionConfig().with_target_partitions(THREADS)
        config = config.set("datafusion.execution.parquet.pushdown_filters", "true")
        config = config.set("datafusion.execution.parquet.reorder_filters", "true")
        self._context = datafusion.SessionContext(config)
        self._context.register_parquet("spans", str(parquet))
        self._map = pa.memory_map(str(rows))
        load = partial(np.load, mmap_mode="r")
        self._ids, self._id_rows = load(self.folder / IDS), load(self.folder / ID_ROWS)
        self._traces, self._starts = load(self.folder / TRACES), load(self.folder / TRACE_STARTS)
        self._searcher = tantivy.Index.open(str(index)).searcher()
        self._scores: list[str] = orjson.loads((self.folder / SCORES).read_bytes())
        self._readers = {columns: self._reader(columns) for columns in {_WHOLE, *(kept for _, kept in _WORDS.values())}}

    def questions(self) -> frozenset[str]:
        """Return all of them."""
        return frozenset((*_SQL, *_ROWS, *_TRACES, *_WORDS, "one span", "common word count", "scores"))

    def ask(self, question: str, parameters: Parameters) -> object:
        """Return the answer as Arrow."""
        if question in _SQL:
            return self._sql(filled(_SQL[question], parameters))
        if question in _ROWS:
            found = self._sql(filled(_ROWS[question], parameters))
            return self._read(found.column("row").to_numpy(), _WHOLE)
        if question in _TRACES:
            place = self._place(self._traces, parameters[_TRACES[question]])
            return self._read(np.arange(self._starts[place], self._starts[place + 1]), _WHOLE)
        if question == "one span":
            return self._read(self._id_rows[[self._place(self._ids, parameters["span"])]], _WHOLE)
        if question == "scores":
            asked = ", ".join(f'avg("score {name}"), count("score {name}")' for name in self._scores)
            return self._sql(f"SELECT {asked} FROM spans")
        query = _query(*next(iter(_WORDS["common word"][0].items())))
        if question == "common word count":
            found: Any = self._searcher.search(query, limit=1, count=True)
            return pa.table({"n": [found.count]})
        return self._words(*_WORDS[question])

    def _sql(self, text: str) -> pa.Table:
        return self._context.sql(text).to_arrow_table()

    def _words(self, wanted: dict[str, list[str]], columns: tuple[str, ...]) -> pa.Table:
        queries = [(tantivy.Occur.Should, _query(field, words)) for field, words in wanted.items()]
        query = tantivy.Query.boolean_query(queries)
        hits = self._searcher.search(query, limit=50, count=False, order_by_field="created").hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        return self._read(np.array(rows, np.int64), columns)

    def _place(self, sorted_names: np.ndarray, name: object) -> int:
        return int(np.searchsorted(sorted_names, str(name).encode()))

    def _reader(self, columns: Sequence[str]) -> pa.ipc.RecordBatchFileReader:
        included = sorted(ROWS_SCHEMA.get_field_index(name) for name in columns)
        return pa.ipc.open_file(self._map, options=pa.ipc.IpcReadOptions(included_fields=included))

    def _read(self, rows: np.ndarray, columns: tuple[str, ...]) -> pa.Table:
        """Return rows in the order asked for; each block is decoded once."""
        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        blocks = ordered // BLOCK_ROWS
        starts = np.flatnonzero(np.diff(blocks, prepend=-1))
        batches: list[pa.RecordBatch] = []
        for start, end in pairwise([*starts.tolist(), len(rows)]):
            batch = self._readers[columns].get_batch(int(blocks[start]))
            batches.append(batch.take(pa.array(ordered[start:end] % BLOCK_ROWS)))
        table = pa.Table.from_batches(batches, pa.schema([ROWS_SCHEMA.field(name) for name in columns]))
        if (np.diff(order) > 0).all():
            return table
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return table.combine_chunks().take(pa.array(back))

    def rows(self, taken: object, columns: Sequence[str]) -> Rows:
        """Return the rows."""
        table = cast("pa.Table", taken)
        if "score" in columns:
            values = [column[0].as_py() for column in table.columns]
            means, counts = values[::2], values[1::2]
            return [row for row in zip(self._scores, means, counts, strict=True) if row[2]]
        return rows_of(table, columns)


def _query(field: str, words: list[str]) -> tantivy.Query:
    if len(words) == 1:
        return tantivy.Query.term_query(text_schema(), field, words[0], "basic")
    return tantivy.Query.phrase_query(text_schema(), field, [*words])
