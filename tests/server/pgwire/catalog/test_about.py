"""Which statements are about the catalog."""

from __future__ import annotations

import time

import pytest

from btql_server.pgwire.catalog.about import about_catalog

ABOUT = (
    "select version()",
    "SELECT current_schema()",
    "select pg_catalog.version()",
    "select current_setting('server_version')",
    "SELECT pg_catalog.set_config('search_path', '', false)",
    "select pg_backend_pid()",
    "select current_user",
    "SELECT c.relname FROM pg_catalog.pg_class c",
    "select 1 from pg_class, pg_type",
    "select * from PG_CLASS",
    'select * from "pg_catalog"."pg_class"',
    "(select oid from pg_database)",
    "table pg_class",
    "with x as (select * from information_schema.tables) select * from x",
    "select 'x'::regclass",
    "select cast('x' as regclass)",
    "select 'a'::pg_catalog.regtype::oid",
    "select * from pg_get_keywords()",
    "update pg_settings set setting = 'x'",
    "select * from demo, pg_class",
    "/* a comment */ select 1 from pg_class -- and another",
    "select NULL, NULL, NULL",
    "select NULL, NULL, relkind from (select 'r' as relkind union select 'v') as a",
)
NOT_ABOUT = (
    "select 1",
    "",
    ";",
    "select current_date",
    "select: pg_class | from: project_logs('x')",
    "from: pg_class",
    "select 'pg_class' from demo",
    "select pg_class from demo",
    'select input from project_logs."pg_class"',
    "-- pg_class\nselect 1",
    "select * from demo where input = 'information_schema.tables'",
    "select user from demo",
    "select version from demo",
    "select metadata.pg_version from demo where metadata.current_user = 'x'",
    "select e'from pg_class\\'' , \"pg_type\" from x",
    "select $$ from pg_class $$",
    "/* a /* b */ from pg_class */ select id from demo",
    "insert into demo select 1",
    "select extract(epoch from created) from demo",
    "select * from pg_nonsense",
    "select user, count(*) from (select 1 as user from project_logs('demo', shape => 'traces')) t group by user",
    "explain select * from demo",
    "select null, null, id from demo",
    "select null, null, relkind from demo",
    "select relkind from (select 'r' as relkind) as a",
)


@pytest.mark.parametrize("sql", ABOUT)
def test_a_statement_about_the_catalog(sql):
    assert about_catalog(sql)


@pytest.mark.parametrize("sql", NOT_ABOUT)
def test_a_statement_about_something_else(sql):
    assert not about_catalog(sql)


def test_hostile_texts_take_no_long_time():
    texts = ("pg_" + "'" * 50_000, "pg_" + "$a$" * 20_000, "select " + "(" * 100_000 + "pg_", "/*" * 50_000 + "pg_")

    before = time.thread_time()
    found = [about_catalog(text) for text in texts]

    assert found == [False] * len(texts)
    assert time.thread_time() - before < 5
