"""An answer over the Arrow C stream, read by the libraries that people have."""

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import btql

EVENTS = [
    {
        "id": f"r{number}",
        "input": {"question": f"what is {number}?"},
        "scores": {"exact": number / 4},
        "tags": ["even"] if number % 2 == 0 else [],
        "created": f"2026-01-0{number + 1}T12:00:00Z",
    }
    for number in range(4)
]
QUERY = "SELECT id, input, scores.exact, tags, created FROM project_logs('demo') ORDER BY id"
SEVERAL = "SELECT id, (SELECT d.id FROM project_logs('demo') AS d) AS other FROM project_logs('demo')"


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("arrow") / "db") as connection:
        connection.ingest("project_logs:demo", EVENTS)
        yield connection


def test_duckdb_reads_an_answer_by_its_name_and_knows_json(conn):
    logs = conn.query(QUERY)  # noqa: F841  # pyright: ignore[reportUnusedVariable]  the query below names it
    rows = duckdb.connect().execute(
        "SELECT id, input->>'question', exact::DOUBLE, tags, typeof(input), typeof(created) FROM logs WHERE exact > 0.5"
    )

    assert rows.fetchall() == [("r3", "what is 3?", 0.75, [], "JSON", "TIMESTAMP WITH TIME ZONE")]


def test_duckdb_reads_an_answer_that_is_kept_as_often_as_it_likes(conn):
    logs = conn.query(QUERY).arrow()  # noqa: F841  # pyright: ignore[reportUnusedVariable]
    counted = duckdb.connect().execute("SELECT count(*) FROM logs AS a JOIN logs AS b ON a.id < b.id")

    assert counted.fetchall() == [(6,)]


def test_polars_reads_json_as_its_extension_type_or_as_text(conn):
    frame = pl.DataFrame(conn.query(QUERY))
    questions = frame.select(pl.col("input").ext.storage().str.json_path_match("$.question")).to_series()

    assert frame.schema["created"] == pl.Datetime("us", "UTC")
    assert questions.to_list() == [f"what is {number}?" for number in range(4)]
    assert conn.query(QUERY).to_polars().schema["input"] == pl.String


def test_pandas_and_pyarrow_read_it(conn):
    frame = pd.DataFrame.from_arrow(conn.query(QUERY))  # pyright: ignore[reportAttributeAccessIssue]  pandas 3 has it
    table = pa.table(conn.query(QUERY))

    assert str(frame["created"].dtype) == "datetime64[us, UTC]"
    assert frame["id"].tolist() == table["id"].to_pylist() == ["r0", "r1", "r2", "r3"]
    assert table.schema == conn.query(QUERY).schema


def test_a_reader_may_ask_for_plain_text(conn):
    result = conn.query(QUERY)
    plain = [field.with_type(pa.string()) if isinstance(field.type, pa.JsonType) else field for field in result.schema]
    table = pa.RecordBatchReader.from_stream(result, schema=pa.schema(plain)).read_all()

    assert table["input"].to_pylist()[:2] == ['{"question":"what is 0?"}', '{"question":"what is 1?"}']


def test_adbc_ingests_an_answer(conn):
    dbapi = pytest.importorskip("adbc_driver_duckdb.dbapi")
    with dbapi.connect() as other, other.cursor() as cursor:
        assert cursor.adbc_ingest("logs", conn.query(QUERY), mode="create") == 4
        assert cursor.adbc_ingest("logs", conn.query(QUERY), mode="append") == 4
        cursor.execute("SELECT count(*), max(input->>'question') FROM logs")
        assert cursor.fetchall() == [(8, "what is 3?")]


def test_no_rows_have_columns(conn):
    nothing = "SELECT id, created FROM project_logs('demo') WHERE false"

    assert pl.DataFrame(conn.query(nothing)).shape == (0, 2)
    assert duckdb.from_arrow(conn.query(nothing)).columns == ["id", "created"]


def test_an_answer_is_handed_out_once(conn):
    result = conn.query(QUERY)
    assert pa.table(result).num_rows == 4

    with pytest.raises(btql.Error, match="was read before"):
        pa.table(result)


def test_a_mistake_that_only_rows_show_reaches_the_reader(conn):
    with pytest.raises(pl.exceptions.ComputeError, match="has several rows") as caught:
        pl.DataFrame(conn.query(SEVERAL))
    assert "database.py" not in str(caught.value)
    with pytest.raises(duckdb.Error, match="has several rows"):
        duckdb.from_arrow(conn.query(SEVERAL)).fetchall()
    with pytest.raises(btql.QueryError, match="has several rows"):
        conn.query(SEVERAL).reader().read_all()
