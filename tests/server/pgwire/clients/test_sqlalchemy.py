"""SQLAlchemy with its own dialects for PostgreSQL, over psycopg and asyncpg: reflection, queries, pandas."""

from __future__ import annotations

import pandas as pd
import pytest
import sqlalchemy as sa
from server_support.loops import run
from server_support.pg import ROWS, USER
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import create_async_engine


def address(door, driver):
    """Return the URL that SQLAlchemy takes."""
    return sa.URL.create(f"postgresql+{driver}", USER, door.key, door.host, door.port, "btql")


@pytest.fixture
def engine(door):
    found = sa.create_engine(address(door, "psycopg"))
    yield found
    found.dispose()


def test_what_is_there(engine):
    inspector = sa.inspect(engine)

    assert {"project_logs", "dataset"} <= set(inspector.get_schema_names())
    assert "demo" in inspector.get_table_names(schema="project_logs")
    assert inspector.has_table("demo", schema="project_logs")
    assert not inspector.has_table("nowhere", schema="project_logs")
    columns = {column["name"]: column["type"] for column in inspector.get_columns("demo", schema="project_logs")}
    assert isinstance(columns["id"], sa.Text)
    assert isinstance(columns["created"], pg.TIMESTAMP)
    assert columns["created"].timezone
    assert isinstance(columns["tags"], pg.ARRAY)
    assert isinstance(columns["metadata"], pg.JSONB)
    assert isinstance(columns["is_root"], sa.Boolean)
    assert inspector.get_foreign_keys("demo", schema="project_logs") == []
    assert inspector.get_indexes("demo", schema="project_logs") == []
    assert isinstance(inspector.get_pk_constraint("demo", schema="project_logs")["constrained_columns"], list)
    assert isinstance(inspector.get_view_names(schema="project_logs"), list)
    assert inspector.get_unique_constraints("demo", schema="project_logs") == []
    assert inspector.get_check_constraints("demo", schema="project_logs") == []
    assert inspector.get_table_comment("demo", schema="project_logs").keys() == {"text"}


def test_a_reflected_table_is_queried(engine):
    demo = sa.Table("demo", sa.MetaData(), autoload_with=engine, schema="project_logs")
    with engine.connect() as conn:
        rows = conn.execute(
            sa.select(demo.c.id, demo.c.input["n"].astext, demo.c.tags)
            .where(demo.c.id.in_(["r000", "r001"]), demo.c.created < "2026-12-01")
            .order_by(demo.c.id.desc())
            .limit(5)
        ).all()
        count = conn.scalar(sa.select(sa.func.count()).select_from(demo).where(demo.c.scores.is_(None)))
        grouped = conn.execute(
            sa.select(demo.c.metadata["model"].astext.label("model"), sa.func.count().label("calls"))
            .group_by(sa.text("model"))
            .order_by(sa.desc("calls"), "model")
        ).all()

    assert [tuple(row) for row in rows] == [("r001", "1", None), ("r000", "0", ["even", 'with "quotes", {braces}'])]
    assert count == ROWS // 4
    assert [tuple(row) for row in grouped] == [("claude-opus-4-1", 167), ("gpt-5", 167), ("llama-3.3-70b", 166)]


def test_texts_with_every_mark(engine):
    with engine.connect() as conn:
        named = conn.execute(sa.text("SELECT id FROM demo WHERE input.n = :n AND id <> 'a:b'"), {"n": 3}).all()
        # In `text()` a colon begins the name of a value, unless it is escaped or a driver gets the text as it is.
        escaped = conn.execute(
            sa.text(
                r"from\: project_logs('demo') | select\: {\"n\"\: input.n} as x | sort\: id | limit\: 1".replace(
                    '\\"', '"'
                )
            )
        ).scalar()
        plain = conn.exec_driver_sql(
            "from: project_logs('demo') | select: (input.n > 0 ? 'a;b' : 'c%%d') as kind | sort: id | limit: 2"
        ).all()

    assert named == [("r003",)]
    assert escaped == {"n": 0}
    assert plain == [("c%d",), ("a;b",)]


def test_pandas(engine):
    frame = pd.read_sql("SELECT id, input.n AS n, created FROM demo ORDER BY id LIMIT 3", engine)
    table = pd.read_sql_table("demo", engine, schema="project_logs", columns=["id", "created"])
    pieces = list(pd.read_sql("SELECT id FROM demo", engine, chunksize=200))

    assert frame["n"].tolist() == [0, 1, 2]
    assert str(frame["created"].dt.tz) == "UTC"
    assert len(table) == ROWS
    assert [len(piece) for piece in pieces] == [200, 200, 100]


def test_rows_are_written(engine):
    table = sa.table("alchemy", sa.column("id"), sa.column("input", pg.JSONB), schema="project_logs")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(sa.insert(table), [{"id": "a", "input": {"n": 1}}, {"id": "b", "input": None}])
        found = conn.execute(sa.select(table.c.id, table.c.input).order_by(table.c.id)).all()

    assert [tuple(row) for row in found] == [("a", {"n": 1}), ("b", None)]


def test_server_side_cursors(engine):
    with engine.connect().execution_options(stream_results=True, max_row_buffer=50) as conn:
        result = conn.execute(sa.text("SELECT id FROM demo ORDER BY id"))
        assert result.fetchmany(2) == [("r000",), ("r001",)]
        assert len(result.fetchall()) == ROWS - 2


def test_over_asyncpg(door):
    async def ask():
        engine = create_async_engine(address(door, "asyncpg"))
        try:
            async with engine.connect() as conn:
                names = await conn.run_sync(lambda sync: sa.inspect(sync).get_table_names(schema="project_logs"))
                demo = await conn.run_sync(
                    lambda sync: sa.Table("demo", sa.MetaData(), autoload_with=sync, schema="project_logs")
                )
                rows = await conn.execute(
                    sa.select(demo.c.id, demo.c.input, demo.c.tags)
                    .where(demo.c.id.in_(["r000", "r001"]))
                    .order_by("id")
                )
                streamed = await conn.stream(sa.select(demo.c.id).order_by(demo.c.id))
                ids = [row.id async for row in streamed]
                query = sa.text("SELECT id, input.n AS n FROM demo WHERE input.n < :n ORDER BY id")
                frame = await conn.run_sync(lambda sync: pd.read_sql(query, sync, params={"n": 3}))
                called = sa.select(sa.func.left(demo.c.id, 2), sa.func.split_part(demo.c.id, "r", 2)).limit(1)
                return names, rows.all(), ids, frame["n"].tolist(), (await conn.execute(called)).one()
        finally:
            await engine.dispose()

    names, rows, ids, numbers, called = run(ask())
    assert "demo" in names
    assert [tuple(row) for row in rows] == [
        ("r000", {"n": 0, "text": ""}, ["even", 'with "quotes", {braces}']),
        ("r001", {"n": 1, "text": "naïve ☂ 天気"}, None),
    ]
    assert len(ids) == ROWS
    assert numbers == [0, 1, 2]
    assert tuple(called) == ("r4", "499")
