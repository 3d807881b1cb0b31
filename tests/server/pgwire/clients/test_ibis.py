"""ibis with its PostgreSQL backend."""

from __future__ import annotations

import ibis
import pytest
from server_support.pg import ROWS, USER


@pytest.fixture(scope="module")
def backend(door):
    found = ibis.postgres.connect(user=USER, password=door.key, host=door.host, port=door.port, database="btql")
    yield found
    found.disconnect()


def test_what_is_there(backend):
    assert "project_logs" in backend.list_databases()
    assert "demo" in backend.list_tables(database="project_logs")
    schema = backend.table("demo", database="project_logs").schema()
    assert schema["id"].is_string()
    assert schema["created"].is_timestamp()
    assert schema["tags"].is_array()
    assert schema["metadata"].is_json()


# What ibis asks pandas is deprecated there.
@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
def test_an_expression(backend):
    demo = backend.table("demo", database="project_logs")
    found = (
        demo.filter(demo.id < "r010")
        .mutate(root=demo.root_span_id)
        .group_by("root")
        .aggregate(rows=lambda each: each.count(), last=lambda each: each.created.max())
        .order_by("root")
    )
    frame = found.execute()
    table = found.to_pyarrow()

    assert frame["rows"].tolist() == [5, 5]
    assert table.column("root").to_pylist() == ["t000", "t001"]
    assert demo.count().execute() == ROWS
    assert len(demo.select("id").limit(3).execute()) == 3


@pytest.mark.filterwarnings("ignore:The 'future.infer_string' option")
def test_fields_of_documents(backend):
    demo = backend.table("demo", database="project_logs")
    asked = demo.filter(demo.id < "r003").select(
        "id", model=demo.metadata["model"].str, text=demo.input["text"].str, nothing=demo.metadata["none"].str
    )
    rows = asked.order_by("id").to_pyarrow().to_pylist()

    assert [tuple(row.values()) for row in rows] == [
        ("r000", "gpt-5", "", None),
        ("r001", "claude-opus-4-1", "naïve ☂ 天気", None),
        ("r002", "llama-3.3-70b", "", None),
    ]


def test_texts_in_both_languages(backend):
    with backend.raw_sql("from: project_logs('demo') | select: id | sort: id | limit: 1") as cursor:
        assert cursor.fetchall() == [("r000",)]
