"""Make the files of the reading by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tantivy
from benchmarks.beside.limits.layout import (
    BLOCK_ROWS,
    COLUMNS,
    ID_ROWS,
    IDS,
    ROWS_SCHEMA,
    SCORES,
    TRACE_STARTS,
    TRACES,
    Document,
    column_values,
    places,
    row_values,
)

from btql_storage.text.tokens import index_texts, texts_of

_CHUNK = 100 * BLOCK_ROWS
"""Documents that are in memory at once: whole blocks, so that a row's place tells its block."""
_HEAP_BYTES = 256 << 20


def fill(folder: Path, documents: Path) -> None:
    """Make all files; in two passes, since rows lie trace by trace, and traces begin with those that began first."""
    offsets, traces = _looked_through(documents)
    # Stable, so that the spans of a trace keep the order of the file.
    order = np.argsort(np.unique(traces, return_inverse=True)[1], kind="stable")
    parquet, rows, index = places(folder)
    index.mkdir()
    names = _scores(documents)
    (folder / SCORES).write_bytes(orjson.dumps(names))
    schema = pa.schema([*COLUMNS.items(), *((f"score {name}", pa.float64()) for name in names)])
    columns: list[pa.Table] = []
    ids: list[str] = []
    writer = tantivy.Index(text_schema(), str(index)).writer(_HEAP_BYTES, num_threads=1)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_file(str(rows), ROWS_SCHEMA, options=options) as out:
        for first, chunk in _chunks(documents, offsets[order]):
            ids += [document["id"] for document in chunk]
            values = [row_values(document) for document in chunk]
            arrays = [pa.array(column, pa.utf8()) for column in zip(*values, strict=True)]
            out.write_table(pa.table(arrays, schema=ROWS_SCHEMA), max_chunksize=BLOCK_ROWS)
            columns.append(_columns(chunk, first, names, schema))
            _index(writer, chunk, first)
    writer.commit()
    writer.wait_merging_threads()
    _write_columns(pa.concat_tables(columns), parquet)
    _write_places(folder, ids, traces[order])


def _looked_through(documents: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return where each document begins, and whose trace it belongs to."""
    offsets: list[int] = []
    traces: list[str] = []
    place = 0
    with documents.open("rb") as lines:
        for line in lines:
            offsets.append(place)
            traces.append(orjson.loads(line)["root_span_id"])
            place += len(line)
    return np.array(offsets), np.array(traces, "S")


def _scores(documents: Path) -> list[str]:
    names: set[str] = set()
    with documents.open("rb") as lines:
        for line in lines:
            if b'"scores"' in line:
                names |= (orjson.loads(line).get("scores") or {}).keys()
    return sorted(names)


def _chunks(documents: Path, offsets: np.ndarray) -> Iterator[tuple[int, list[Document]]]:
    """Yield documents in an order, with the row of the first."""
    with documents.open("rb") as file:
        rest = iter(offsets.tolist())
        first = 0
        while places_of := list(islice(rest, _CHUNK)):
            chunk: list[Document] = []
            for place in places_of:
                file.seek(place)
                chunk.append(orjson.loads(file.readline()))
            yield first, chunk
            first += len(chunk)


def _columns(chunk: Sequence[Document], first: int, names: Sequence[str], schema: pa.Schema) -> pa.Table:
    values = [column_values(document, row) for row, document in enumerate(chunk, first)]
    arrays: dict[str, pa.Array] = {}
    for name, kind in COLUMNS.items():
        if name == "created":
            texts = pa.array([document["created"].removesuffix("Z") for document in chunk])
            arrays[name] = pc.cast(texts, kind)
        else:
            arrays[name] = pa.array([value[name] for value in values], kind)
    for name in names:
        scores = [(document.get("scores") or {}).get(name) for document in chunk]
        arrays[f"score {name}"] = pa.array(scores, pa.float64())
    return pa.table(arrays, schema=schema)


def _index(writer: tantivy.IndexWriter, chunk: Sequence[Document], first: int) -> None:
    created = [int(np.datetime64(document["created"].removesuffix("Z"), "us").astype(int)) for document in chunk]
    texts = {name: index_texts([texts_of(document.get(name)) for document in chunk]) for name in ("input", "output")}
    for place in range(len(chunk)):
        added = tantivy.Document()
        added.add_unsigned("row", first + place)
        added.add_integer("created", created[place])
        for name, prepared in texts.items():
            if prepared[place]:
                added.add_text(name, prepared[place])
        writer.add_document(added)


def _write_columns(table: pa.Table, file: Path) -> None:
    """Write the columns with the newest rows last, as they come in."""
    labels = [field.name for field in table.schema if pa.types.is_dictionary(field.type)]
    # The stubs do not know that a dictionary may be asked for by column.
    write_table = cast("Callable[..., None]", pq.write_table)
    write_table(
        table.unify_dictionaries().sort_by("created"),
        file,
        compression="zstd",
        use_dictionary=[*labels, "user", "root_span_id"],
        row_group_size=100_000,
        write_page_index=True,
    )


def _write_places(folder: Path, ids: Sequence[str], traces: np.ndarray) -> None:
    """Write ids and traces, sorted, and the rows of each: they are looked up in mapped files."""
    names = np.array(ids, "S")
    order = np.argsort(names)
    np.save(folder / IDS, names[order])
    np.save(folder / ID_ROWS, order)
    known, starts = np.unique(traces, return_index=True)
    np.save(folder / TRACES, known)
    np.save(folder / TRACE_STARTS, np.append(starts, len(traces)))


def text_schema() -> tantivy.Schema:
    """Return what the index has: words, and for each document its row and its time."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("row", fast=True)
    builder.add_integer_field("created", fast=True)
    for name in ("input", "output"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    return builder.build()
