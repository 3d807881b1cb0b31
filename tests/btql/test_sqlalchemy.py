"""SQLAlchemy over ``btql://``: statements of Core, the ORM, reflection, errors, pandas; for a folder and a server."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pandas as pd
import pytest
import sqlalchemy as sa
from sqlalchemy import exc, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import btql
from btql.alchemy.types import read_span
from btql_server.running import running_doors
from btql_server.settings import Settings

EVENTS = [
    {
        "id": f"r{number}",
        "input": {"question": f"what is {number}?"},
        "output": f"it is {number}",
        "tags": ["odd"] if number % 2 else ["even", "half"],
        "scores": {"exact": number / 8},
        "metrics": {"tokens": number * 10},
        "metadata": {
            "model": "small" if number < 3 else "large",
            "deep": {"list": [1, {"x": number}]},
            "first": not number,
        },
        "created": f"2026-01-0{number + 1}T12:00:00Z",
    }
    for number in range(6)
]
EXPECTED = [{"id": "r1", "expected": 1}, {"id": "r9", "expected": 9}]
TABLES = sa.MetaData()
DAY = dt.datetime(2026, 1, 3, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("alchemy") / "db"
    with btql.connect(made) as connection:
        connection.ingest("project_logs:demo", EVENTS)
        connection.ingest("dataset:my set", EXPECTED)
    return made


@pytest.fixture(scope="module")
def doors(folder):
    """The addresses of a server."""
    here = ("127.0.0.1", 0)
    with running_doors(Settings(folder, here, flight=here, insecure_no_auth=True)) as addresses:
        yield addresses


@pytest.fixture(scope="module", params=["folder", "http", "grpc"])
def engine(request, folder):
    if request.param == "folder":
        url = f"btql:///{folder}"
    else:
        addresses = request.getfixturevalue("doors")
        address = addresses["flight" if request.param == "grpc" else "http"]
        url = f"btql+{request.param}://any-key@{address.partition('://')[2]}"
    made = sa.create_engine(url)
    yield made
    made.dispose()


@pytest.fixture
def conn(engine):
    with engine.connect() as connection:
        yield connection


logs = sa.Table(
    "demo",
    TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("created", sa.DateTime(timezone=True)),
    sa.Column("tags", ARRAY(sa.Text)),
    *(sa.Column(name, JSONB) for name in ("input", "output", "scores", "metrics", "metadata", "error")),
    schema="project_logs",
)
rows = sa.Table("my set", TABLES, sa.Column("id", sa.Text), sa.Column("expected", sa.JSON), schema="dataset")
meta, model = logs.c.metadata, logs.c.metadata["model"].astext
other = logs.alias("other")
counted = select(func.count()).select_from(logs)
ordered = select(logs.c.id).order_by(logs.c.id)

CASES = {
    "columns": (
        select(logs.c.id, logs.c.tags, logs.c.created).order_by(logs.c.id).limit(1).offset(1),
        [("r1", ["odd"], dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC))],
    ),
    "IN": (ordered.where(logs.c.id.in_(["r1", "r2", "zz"])), [("r1",), ("r2",)]),
    "IN nothing": (ordered.where(logs.c.id.in_([])), []),
    "NOT IN nothing": (counted.where(logs.c.id.not_in([])), [(6,)]),
    "IN a query": (ordered.where(logs.c.id.in_(select(rows.c.id))), [("r1",)]),
    "IN of tuples": (ordered.where(sa.tuple_(logs.c.id, model).in_([("r1", "small"), ("r2", "large")])), [("r1",)]),
    "EXISTS": (ordered.where(sa.exists().where(rows.c.id == logs.c.id)), [("r1",)]),
    "a key": (select(meta["model"]).distinct().order_by(meta["model"]), [("large",), ("small",)]),
    "keys and an index": (select(meta["deep"]["list"][1]["x"]).order_by(logs.c.id).limit(2), [(0,), (1,)]),
    "a path": (select(meta["deep", "list", 1, "x"]).order_by(logs.c.id).limit(2), [(0,), (1,)]),
    "a path as text": (select(meta["deep", "list"].astext).order_by(logs.c.id).limit(1), [('[1,{"x":0}]',)]),
    "a key as text": (ordered.where(meta["model"].astext == "large").limit(1), [("r3",)]),
    "a key compared": (ordered.where(meta["model"] == "large").limit(1), [("r3",)]),
    "a key as a number": (ordered.where(logs.c.metrics["tokens"].as_integer() > 30), [("r4",), ("r5",)]),
    "a key as a fraction": (select(func.sum(logs.c.scores["exact"].as_float())), [(1.875,)]),
    "a key as a decimal": (
        select(logs.c.scores["exact"].as_numeric(10, 3)).order_by(logs.c.id).offset(5),
        [(Decimal("0.625"),)],
    ),
    "a key as a boolean": (ordered.where(meta["first"].as_boolean()), [("r0",)]),
    "a document": (ordered.where(logs.c.input == {"question": "what is 3?"}), [("r3",)]),
    "has a key": (counted.where(meta.has_key("model")), [(6,)]),
    "contains a document": (counted.where(meta.contains({"model": "small"})), [(3,)]),
    "any of a list": (counted.where(sa.any_(logs.c.tags) == "odd"), [(3,)]),
    "contains a list": (counted.where(logs.c.tags.contains(["half", "even"])), [(3,)]),
    "lists that overlap": (counted.where(logs.c.tags.overlap(["odd", "none"])), [(3,)]),
    "an element, counted from 0": (select(logs.c.tags[1]).order_by(logs.c.id).limit(2), [("half",), (None,)]),
    "times": (ordered.where(logs.c.created < DAY), [("r0",), ("r1",)]),
    "times between days": (counted.where(logs.c.created.between(dt.date(2026, 1, 2), dt.date(2026, 1, 4))), [(2,)]),
    "times and spans": (counted.where(logs.c.created - dt.timedelta(days=2) < DAY), [(4,)]),
    "a span": (select(func.max(logs.c.created) - func.min(logs.c.created)), [(dt.timedelta(days=5),)]),
    "null": (counted.where(logs.c.error.is_(None), logs.c.input.is_not(None)), [(6,)]),
    "groups": (
        select(model.label("model"), func.count().label("n"))
        .group_by(model)
        .having(func.count() > 1)
        .order_by("model"),
        [("large", 3), ("small", 3)],
    ),
    "a filter of an aggregate": (select(func.count().filter(logs.c.id > "r3")).select_from(logs), [(2,)]),
    "a window": (
        select(logs.c.id, func.row_number().over(partition_by=model, order_by=logs.c.id))
        .order_by(logs.c.id)
        .offset(3)
        .limit(1),
        [("r3", 1)],
    ),
    "CASE": (
        select(sa.case((logs.c.id == "r0", "first"), else_="later")).order_by(logs.c.id).limit(2),
        [("first",), ("later",)],
    ),
    "LIKE": (ordered.where(logs.c.id.ilike("R%"), logs.c.id.startswith("r1")), [("r1",)]),
    "LIKE with an escape": (counted.where(logs.c.id.contains("%", autoescape=True)), [(0,)]),
    "a regular expression": (ordered.where(logs.c.id.regexp_match("^r[12]$")), [("r1",), ("r2",)]),
    "texts put together": (select(logs.c.id + "!").where(logs.c.id == "r1"), [("r1!",)]),
    "a common table": (select(select(logs.c.id).where(logs.c.id == "r1").cte("one").c.id), [("r1",)]),
    "a query in FROM": (select(select(logs.c.id).where(logs.c.id == "r1").subquery().c.id), [("r1",)]),
    "a query for a value": (select(select(func.count()).select_from(rows).scalar_subquery()), [(2,)]),
    "a join of two kinds": (
        select(logs.c.id, rows.c.id, rows.c.expected).join(rows, rows.c.id == logs.c.id),
        [("r1", "r1", 1)],
    ),
    "an outer join": (
        select(func.count(), func.count(rows.c.id)).select_from(logs).outerjoin(rows, rows.c.id == logs.c.id),
        [(6, 1)],
    ),
    "a join with itself": (select(func.count()).select_from(logs).join(other, logs.c.id < other.c.id), [(15,)]),
    "UNION ALL": (
        select(logs.c.id).where(logs.c.id == "r1").union_all(select(rows.c.id).where(rows.c.id == "r1")),
        [("r1",), ("r1",)],
    ),
    "types": (
        select(
            sa.cast("1", sa.Integer), sa.cast(1, sa.String), sa.cast("1.5", sa.Float), sa.cast("1.5", sa.Numeric(4, 2))
        ),
        [(1, "1", 1.5, Decimal("1.50"))],
    ),
    "values": (
        select(*map(sa.literal, (1, "it's", 1.5, True, None, DAY, Decimal("1.5"), dt.timedelta(hours=1)))),
        [(1, "it's", 1.5, True, None, DAY, Decimal("1.5"), dt.timedelta(hours=1))],
    ),
    "documents as values": (
        select(sa.literal({"a": [1]}, sa.JSON), sa.literal(["x"], ARRAY(sa.Text))),
        [({"a": [1]}, ["x"])],
    ),
    "parts of times": (select(sa.extract("day", logs.c.created)).order_by(logs.c.id).limit(1), [(1,)]),
    "no FROM": (select(sa.true(), sa.false()), [(True, False)]),
    "text between": (select(sa.text("metadata.deep.list[1].x")).select_from(logs).where(logs.c.id == "r2"), [(2,)]),
}


@pytest.mark.parametrize("case", CASES)
def test_core(conn, case):
    statement, expected = CASES[case]

    assert conn.execute(statement).all() == expected


def test_text_in_both_languages(conn):
    sql = sa.text(
        "SELECT id, metadata.deep.list[1].x AS x FROM project_logs.demo WHERE metadata.model = :model AND id < :id"
    )
    btql_ = sa.text("select: id, scores.exact | from: project_logs('demo') | filter: id = :id")
    ternary = sa.text("select: (id = :id ? 'yes' : 'no') AS so | from: project_logs('demo') | sort: id | limit: 2")

    assert conn.execute(sql, {"model": "large", "id": "r4"}).all() == [("r3", 3)]
    assert conn.execute(btql_, {"id": "r2"}).mappings().all() == [{"id": "r2", "exact": 0.25}]
    assert conn.execute(ternary, {"id": "r1"}).scalars().all() == ["no", "yes"]
    assert conn.exec_driver_sql(
        """select: {"a": id} AS d | from: project_logs('demo') | filter: id = 'r1'"""
    ).all() == [({"a": "r1"},)]


@pytest.mark.parametrize("text", ["it's", "a\\b", "\\'", "\n\t", "%s :a ? $1 {x}", "\\u00e9"])
def test_what_is_written_into_the_text_means_the_same(conn, text):
    document = sa.literal({text: {"below": 1}}, JSONB)
    statement = select(sa.literal(text), sa.literal(text, literal_execute=True), document[text, "below"])

    assert conn.execute(statement).one() == (text, text, 1)


def test_rows_stream(conn):
    result = conn.execution_options(yield_per=2).execute(ordered)

    assert [len(part) for part in result.partitions()] == [2, 2, 2]


def test_tables_are_reflected_with_comments(engine):
    inspector = sa.inspect(engine)
    found = sa.Table("demo", sa.MetaData(), schema="project_logs", autoload_with=engine)

    assert {"project_logs", "experiment", "dataset"} <= set(inspector.get_schema_names())
    assert "demo" in inspector.get_table_names()
    assert "my set" in inspector.get_table_names("dataset")
    assert (inspector.has_table("my set", "dataset"), inspector.has_table("my set")) == (True, False)
    assert [column.name for column in found.primary_key] == ["id"]
    assert found.c.scores.comment is not None
    assert {name: type(found.c[name].type) for name in ("id", "created", "is_root", "tags", "input")} == {
        "id": sa.Text, "created": sa.DateTime, "is_root": sa.Boolean, "tags": ARRAY, "input": JSONB,
    }  # fmt: skip
    assert repr(found.c.created.type) == "DateTime(timezone=True)"
    assert inspector.get_view_names() == inspector.get_indexes("demo") == inspector.get_foreign_keys("demo") == []
    with pytest.raises(exc.NoSuchTableError, match="nowhere"):
        sa.Table("nowhere", sa.MetaData(), schema="dataset", autoload_with=engine)


def test_all_of_it_is_reflected_at_once(engine):
    everything = sa.MetaData()
    everything.reflect(engine, schema="dataset")

    assert "dataset.my set" in everything.tables


def test_statements_write(conn):
    table = logs.to_metadata(sa.MetaData(), name="written")
    added = conn.execution_options(preserve_rowcount=True).execute
    assert added(sa.insert(table).values(id="a", input={"n": 1}, tags=["x"])).rowcount == 1
    assert added(sa.insert(table), [{"id": "b", "input": "text"}, {"id": "c", "input": [1]}]).rowcount == 2
    assert added(sa.insert(table).values([{"id": "d"}, {"id": "e"}])).rowcount == 2
    assert conn.execute(sa.update(table).where(table.c.id == "a").values(output={"n": 2})).rowcount == 1
    assert conn.execute(sa.delete(table).where(table.c.id.in_(["d", "e"]))).rowcount == 2
    conn.commit()

    assert conn.execute(select(table.c.id, table.c.input, table.c.output, table.c.tags).order_by(table.c.id)).all() == [
        ("a", {"n": 1}, {"n": 2}, ["x"]), ("b", "text", None, None), ("c", [1], None, None),
    ]  # fmt: skip


def test_what_was_written_stays_and_a_rollback_says_so(engine):
    table = logs.to_metadata(sa.MetaData(), name="kept")
    with engine.connect() as connection:
        connection.execute(sa.insert(table).values(id="a"))
        with pytest.warns(exc.SAWarning, match="what was written stays"):
            connection.rollback()
    with engine.connect() as connection:
        assert connection.execute(select(table.c.id)).all() == [("a",)]


class Base(DeclarativeBase):
    pass


class Log(Base):
    __tablename__ = "mapped"
    __table_args__ = {"schema": "project_logs"}  # noqa: RUF012  SQLAlchemy's way

    id: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    input: Mapped[object] = mapped_column(sa.JSON)
    details: Mapped[dict[str, object]] = mapped_column("metadata", sa.JSON)
    tags: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))


def test_mapped_classes(engine):
    with Session(engine) as session:
        session.add_all(Log(id=f"m{n}", input=n, details={"even": n % 2 == 0}, tags=[str(n)]) for n in range(3))
        session.commit()
        even = session.scalars(select(Log).where(Log.details["even"].as_boolean()).order_by(Log.id)).all()
        assert [(log.id, log.input, log.tags) for log in even] == [("m0", 0, ["0"]), ("m2", 2, ["2"])]
        even[0].input = {"changed": [True]}
        session.delete(even[1])
        session.commit()
    with Session(engine) as session:
        assert session.get_one(Log, "m0").input == {"changed": [True]}
        assert session.get(Log, "m2") is None


REFUSED = {
    "a mistake": (
        sa.text("SELECT lenght(id) FROM project_logs.demo"),
        exc.ProgrammingError,
        "did you mean `length`",
    ),
    "an unknown table": (sa.text("SELECT id FROM dataset.nope"), exc.ProgrammingError, "no object called"),
    "RETURNING": (
        sa.insert(logs).values(id="x").returning(logs.c.id),
        exc.NotSupportedError,
        "query the rows after",
    ),
    "DROP": (sa.schema.DropTable(logs), exc.NotSupportedError, "DELETE FROM"),
    "CREATE": (sa.schema.CreateTable(logs), exc.NotSupportedError, "begins with its first row"),
    "FOR UPDATE": (ordered.with_for_update(), exc.NotSupportedError, "remove it"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_errors_are_mapped_and_drawn(conn, case):
    statement, kind, words = REFUSED[case]
    with pytest.raises(kind, match=words) as caught:
        conn.execute(statement)

    assert isinstance(caught.value.orig, btql.QueryError)
    assert "-->" in str(caught.value)


def test_a_table_that_is_missing_is_not_created(engine):
    made = sa.MetaData()
    sa.Table("fresh", made, sa.Column("id", sa.Text), schema="dataset")
    with pytest.raises(exc.NotSupportedError, match="begins with its first row"):
        made.create_all(engine)


def test_pandas_reads_queries_and_tables(engine):
    query = sa.text("SELECT id, created, scores.exact FROM project_logs.demo WHERE id < :id ORDER BY id")
    frame = pd.read_sql(query, engine, params={"id": "r2"})
    table = pd.read_sql_table("demo", engine, schema="project_logs", columns=["id", "tags", "metadata"])

    assert frame["exact"].tolist() == [0.0, 0.125]
    assert str(frame["created"].dtype).endswith("UTC]")
    assert sorted(table["id"]) == [f"r{number}" for number in range(6)]
    assert {type(value) for value in table["metadata"]} == {dict}


def test_pandas_appends_to_an_object(engine):
    frame = pd.DataFrame({"id": ["p1", "p2"], "input": ["a", {"b": 1}], "expected": [1.5, None]})
    table = rows.to_metadata(sa.MetaData(), name="appended")
    with engine.connect() as connection:
        connection.execute(sa.insert(table).values(id="p0"))
        connection.commit()
        frame.to_sql("appended", connection, schema="dataset", if_exists="append", index=False)
        found = connection.execute(sa.text("SELECT id, input, expected FROM dataset.appended ORDER BY id"))
        assert found.all() == [("p0", None, None), ("p1", "a", 1.5), ("p2", {"b": 1}, None)]


def test_spans_are_read():
    assert read_span("-1 days 02:00:00.5") == dt.timedelta(days=-1, hours=2, seconds=0.5)
    assert read_span("3 days -00:00:01") == dt.timedelta(days=3, seconds=-1)
    assert read_span("1 year 2 mons") == "1 year 2 mons"


def test_urls():
    connect = sa.make_url("btql+https://me%40example.com:secret@[::1]:8000/path?timeout=2.5")
    assert connect.get_dialect()().create_connect_args(connect) == (
        ["https://[::1]:8000/path"],
        {"api_key": "secret", "timeout": 2.5},
    )
    for wrong in ("btql://", "btql://host/folder", "btql+http:///folder"):
        with pytest.raises(exc.ArgumentError, match="write btql"):
            sa.create_engine(wrong).connect()
    for url in ("btql:////tmp/some?nonsense=1", "btql+http://host?nonsense=1", "btql+s3://bucket?nonsense=1"):
        with pytest.raises(exc.ArgumentError, match=r"`nonsense` is no option .*, timeout"):
            sa.create_engine(url).connect()
    with pytest.raises(exc.DBAPIError, match="nothing"):
        sa.create_engine("btql:////tmp/nothing-is-here").connect()
