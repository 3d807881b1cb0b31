"""The Python face: connect, ingest, query, and what comes back."""

from __future__ import annotations

import re
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import btql

EVENTS: list[dict[str, object]] = [
    {
        "id": "root",
        "created": "2026-11-01T10:00:00.000Z",
        "input": [{"role": "user", "content": "over the rainbow"}],
        "output": "a reply",
        "metadata": {"model": "gpt-x", "mixed": 1, "odd key": {"a.b": 2}},
        "metrics": {"tokens": 10},
        "tags": ["first", "second"],
    },
    {
        "id": "child",
        "root_span_id": "root",
        "span_parents": ["root"],
        "created": "2026-11-01T10:00:01.000Z",
        "input": "重庆市 text",
        "metadata": {"model": "gpt-y", "mixed": "1"},
        "metrics": {"tokens": 2.5},
        "error": {"code": 5},
    },
    {"id": "other", "created": "2026-11-02T00:00:00.000Z", "metadata": {"mixed": True}, "custom": {"deep": [1, 2]}},
]


@pytest.fixture(params=["tail", "parts"])
def conn(request: pytest.FixtureRequest, tmp_path: Path) -> btql.Connection:
    connection = btql.connect(tmp_path / "db")
    connection.ingest("project_logs:demo", EVENTS)
    if request.param == "parts":
        connection.compact()
    return connection


def values(conn: btql.Connection, text: str) -> list[object]:
    return [next(iter(row.values())) for row in conn.query(f"{text} | from: project_logs('demo')")]


def test_rows_are_newest_first_with_values_as_written(conn: btql.Connection) -> None:
    rows = conn.query("select: id, created, metadata, tags, custom | from: project_logs('demo')").rows()

    assert [row["id"] for row in rows] == ["other", "child", "root"]
    assert rows[0]["custom"] == {"deep": [1, 2]}
    assert rows[2]["metadata"] == EVENTS[0]["metadata"]
    assert rows[2]["tags"] == ["first", "second"]
    assert rows[2]["created"] == datetime(2026, 11, 1, 10, tzinfo=UTC)


def test_star_has_every_field(conn: btql.Connection) -> None:
    (row,) = conn.query("select: * | from: project_logs('demo') | filter: id = 'child'").rows()

    assert row["span_parents"] == ["root"]
    assert row["is_root"] is False
    assert row["project_id"] == "demo"
    assert row["error"] == {"code": 5}
    assert row["custom"] is None
    assert str(row["_pagination_key"]).startswith("p")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select: metadata.mixed", [True, "1", 1]),
        ('select: metadata."odd key"."a.b"', [None, None, 2]),
        ("select: input[0].content", [None, None, "over the rainbow"]),
        ("select: custom.deep[-1]", [2, None, None]),
        ("select: id | filter: input MATCH 'the rainbow'", ["root"]),
        ("select: id | filter: input MATCH '庆市'", ["child"]),
        ("select: id | filter: not input MATCH 'rainbow'", ["child"]),
        ("select: id | filter: search('reply')", ["root"]),
        ("select: id | filter: tags MATCH 'second'", ["root"]),
        ("select: id | filter: metadata.odd MATCH 'x' or custom MATCH 'deep'", ["other"]),
        ("select: id | filter: error like '%code%'", ["child"]),
        ("select: id | filter: tags includes 'first'", ["root"]),
        ("select: id | filter: custom.deep includes 2", ["other"]),
        ("select: len(custom.deep)", [2, None, None]),
        ("select: len(input)", [None, 8, 1]),
        ("select: id | filter: created < CURRENT_DATE - interval 1 day and id = 'root'", ["root"]),
        ("measures: count(error)", [1]),
        ("measures: sum(metrics.tokens)", [12.5]),
        ("select: id | filter: created >= '2026-11-02'", ["other"]),
        ("select: id | filter: id in ('root', 'child') | sort: id", ["child", "root"]),
        ("select: model | sort: model desc", ["gpt-y", "gpt-x", None]),
    ],
)
def test_queries(conn: btql.Connection, query: str, expected: list[object]) -> None:
    assert values(conn, query) == expected


def test_traces_shape_gives_whole_traces_and_counts_them(conn: btql.Connection) -> None:
    conn.ingest("project_logs:demo", [{"id": "late", "root_span_id": "root", "error": "again"}])

    by_error = conn.query("select: id | from: project_logs('demo') traces | filter: error is not null").rows()
    first = conn.query("select: id | from: project_logs('demo') traces | limit: 1").rows()

    assert [row["id"] for row in by_error] == ["late", "child", "root"]
    assert [row["id"] for row in first] == ["late", "child", "root"]


def test_arrow_keeps_types_and_marks_json(conn: btql.Connection) -> None:
    table = conn.query("select: id, created, metrics.tokens, metadata.mixed, tags | from: project_logs('demo')").arrow()

    assert table.schema.field("created").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("tokens").type == pa.float64()
    assert isinstance(table.schema.field("mixed").type, pa.JsonType)
    assert table.column("mixed").cast(pa.string()).to_pylist() == ["true", '"1"', "1"]
    assert table.schema.field("tags").type == pa.list_(pa.string())


def test_whole_numbers_stay_exact(tmp_path: Path) -> None:
    big = [2**53 + 1, 2**63 - 1, -(2**63), 7, 0.5]
    with btql.connect(tmp_path / "db") as conn:
        events = [{"id": str(number), "metadata": {"big": value}} for number, value in enumerate(big)]
        conn.ingest("project_logs:demo", events)
        text = "select: metadata.big | from: project_logs('demo') | sort: id"

        assert [row["big"] for row in conn.query(text)] == big
        assert conn.query(text).arrow().column("big").cast(pa.string()).to_pylist() == [str(value) for value in big]


def test_whole_numbers_beside_nulls_stay_exact_in_pandas(tmp_path: Path) -> None:
    big = 2**53 + 1
    with btql.connect(tmp_path / "db") as conn:
        rows = [{"id": "a", "metadata": {"big": -big, "small": 1}}, {"id": "b", "metadata": {"big": big}}, {"id": "c"}]
        conn.ingest("project_logs:demo", rows)
        text = "SELECT metadata.big::bigint AS n, metadata.small::bigint AS s FROM demo ORDER BY id"
        cursor = conn.cursor()
        cursor.execute(text)
        for frame in (conn.query(text).to_pandas(), cursor.fetch_df()):
            assert frame["n"].tolist()[:2] == [-big, big]
            assert list(frame["n"].isna()) == [False, False, True]
            # What floats can hold stays what pandas makes of it.
            assert [str(kind) for kind in frame.dtypes] == ["Int64", "float64"]


def test_whole_numbers_never_wrap_around(tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db") as conn:
        big = 2**63 - 1
        conn.ingest("project_logs:demo", [{"id": str(n), "metadata": {"big": big, "small": n}} for n in range(3)])

        def one(expression: str) -> object:
            return conn.query(f"SELECT {expression} AS x FROM project_logs('demo') ORDER BY 1 LIMIT 1").rows()[0]["x"]

        assert one("sum(metadata.big)") == pytest.approx(3 * big)
        assert one("metadata.big + 1") == pytest.approx(2**63)
        assert one("metadata.big * metadata.big") == pytest.approx(float(big) ** 2)
        assert one("- metadata.big - 2") == pytest.approx(-(2**63))
        assert one("metadata.big - 5000") == big - 5000
        assert (one("sum(metadata.small)"), type(one("sum(metadata.small)"))) == (3, int)
        table = conn.query("SELECT sum(metadata.small) AS s, metadata.small + 1 FROM project_logs('demo') GROUP BY 2")
        assert [field.type for field in table.schema] == [pa.int64(), pa.int64()]


def test_match_can_stand_anywhere(conn: btql.Connection) -> None:
    text = "select: id, input MATCH 'rainbow' as hit, input MATCH '' as none | from: project_logs('demo') | sort: id"

    assert conn.query(text).rows() == [
        {"id": "child", "hit": False, "none": False},
        {"id": "other", "hit": None, "none": None},
        {"id": "root", "hit": True, "none": False},
    ]
    grouped = (
        "dimensions: input MATCH 'rainbow' as hit | measures: count(1) as n | from: project_logs('demo') | sort: hit"
    )
    assert conn.query(grouped).rows() == [{"hit": False, "n": 1}, {"hit": True, "n": 1}, {"hit": None, "n": 1}]


def test_an_empty_answer_has_a_schema(conn: btql.Connection) -> None:
    for text in ("select: id, created, input", "dimensions: error | measures: count(1) as n"):
        table = conn.query(f"{text} | from: project_logs('demo') | filter: id = 'nobody'").arrow()
        assert table.num_rows == 0
        assert table.schema.names in (["id", "created", "input"], ["error", "n"])


def test_data_frames(conn: btql.Connection) -> None:
    text = "select: id, metadata.mixed, metrics.tokens | from: project_logs('demo') | sort: id"

    assert conn.query(text).to_pandas()["id"].tolist() == ["child", "other", "root"]
    assert conn.query(text).to_polars()["mixed"].to_list() == ['"1"', "true", "1"]


def test_a_missing_library_is_named(conn: btql.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)

    with pytest.raises(btql.Error, match=r"pip install 'btql\[polars\]'"):
        conn.query("select: id | from: project_logs('demo')").to_polars()


def test_sql_gives_the_same_rows(conn: btql.Connection) -> None:
    btql_rows = conn.query(
        "dimensions: metadata.model as m | measures: count(1) as n | from: project_logs('demo') | sort: m"
    )
    sql_rows = conn.query("SELECT metadata.model AS m, count(1) AS n FROM project_logs('demo') GROUP BY 1 ORDER BY m")

    assert btql_rows.rows() == sql_rows.rows()


def test_a_select_without_source(tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db") as conn:
        assert conn.query("SELECT 1 + 1 AS two, 'a' AS letter").rows() == [{"two": 2, "letter": "a"}]


def test_warnings_name_fields_that_no_row_has(conn: btql.Connection) -> None:
    result = conn.query("select: metdata.model | from: project_logs('demo')")

    assert result.rows()[0] == {"model": None}
    assert "did you mean `metadata`" in result.warnings[0]


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("metadata.modle", "metadata.model"),
        ("metadata->>'modle'", "metadata.model"),
        ('metadata."user name"', 'metadata."user-name"'),
        ("metadata.usr.id", "metadata.user"),
        ("metadata.user.nmae", "metadata.user.name"),
        ("d.metrics.latncy", "metrics.latency"),
        # Below an array only the documents know, and what looks like nothing that is there may come later.
        ("metadata.list[0].modle", None),
        ("metadata.other", None),
        ("metadata.model.modle", None),
        ("scores.modle", None),
    ],
)
def test_warnings_name_keys_that_look_like_slips(tmp_path: Path, path: str, meant: str | None) -> None:
    metadata = {"model": "m", "user-name": "n", "user": {"name": "a"}, "list": [{"model": 1}]}
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:demo", [{"id": "a", "metadata": metadata, "metrics": {"latency": 1}}])
        for _ in range(2):
            warnings = conn.query(f"SELECT {path} AS x FROM demo AS d").warnings

            assert len(warnings) == (meant is not None)
            assert all(warning.endswith(f", it is null everywhere, did you mean `{meant}`?") for warning in warnings)
            conn.compact()


def test_an_answer_that_was_read_is_not_an_empty_one(conn: btql.Connection) -> None:
    result = conn.query("select: id | from: demo | sort: id")
    assert len(result.rows()) == 3
    for again in (result.rows, result.arrow, result.to_pandas, lambda: list(result.json())):
        with pytest.raises(btql.Error, match="the answer was read before"):
            again()


def test_nor_is_one_that_was_read_in_part_or_closed(conn: btql.Connection) -> None:
    """What is left of the piece that a loop is at would be missing."""
    begun, closed, cut = (conn.query("SELECT id FROM demo ORDER BY id") for _ in range(3))
    first = next(iter(begun))
    closed.close()
    rows = iter(cut)
    next(rows)
    cut.close()

    assert set(first) == {"id"}
    with pytest.raises(btql.Error, match="the answer was read before"):
        begun.rows()
    for read in (closed.rows, closed.arrow, lambda: list(rows)):
        with pytest.raises(btql.Error, match="closed before all of it was read"):
            read()


def test_an_answer_says_how_it_is_read(conn: btql.Connection) -> None:
    result = conn.query("SELECT id FROM demo")

    assert ".to_pandas()" in repr(result)
    assert len(result.rows()) == 3
    assert repr(result) == "<btql.Result: its rows were read (3)>"


def test_a_batch_that_is_refused_leaves_no_object_behind(tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db") as conn:
        for write in (conn.ingest, conn.import_rows):
            with pytest.raises(btql.StorageError, match="`id` is not a text"):
                write("project_logs:demo", [b'{"id":"fine"}', b'{"id":7}'])
        assert conn.objects() == []


def test_events_may_come_from_a_generator(tmp_path: Path) -> None:
    with btql.connect(tmp_path / "db") as conn:
        assert conn.ingest("project_logs:demo", ({"id": str(n)} for n in range(3))).ids == ("0", "1", "2")


def test_an_answer_is_let_go_by_with(conn: btql.Connection) -> None:
    with conn.query("SELECT id FROM project_logs('demo')") as result:
        rows = iter(result)
        next(rows)

    with pytest.raises(btql.Error, match="the answer was closed"):
        list(rows)


def test_errors(conn: btql.Connection) -> None:
    with pytest.raises(btql.QueryError, match=r"error\[B0201\]"):
        conn.query("select: lenght(id) | from: project_logs('demo')")
    with pytest.raises(btql.QueryError, match="did you mean `demo`"):
        conn.query("select: id | from: project_logs('demoo')")
    with pytest.raises(btql.Error, match="is no object"):
        conn.ingest("demo", [{"id": "a"}])
    with pytest.raises(btql.StorageError, match="event 2 of the request"):
        conn.ingest("project_logs:demo", [{"id": "a"}, {"id": 5}])


@pytest.mark.parametrize(
    ("query", "given", "reason"),
    [
        (None, {}, "a query is a text, or a dictionary with its JSON form, not `NoneType`"),
        (["SELECT 1"], {}, "a query is a text, or a dictionary with its JSON form, not `list`"),
        ("SELECT ?", {"parameters": "one"}, "parameters are a list, a tuple or a dictionary, not `str`"),
        ("SELECT 1", {"timeout": "5"}, "a timeout is a number of seconds, or None, not '5'"),
        ("SELECT 1", {"timeout": -1}, "a timeout is a number of seconds, or None, not -1"),
        ("SELECT 1", {"limit": "5"}, "`limit` cannot be '5'"),
        ("SELECT 1", {"cursor": 5}, "`cursor` cannot be 5"),
    ],
)
def test_what_a_query_cannot_be_asked_with_is_named(
    conn: btql.Connection, query: str, given: dict[str, Any], reason: str
) -> None:
    with pytest.raises(btql.Error, match=re.escape(reason)):
        conn.query(query, **given)


def test_numbers_of_numpy_are_values_of_parameters(conn: btql.Connection) -> None:
    values = [np.int64(3), np.float64(0.5), np.array([1, 2])]

    assert conn.query("SELECT ? AS a, ? AS b, ? AS c", values).rows() == [{"a": 3, "b": 0.5, "c": [1, 2]}]


def test_explain_shows_every_form(conn: btql.Connection) -> None:
    text = conn.explain("select: id, input | from: project_logs('demo') | filter: input MATCH 'rainbow'", analyze=True)

    for heading in ("tree", "typed plan", "rewritten plan", "engine plan", "engine's own plan", "analysis"):
        assert f"-- {heading}\n" in text
    assert "1 hit for input" in text


def test_paths_and_objects(conn: btql.Connection) -> None:
    assert conn.objects() == ["project_logs:demo"]
    assert ("metadata", "odd key", "a.b") in conn.paths("project_logs:demo")


def test_writes_are_seen_by_the_next_query_from_any_thread(tmp_path: Path) -> None:
    failures: list[object] = []
    with btql.connect(tmp_path / "db") as conn:

        def work(worker: int) -> None:
            for number in range(10):
                conn.ingest("project_logs:demo", [{"id": f"{worker}-{number}", "metadata": {"worker": worker}}])
                rows = conn.query(
                    f"measures: count(1) as n | from: project_logs('demo') | filter: metadata.worker = {worker}"
                ).rows()
                if rows != [{"n": number + 1}]:
                    failures.append((worker, number, rows))

        threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert not failures
