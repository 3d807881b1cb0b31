"""A database in a bucket, with the manners of DB-API: the public suite, cursors, the async twin, SQLAlchemy, pandas."""

from __future__ import annotations

import pandas as pd
import pytest
import sqlalchemy as sa
from dbapi.suite import Suite
from server_support.endless import LONG
from server_support.loops import run
from sqlalchemy import exc
from sqlalchemy.engine.url import make_url

import btql
from btql.alchemy.dialect import BtqlGsDialect

ROWS = [{"id": f"r{n}", "metadata": {"n": n}, "input": f"in {n}", "tags": ["t"]} for n in range(5)]


@pytest.fixture
def services(s3, tmp_path):
    """Place in the bucket, and what stands behind its question mark."""
    place, endpoint = s3
    return place, f"catalog=sqlite:{tmp_path}/catalog.sqlite&endpoint={endpoint}&cache={tmp_path}/cache"


@pytest.fixture
def address(services):
    """The address of a database with a few rows, some of them compacted."""
    found = "?".join(services)
    with btql.connect(found) as connection:
        connection.ingest("project_logs:demo", ROWS[:3])
        connection.compact()
        connection.ingest("project_logs:demo", ROWS[3:])
    return found


class TestBucket(Suite):
    @pytest.fixture(autouse=True)
    def _bucket(self, services):
        self.connect_args = ("?".join(services),)


del Suite


def test_cursors_read_and_write(address):
    with btql.connect(address, timeout=60) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id, metadata.n FROM project_logs('demo') WHERE metadata.n > :n ORDER BY id", {"n": 2})
        assert [column[0] for column in cursor.description or ()] == ["id", "n"]
        assert cursor.fetchmany(2) == [("r3", 3), ("r4", 4)]
        cursor.executemany("INSERT INTO project_logs('demo') (id, metadata.n) VALUES (?, ?)", [("r5", 5), ("r6", 6)])
        cursor.execute("UPDATE project_logs('demo') SET metadata.n = ? WHERE id = ?", [60, "r6"])
        cursor.execute("DELETE FROM project_logs('demo') WHERE id = ?", ["r0"])
        assert cursor.rowcount == 1
        with pytest.raises(btql.ProgrammingError) as caught:
            cursor.execute("SELECT nothing(1) FROM project_logs('demo')")
        assert (caught.value.code, caught.value.sqlstate, caught.value.position) == ("B0201", "42883", 8)
        with pytest.raises(btql.TimeLimit):
            cursor.execute(LONG, timeout=0.1).fetchall()
    with btql.connect(address) as connection:
        found = connection.execute("SELECT metadata.n FROM project_logs('demo') ORDER BY 1").fetch_arrow_table()
    assert found["n"].to_pylist() == [1, 2, 3, 4, 5, 60]


def test_the_async_twin(address):
    async def program():
        async with btql.connect_async(address) as connection, connection.cursor() as cursor:
            await cursor.execute("select: id | from: project_logs('demo') | filter: metadata.n < ? | sort: id", [2])
            return [row async for row in cursor]

    assert run(program()) == [("r0",), ("r1",)]


def test_sqlalchemy_and_pandas(address):
    engine = sa.create_engine(f"btql+{address}")
    demo = sa.Table("demo", sa.MetaData(), schema="project_logs", autoload_with=engine)
    with engine.connect() as connection:
        assert connection.execute(sa.select(demo.c.id).where(demo.c.metadata["n"].as_integer() == 4)).all() == [("r4",)]
        connection.execute(sa.insert(demo).values(id="r9", input="new"))
        connection.commit()
    assert sa.inspect(engine).get_table_names("project_logs") == ["demo"]
    frame = pd.read_sql("SELECT id FROM project_logs.demo ORDER BY id DESC LIMIT 2", engine)
    assert frame["id"].tolist() == ["r9", "r4"]
    engine.dispose()


def test_a_name_of_the_configuration_is_a_database_for_sqlalchemy(address, tmp_path, monkeypatch):
    place, _, query = address.partition("?")
    services = (part.split("=", 1) for part in query.split("&"))
    lines = [f'{name} = "{value}"' for name, value in [("files", place), *services]]
    (tmp_path / "btql.toml").write_text("[databases.production]\n" + "\n".join(lines), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    engine = sa.create_engine("btql:///production")
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM project_logs.demo")).scalar() == 5
    engine.dispose()


def test_what_stands_in_the_url_of_sqlalchemy_is_the_address():
    dialect = BtqlGsDialect()
    url = "btql+gs://bucket/a/b?catalog=postgresql://me:p%40ss%26word@db/name&redis=redis://cache&read_only=true"
    arguments, options = dialect.create_connect_args(make_url(url))

    assert arguments == [
        "gs://bucket/a/b?catalog=postgresql%3A%2F%2Fme%3Ap%40ss%26word%40db%2Fname&redis=redis%3A%2F%2Fcache"
    ]
    assert options == {"create": False, "read_only": True}
    with pytest.raises(exc.ArgumentError, match="names no bucket"):
        dialect.create_connect_args(make_url("btql+gs:///prefix"))
