"""What people do with the rows: pandas, polars, DuckDB, ibis, and back."""

from __future__ import annotations

import duckdb
import ibis
import polars as pl
import pyarrow as pa
import pytest

TEXT = "SELECT id, created, metadata.model AS model, metrics.tokens AS tokens, tags, scores FROM demo ORDER BY id"


def test_pandas_and_polars_frames_have_the_rows(cursor):
    cursor.execute(TEXT)
    pandas = cursor.fetch_df()
    cursor.execute(TEXT)
    polars = cursor.fetch_polars()

    assert list(pandas.columns) == polars.columns == ["id", "created", "model", "tokens", "tags", "scores"]
    assert pandas["id"].nunique() == polars["id"].n_unique() == 500
    assert str(pandas["created"].dt.tz) == "UTC"
    assert polars["created"].dtype == pl.Datetime("us", "UTC")


def test_polars_reads_a_connection_by_itself(door):
    with door.adbc() as connection:
        frame = pl.read_database("SELECT metadata.model AS model, count(*) AS n FROM demo GROUP BY 1", connection)

    assert dict(frame.iter_rows())["gpt-5"] == 167


def test_duckdb_reads_a_stream_and_sends_rows_back(door, cursor):
    cursor.execute("SELECT id, input.n AS n, metadata FROM demo")
    reader = cursor.fetch_record_batch()
    with duckdb.connect() as database:
        database.register("demo", reader)
        found = database.sql(
            'SELECT id, n * 2 AS "input.double", metadata->>\'$.model\' AS "metadata.model" FROM demo WHERE n < 3'
        )
        batches = found.to_arrow_reader(1_000)
    with door.adbc() as connection, connection.cursor() as other:
        stored = other.adbc_ingest("from duckdb", batches, mode="create", db_schema_name="project_logs")
        other.execute('SELECT id, input.double, metadata.model FROM project_logs."from duckdb" ORDER BY id')

        assert stored == 3
        assert other.fetchall() == [("r000", 0, "gpt-5"), ("r001", 2, "claude-opus-4-1"), ("r002", 4, "llama-3.3-70b")]


def test_ibis_takes_the_rows_of_a_stream(cursor):
    cursor.execute("SELECT id, input.n AS n FROM demo")
    table = ibis.memtable(cursor.fetch_arrow_table())

    assert table.filter(table["n"] < ibis.literal(10)).count().to_pyarrow().as_py() == 10


def test_what_was_read_can_be_written_as_it_is(cursor):
    cursor.execute("SELECT * FROM demo WHERE id < 'r010'")
    table = cursor.fetch_arrow_table()
    cursor.adbc_ingest("copied", table, mode="create", db_schema_name="project_logs")
    columns = "id, created, input, output, metadata, scores, metrics, tags"
    found = []
    for name in ("demo", "copied"):
        cursor.execute(f"SELECT {columns} FROM project_logs.{name} WHERE id < 'r010' ORDER BY id")
        found.append(cursor.fetch_arrow_table())

    assert found[0].to_pylist() == found[1].to_pylist()


@pytest.mark.parametrize("rows", [0, 1, 20_000])
def test_any_number_of_rows_comes_whole(cursor, rows):
    cursor.execute("SELECT a.id AS a, b.id AS b FROM demo a, demo b LIMIT ?", (rows,))
    table = cursor.fetch_arrow_table()

    assert table.num_rows == rows
    assert table.schema == pa.schema({"a": pa.string(), "b": pa.string()})
