"""What the catalog says, in the words of Postgres."""

from __future__ import annotations

import json
import subprocess
import sys

import pyarrow as pa
import pytest
from server_support.tool_queries import TOOLS

from btql.execution.directory import Everything, Listed
from btql_server.pgwire.catalog.catalog import Catalog
from btql_server.pgwire.catalog.refused import Refused
from btql_server.pgwire.catalog.session_values import Session

OF_TABLES = "SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r'"
TABLES = f"{OF_TABLES} AND nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"


@pytest.mark.parametrize(
    ("tool", "query"), [pytest.param(tool, query, id=f"{tool} {query}") for tool in TOOLS for query in TOOLS[tool]]
)
def test_queries_of_tools_run(ask, tool, query):
    table = ask.answer(TOOLS[tool][query]).table

    assert len(set(table.column_names)) >= 1
    if query not in ("foreign keys", "enums", "composites") and not query.startswith("no "):
        assert table.num_rows > 0


def test_what_tools_see(ask):
    assert ask.rows(TOOLS["Grafana"]["tables"]) == [('"My project"',), ("demo",), ("demo",), ("golden",)]
    assert [row[:3] for row in ask.rows(TOOLS["Metabase"]["tables"])] == [
        ("dataset", "golden", "TABLE"),
        ("project_logs", "My project", "TABLE"),
        ("project_logs", "demo", "TABLE"),
    ]
    fields = {row[0]: row for row in ask.rows(TOOLS["Metabase"]["fields"])}
    assert fields["id"][1:6] == ("text", 0, "project_logs", "demo", True)
    assert fields["created"][1] == "timestamptz"
    assert fields["tags"][1] == "_text"
    assert "name" in fields["scores"][6]
    assert ask.rows(TOOLS["Tableau"]["keys"]) == [("id", 1, "demo_pkey", "project_logs", "demo")]
    columns = {row[6]: row for row in ask.rows(TOOLS["Tableau"]["columns"])}
    assert columns.keys() == {-1, 1, 8}
    kinds = [row[3] for row in ask.rows(TOOLS["Npgsql"]["types"])]
    assert {"b", "a"} <= set(kinds)
    assert kinds == sorted(kinds, key=lambda kind: kind == "a")


def test_columns_have_the_types_of_postgres(ask):
    rows = ask.rows(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull, col_description(attrelid, attnum)"
        " FROM pg_attribute WHERE attrelid = 'project_logs.demo'::regclass AND attnum > 0 ORDER BY attnum"
    )

    types = {name: type_ for name, type_, *_ in rows}
    assert types | {
        "id": "text", "created": "timestamp with time zone", "is_root": "boolean", "tags": "text[]", "input": "jsonb"
    } == types  # fmt: skip
    assert [name for name, _, required, _ in rows if required] == ["id", "_xact_id"]
    assert all(note for *_, note in rows)


def test_spellings_that_only_postgres_has(ask):
    cases = {
        "SELECT 'pg_class'::regclass::oid": 1259,
        "SELECT 'pg_class'::regclass": "pg_class",
        "SELECT '\"My project\"'::pg_catalog.regclass::text": '"My project"',
        "SELECT 'experiment.demo'::regclass": "experiment.demo",
        "SELECT to_regclass('nowhere')": None,
        "SELECT 'int4'::regtype": "integer",
        "SELECT 'timestamp with time zone'::regtype::oid": 1184,
        "SELECT 1009::regtype": "text[]",
        "SELECT 'dataset'::regnamespace": "dataset",
        "SELECT 1 FROM pg_am WHERE amname OPERATOR(pg_catalog.~) '^(heap)$' COLLATE pg_catalog.default": 1,
        "SELECT indkey FROM pg_index LIMIT 1": [1],
        "SELECT indkey[0] FROM pg_index LIMIT 1": 1,
        "SELECT (information_schema._pg_expandarray(indkey)).n FROM pg_index LIMIT 1": 1,
        "SELECT generate_subscripts(indkey, 1) FROM pg_index LIMIT 1": 0,
        "SELECT count(*) FROM pg_class WHERE relkind = ANY('{S,t}')": 0,
        "SELECT count(*) FROM pg_am WHERE amname <> ALL (ARRAY['heap', 'btree'])": 0,
        "SELECT count(*) FROM pg_am WHERE oid = ANY(ARRAY['2', '403']::oid[])": 2,
        "SELECT string_agg(s.i::text, ',') FROM generate_series(1, 3) AS s(i), pg_am WHERE amname = 'heap'": "1,2,3",
        "SELECT array_to_string(ARRAY(SELECT amname FROM pg_am ORDER BY 1), E'\\t')": "btree\theap",
        "SELECT typinput FROM pg_type WHERE typname = 'int4'": "int4in",
        "SELECT tableoid::regclass FROM pg_am LIMIT 1": "pg_am",
        "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'project\\_logs'": 1,
        "SELECT current_setting('server_version_num')::int / 10000": 15,
        "SELECT pg_get_userbyid(relowner) FROM pg_class LIMIT 1": "ann",
        "SELECT pg_size_pretty(123456::bigint)": "121 kB",
        "SELECT format('%I.%I', 'a', 'B c'), current_user": 'a."B c"',
        "SELECT quote_ident('Select') FROM pg_am LIMIT 1": '"Select"',
        "SELECT relname AS select FROM pg_class WHERE oid = 1259": "pg_class",
        "SELECT pg_catalog.pg_get_indexdef(i.indexrelid) FROM pg_index i WHERE indrelid = 'demo'::regclass":
            "CREATE UNIQUE INDEX demo_pkey ON project_logs.demo USING btree (id)",
        'SELECT row_to_json(t) FROM (SELECT count(*) AS "Total" FROM pg_stat_bgwriter) t': '{"Total":0}',
        "SELECT count(*) FROM pg_stat_gssapi WHERE pid = pg_backend_pid() AND encrypted": 0,
        "SELECT count(*) FROM pg_parameter_acl p JOIN pg_statio_user_tables t ON t.relid = p.oid": 0,
        "VALUES (current_user)": "ann",
        "TABLE information_schema.enabled_roles": "ann",
    }  # fmt: skip

    assert {sql: ask.rows(sql)[0][0] for sql in cases} == cases
    parts = "substring(relname FROM '^pg_(\\w+)s$'), substring(relname FROM 'c.'), substring(relname FROM 2 FOR 3)"
    found = ask.rows(f"SELECT {parts} FROM pg_class WHERE relname IN ('pg_class', 'pg_namespace') ORDER BY relname")
    assert found == [("clas", "cl", "g_c"), (None, "ce", "g_n")]


def test_a_column_that_a_function_is_called_with_is_that_of_the_statement(ask):
    """Functions of the catalog read relations, too, that have columns of the same names."""
    cases = {
        "SELECT relname FROM pg_class WHERE pg_table_is_visible(oid) AND relname = 'golden'": "golden",
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE pg_table_is_visible(pg_class.oid) AND relname = 'golden'": "golden",
        "SELECT typname FROM pg_type WHERE format_type(oid, NULL) = 'bigint'": "int8",
        "SELECT conname FROM pg_constraint WHERE pg_get_constraintdef(oid) IS NOT NULL AND conname = 'golden_pkey'":
            "golden_pkey",
        "SELECT (SELECT count(*) FROM pg_am WHERE obj_description(c.oid, 'pg_class') IS NULL) FROM pg_class c"
        " WHERE relname = 'pg_class'": 2,
    }  # fmt: skip
    described = (
        "SELECT obj_description(format('%s.%s', quote_ident(table_schema), quote_ident(table_name))::regclass::oid,"
        " 'pg_class') FROM information_schema.tables WHERE table_schema <> 'pg_catalog'"
    )

    assert {sql: ask.rows(sql)[0][0] for sql in cases} == cases
    assert len(ask.rows(described)) > 4


def test_json_of_the_catalog(ask):
    answer = ask.answer(
        "SELECT json_agg(t), json_agg(amname ORDER BY oid DESC) FILTER (WHERE oid < 1000),"
        " jsonb_agg(DISTINCT amtype = 'i'), jsonb_object_agg(amname, oid), jsonb_build_object('a', 1),"
        " json_build_array(1, 'b'), to_jsonb(current_user)"
        " FROM (SELECT amname, oid, amtype FROM pg_am) t"
    )

    assert {each.name for each in answer.types} == {"jsonb"}
    values = [json.loads(column[0].as_py()) for column in answer.table.columns]
    assert values[0] == [{"amname": "heap", "oid": 2, "amtype": "t"}, {"amname": "btree", "oid": 403, "amtype": "i"}]
    assert values[1] == ["btree", "heap"]
    assert sorted(values[2]) == [False, True]
    assert values[3:] == [{"heap": 2, "btree": 403}, {"a": 1}, [1, "b"], "ann"]
    assert answer.table.column_names[1] == "json_agg"


def test_whether_there_is_a_row(ask):
    assert ask.rows("SELECT EXISTS (SELECT FROM information_schema.tables WHERE table_name = 'golden')") == [(True,)]
    assert ask.rows("SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'none')") == [(False,)]


def test_columns_are_called_as_postgres_calls_them(ask):
    table = ask.answer(
        "SELECT RELNAME, c.oid::text, count(*), max(relkind) AS \"Kind\", 1, 'demo'::regclass::oid, current_user,"
        " CASE WHEN true THEN 1 END, coalesce(relname, ''), relname || 'x', true, format_type(23, -1),"
        " (SELECT 2 AS two)"
        " FROM pg_class c WHERE false GROUP BY 1, 2"
    ).table

    assert table.column_names == [
        "relname", "oid", "count", "Kind", "?column?", "oid", "current_user", "case", "coalesce", "?column?", "bool",
        "format_type", "two",
    ]  # fmt: skip


def test_types_of_columns(ask):
    answer = ask.answer(
        "SELECT oid, relname, relnatts, relhasindex, reltuples, relacl, 1, count(*) OVER () FROM pg_class"
    )

    assert [each.name for each in answer.types] == ["oid", "text", "int2", "bool", "float4", "_text", "int4", "int8"]
    # ODBC's driver takes the text of a vector for what it is only if its type says so.
    vectors = ask.answer(
        "SELECT indkey, indclass AS c, indoption[0], indclass[0], array_agg(indrelid) FROM pg_index GROUP BY 1, 2, 3, 4"
    )
    assert [each.name for each in vectors.types] == ["int2vector", "oidvector", "int2", "oid", "_oid"]


def test_columns_come_in_the_order_of_the_table(ask):
    """Where nobody asks for an order, clients count on that one."""
    named = ["id", "_xact_id", "_pagination_key", "created"]
    nested = "pg_class c JOIN (pg_attribute JOIN pg_type t ON t.oid = atttypid) ON c.oid = attrelid"
    listed = "pg_type t, pg_namespace n, pg_class c, pg_catalog.pg_attribute a"
    joined = "t.oid = a.atttypid AND c.oid = attrelid AND relnamespace = n.oid"
    cases = (
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'golden'",
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'golden' ORDER BY table_name LIMIT 10",
        f"SELECT attname FROM {nested} WHERE relname = 'golden'",
        f"SELECT a.attname FROM {listed} WHERE {joined} AND relname = 'golden'",
    )

    assert {sql: [row[0] for row in ask.rows(sql)[:4]] for sql in cases} == dict.fromkeys(cases, named)
    assert ask.rows("SELECT count(*), max(attnum) FROM pg_attribute WHERE attrelid = 'golden'::regclass")[0][0] > 4
    assert ask.rows("SELECT DISTINCT table_name FROM information_schema.columns WHERE table_name = 'golden'") == [
        ("golden",)
    ]
    by_name = "SELECT attname FROM pg_attribute WHERE attrelid = 'golden'::regclass ORDER BY 1 LIMIT 1"
    assert ask.rows(by_name) == [("_async_scoring_state",)]


def test_the_session(ask):
    assert ask.rows("select version()")[0][0].startswith("PostgreSQL 15")
    assert ask.rows("select current_schema")[0] == ("project_logs",)
    assert ask.rows("select pg_backend_pid() as pid") == [(42,)]
    assert ask.rows("select current_database(), session_user, inet_server_addr()") == [("btql", "ann", None)]
    assert ask.rows("select set_config('application_name', 'it', false)") == [("it",)]
    assert ask.settings == {"application_name": "it"}
    assert ask.rows("select set_config('Application_name', 'there', true)") == [("there",)]
    assert ask.local == [False, True]
    assert ask.rows("select set_config('application_name', 'it', false)") == [("it",)]
    assert ask.rows("select current_setting('application_name'), current_setting('none.such', true)") == [("it", None)]
    assert ("it",) in ask.rows("select setting from pg_settings where name = 'application_name'")
    with pytest.raises(Refused, match="set_config takes the name"):
        ask.rows("select set_config('application_name', 'it')")
    with pytest.raises(Refused, match="unrecognized") as refused:
        ask.rows("select current_setting('none.such')")
    assert refused.value.sqlstate == "42704"


def test_parameters(ask):
    sql = "SELECT relname FROM pg_class WHERE oid = $1::regclass AND relkind = ANY($2) AND relnatts > $3 LIMIT $4"

    described = ask.catalog.describe(sql, ask.directory, ask.session)

    assert [each.name for each in described.parameters] == ["regclass", "_text", "int2", "int8"]
    assert described.schema.names == ["relname"]
    assert ask.rows(sql, "demo", ["r", "v"], 3, 5) == [("demo",)]
    assert ask.rows("SELECT $1::text || current_user", "it's ") == [("it's ann",)]
    with pytest.raises(Refused, match=r"no parameter \$2"):
        ask.rows("SELECT oid FROM pg_class WHERE oid = $2", 1)
    given = ask.catalog.describe("SELECT $1, current_user", ask.directory, ask.session, types=(23,))
    assert [each.name for each in given.parameters] == ["int4"]
    ask.catalog.describe("select set_config('application_name', 'described', false)", ask.directory, ask.session)
    assert "described" not in ask.settings.values()


def test_what_asyncpg_asks_of_types(ask):
    sql = "WITH RECURSIVE typeinfo_tree(oid) AS (SELECT … WHERE ti.oid = any($1::oid[])) SELECT * FROM typeinfo_tree"

    answer = ask.catalog.run(sql, ask.directory, ask.session, parameters=([3807, 23, 999_999],))

    rows = answer.table.to_pylist()
    assert [(row["oid"], row["name"], row["elemtype"], row["depth"]) for row in rows] == [
        (3802, "jsonb", 0, 1), (3807, "_jsonb", 3802, 0), (23, "int4", 0, 0)
    ]  # fmt: skip
    assert answer.table.schema.field("attrtypoids").type == pa.list_(pa.uint32())
    assert answer.types[0].name == "oid"


def test_tables_come_and_go(ask_alone):
    ask, connection = ask_alone
    before = ask.rows(TABLES)
    numbers = dict(ask.rows("SELECT relname, oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 15001"))

    connection.ingest("dataset:new", [{"id": "1"}])

    assert ask.rows(TABLES) == sorted([*before, ("dataset", "new")])
    again = Catalog()
    try:
        table = again.run("SELECT oid FROM pg_class WHERE relname = 'demo'", ask.directory, Session()).table
    finally:
        again.close()
    # Clients keep numbers; they are the same in every process.
    assert numbers["demo"] in table.column(0).to_pylist()


def test_paths_that_rows_have(ask_alone):
    ask, connection = ask_alone
    connection.ingest(
        "dataset:golden", [{"id": "2", "metadata": {"my model": "a", "n": 1}}, {"id": "3", "metadata": {"n": "x"}}]
    )
    of_golden = "SELECT path, kinds FROM information_schema.paths WHERE table_name = 'golden' AND path LIKE 'metadata%'"
    everything = ask.rows("SELECT DISTINCT table_schema, table_name FROM information_schema.paths ORDER BY 1, 2")

    assert ask.rows(f"{of_golden} ORDER BY path") == [
        ("metadata", []), ('metadata."my model"', ["text"]), ("metadata.n", ["integer", "text"])
    ]  # fmt: skip
    assert everything == ask.rows(TABLES)
    # What was written since is there.
    connection.ingest("dataset:golden", [{"id": "4", "metadata": {"late": True}}])
    assert ("metadata.late", ["boolean"]) in ask.rows(of_golden)
    joined = (
        "SELECT count(*) > 0 FROM information_schema.paths p JOIN information_schema.tables t USING (table_name)"
        " WHERE p.table_schema = 'dataset'"
    )
    assert ask.rows(joined) == [(True,)]
    described = ask.catalog.describe(f"{of_golden} AND table_schema = $1", ask.directory, ask.session)
    assert described.schema.names == ["path", "kinds"]


def test_paths_are_of_tables_that_may_be_read(ask):
    class Few(Everything):
        def listed(self):
            return [each for each in super().listed() if each.object.name == "golden"]

    few = Few(ask.directory._storage)

    def seen(condition):
        sql = f"SELECT DISTINCT table_name FROM information_schema.paths WHERE {condition}"
        return ask.catalog.run(sql, few, ask.session).table.column(0).to_pylist()

    assert seen("true") == ["golden"]
    assert seen("table_name = 'demo'") == []
    assert seen("table_name <> 'demo'") == ["golden"]
    assert seen("table_name = 'demo' OR table_name = 'golden'") == ["golden"]
    assert seen("table_schema = 'dataset' AND table_name = 'golden'") == ["golden"]
    assert seen("NOT table_name = 'demo'") == ["golden"]


def test_everybody_sees_what_they_may_read_and_nothing_else(ask):
    class Few(Everything):
        def listed(self):
            return [each for each in super().listed() if each.object.name == "golden"]

    class Renamed(Everything):
        def listed(self):
            return [Listed(each.object, f"named {each.object.id}") for each in super().listed()]

    storage = ask.directory._storage

    def seen(directory, sql=TABLES):
        return ask.catalog.run(sql, directory, ask.session).table.to_pylist()

    everything = seen(ask.directory)
    assert seen(Few(storage)) == [{"nspname": "dataset", "relname": "golden"}]
    with pytest.raises(Refused, match="does not exist"):
        seen(Few(storage), "SELECT 'demo'::regclass")
    demo = ask.rows("SELECT 'demo'::regclass::oid")[0][0]
    assert seen(Few(storage), f"SELECT {demo}::regclass::text AS name") == [{"name": str(demo)}]
    for relation in ("pg_attribute WHERE attrelid", "pg_index WHERE indrelid", "pg_constraint WHERE conrelid"):
        assert seen(Few(storage), f"SELECT 1 FROM {relation} = {demo}") == []
    for view in ("tables", "columns", "table_privileges", "key_column_usage", "table_constraints"):
        names = seen(
            Few(storage), f"SELECT DISTINCT table_name FROM information_schema.{view} WHERE table_schema !~ '_'"
        )
        assert names == [{"table_name": "golden"}]
    assert all(row["relname"].startswith("named ") for row in seen(Renamed(storage)))
    assert seen(ask.directory) == everything


def test_nothing_is_loaded_before_it_is_needed():
    code = (
        "import sys\n"
        "from btql_server.pgwire.catalog.catalog import Catalog\n"
        "from btql_server.pgwire.catalog.session_values import Session\n"
        "catalog = Catalog()\n"
        "assert catalog.answers('select * from pg_class') and not catalog.answers('select 1')\n"
        "catalog.run('select version()', None, Session())\n"
        "print(sorted({'duckdb', 'sqlglot'} & sys.modules.keys()))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
