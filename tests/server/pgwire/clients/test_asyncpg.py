"""asyncpg: prepared statements in the binary format throughout, arrays, cursors, pools, COPY."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import math
import ssl
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from server_support.endless import ENDLESS, LONG
from server_support.loops import run
from server_support.pg import ROWS, USER

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@pytest.fixture
def connect(door):
    """A function that opens a connection; without TLS unless told otherwise."""

    @asynccontextmanager
    async def connect(**more):
        options: dict[str, Any] = {"ssl": False, "timeout": 60, **more}
        conn = await asyncpg.connect(
            host=door.host,
            port=door.port,
            user=USER,
            password=door.key,
            database="btql",
            **options,
        )
        try:
            yield conn
        finally:
            await conn.close(timeout=10)

    return connect


def test_values(connect):
    async def ask():
        async with connect() as conn:
            row = await conn.fetchrow(
                "SELECT 1 AS i, 0.5 AS f, 'inf'::float AS inf, 'NaN'::float AS nan, true AS b, NULL AS n, '' AS e, "
                "'naïve ☂ 天気' AS u, '2026-11-26T12:34:56.789012Z'::timestamptz AS t"
            )
            table = await conn.fetch(
                "SELECT id, created, tags, input, metrics.tokens, scores FROM demo ORDER BY id LIMIT 2"
            )
            everything = await conn.fetch("SELECT * FROM demo")
            return dict(row), [tuple(each) for each in table], everything

    row, table, everything = run(ask())
    assert math.isnan(row.pop("nan"))
    assert row == {
        "i": 1,
        "f": 0.5,
        "inf": math.inf,
        "b": True,
        "n": None,
        "e": "",
        "u": "naïve ☂ 天気",
        "t": dt.datetime(2026, 11, 26, 12, 34, 56, 789012, dt.UTC),
    }
    assert table[0][:3] == ("r000", START, ["even", 'with "quotes", {braces}'])
    assert [json.loads(each[3]) for each in table] == [{"n": 0, "text": ""}, {"n": 1, "text": "naïve ☂ 天気"}]
    assert [each[4:] for each in table] == [("0", None), ("10", '{"Factuality":0.1}')]
    assert len(everything) == ROWS


def test_parameters_and_prepared_statements(connect):
    async def ask():
        async with connect() as conn:
            prepared = await conn.prepare(
                "SELECT id, input.n AS n FROM demo WHERE input.n >= $1 AND id < $2 ORDER BY id"
            )
            kinds = [each.name for each in prepared.get_parameters()]
            columns = [(each.name, each.type.name) for each in prepared.get_attributes()]
            found = [tuple(each) for each in await prepared.fetch(2, "r004")]
            again = await prepared.fetchval(7, "r9", column=1)
            await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
            asked = {
                "arrays": await conn.fetch(
                    "SELECT id FROM demo WHERE id = ANY($1::text[]) ORDER BY id", ["r1", "r001"]
                ),
                "numbers": await conn.fetch("SELECT id FROM demo WHERE input.n = ANY($1::int8[])", [3]),
                "times": await conn.fetch("SELECT id FROM demo WHERE created = $1", START),
                "mixed": await conn.fetchrow(
                    "SELECT $1::text, $2::int8, $3::float8, $4::bool, $5::timestamptz, $6::jsonb, $7::text",
                    "☂",
                    5,
                    0.5,
                    False,
                    START,
                    {"a": [1]},
                    None,
                ),
                "limit": await conn.fetch("SELECT id FROM demo ORDER BY id LIMIT $1", 2),
            }
            return kinds, columns, found, again, asked

    kinds, columns, found, again, asked = run(ask())
    assert kinds[1] == "text"
    assert columns == [("id", "text"), ("n", "int8")]
    assert found == [("r002", 2), ("r003", 3)]
    assert again == 7
    assert [each["id"] for each in asked["arrays"]] == ["r001"]
    assert [each["id"] for each in asked["numbers"]] == ["r003"]
    assert [each["id"] for each in asked["times"]] == ["r000"]
    assert tuple(asked["mixed"]) == ("☂", 5, 0.5, False, START, {"a": [1]}, None)
    assert len(asked["limit"]) == 2


CALLED = [
    ("left(id, $1)", ["int8"], [2], "r0"),
    ("split_part(id, $1, $2)", ["text", "int8"], ["r", 2], "000"),
    ("lpad(id, $1, $2)", ["int8", "text"], [6, "x"], "xxr000"),
    ("round(scores.Factuality + 0.26, $1)", ["int8"], [1], None),
    ("abs($1) + sqrt($2)", ["float8", "float8"], [-1.5, 4], 3.5),
    ("date_bin($1, created)", ["interval"], [dt.timedelta(days=1)], START),
    ("date_bin($1, created, $2)", ["interval", "timestamptz"], [dt.timedelta(hours=7), START], START),
    ("date_trunc($1, created)", ["text"], ["month"], START),
]


@pytest.mark.parametrize(("call", "kinds", "values", "expected"), CALLED, ids=[each[0] for each in CALLED])
def test_parameters_of_functions_have_the_types_that_those_take(connect, call, kinds, values, expected):
    async def ask():
        async with connect() as conn:
            prepared = await conn.prepare(f"SELECT {call} FROM demo ORDER BY id LIMIT 1")
            return [each.name for each in prepared.get_parameters()], await prepared.fetchval(*values)

    assert run(ask()) == (kinds, expected)


def test_numbers_are_written_as_numbers(connect):
    async def ask():
        async with connect() as conn:
            await conn.execute(
                "INSERT INTO project_logs.asyncpg_numbers (id, metrics.n, scores.s) VALUES ($1, $2, $3)", "a", 7, 0.5
            )
            await conn.execute("UPDATE project_logs.asyncpg_numbers SET metrics.m = $1 WHERE id = $2", 1.5, "a")
            return await conn.fetchval("SELECT metrics.n + metrics.m + scores.s FROM project_logs.asyncpg_numbers")

    assert run(ask()) == 9


WHERE = [
    ("id = $1", "w"),
    ("id = ANY($1)", ["v", "w"]),
    ("metadata.n = $1", 4),
    ("metadata.n = ANY($1)", [4, 5]),
    ("scores.s = ANY($1)", [0.5]),
    ("metadata.b = $1", True),
    ("metadata.id = $1::uuid", UUID(int=7)),
    ("created = $1", START),
    ("created > $1::timestamptz - $2", START, dt.timedelta(days=1)),
    ("metrics.not_there_yet > $1 OR true", 1),
    ("scores.s = $1", 0.5),
    ("scores.s = $1", Decimal("0.5")),
    ("tags @> $1", ["x"]),
    ("tags && $1", ["x", "z"]),
    ("tags ?& $1", ["x", "y"]),
    ("metadata ?| $1", ["n", "z"]),
    ("$1 = ANY(tags)", "y"),
    ("metadata @> $1", {"n": 4}),
    ("$1::text IS NULL OR id = $1", None),
    ("CASE WHEN id = $1 THEN $2 ELSE $3 END = 'yes'", "w", "yes", "no"),
]


@pytest.mark.parametrize("asked", WHERE, ids=[each[0] for each in WHERE])
def test_values_are_what_they_are_compared_with(connect, asked):
    condition, *values = asked
    table = "project_logs.asyncpg_where"

    async def ask():
        async with connect() as conn:
            await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
            await conn.execute(
                f"INSERT INTO {table} (id, created, tags, metadata, scores.s) VALUES ($1, $2, $3, $4, $5)",
                *("w", START, ["x", "y"], {"n": 4, "b": True, "id": str(UUID(int=7))}, 0.5),
            )
            return [each["id"] for each in await conn.fetch(f"SELECT id FROM {table} WHERE {condition}", *values)]

    assert run(ask()) == ["w"]


def test_fields_of_json_are_written_as_such(connect):
    table = "project_logs.asyncpg_json"

    async def ask():
        async with connect() as conn:
            statement = f"INSERT INTO {table} (id, metadata, scores, tags, input) VALUES ($1, $2, $3, $4, $5)"
            await conn.execute(statement, "a", '{"k": [1]}', None, None, "a text")
            with pytest.raises(asyncpg.InvalidParameterValueError, match="`metadata` is not an object"):
                await conn.execute(statement, "b", "[1]", None, None, None)
            await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
            await conn.execute(statement, "b", {"k": {"l": None}}, {"s": 1}, [], None)
            await conn.execute(f"UPDATE {table} SET input = $1::jsonb, tags = $2 WHERE id = 'b'", {"q": 1}, ["t"])
            found = await conn.fetch(f"SELECT id, metadata, scores, tags, input FROM {table} ORDER BY id")
            return [tuple(each) for each in found]

    assert run(ask()) == [
        ("a", {"k": [1]}, None, None, "a text"),
        ("b", {"k": {"l": None}}, {"s": 1}, ["t"], {"q": 1}),
    ]


def test_cursors(connect):
    async def ask():
        async with connect() as conn, conn.transaction(readonly=True):
            numbers = [row["n"] async for row in conn.cursor("SELECT input.n AS n FROM demo ORDER BY id", prefetch=70)]
            cursor = await conn.cursor("SELECT id FROM demo WHERE id > $1 ORDER BY id", "r4")
            first = await cursor.fetchrow()
            skipped = await cursor.forward(10)
            some = await cursor.fetch(2)
            # An endless answer is read as far as it is wanted.
            endless = await conn.cursor(ENDLESS)
            return numbers, first["id"], skipped, [row["id"] for row in some], len(await endless.fetch(300))

    numbers, first, skipped, some, endless = run(ask())
    assert numbers == list(range(ROWS))
    assert (first, skipped, some) == ("r400", 10, ["r411", "r412"])
    assert endless == 300


def test_a_pool_resets_what_was_set(door):
    async def ask():
        async with asyncpg.create_pool(
            host=door.host,
            port=door.port,
            user=USER,
            password=door.key,
            database="btql",
            ssl=False,
            min_size=1,
            max_size=2,
        ) as pool:
            async with pool.acquire() as conn:
                await conn.execute("SET statement_timeout = '1234ms'")
                first = await conn.fetchval("SHOW statement_timeout")
            async with pool.acquire() as conn:
                second = await conn.fetchval("SHOW statement_timeout")
            many = await asyncio.gather(*(pool.fetchval("SELECT $1::int8 + 1", n) for n in range(8)))
            return first, second, many

    first, second, many = run(ask())
    assert (first, second) == ("1234ms", "0")
    assert many == list(range(1, 9))


def test_copy_out_and_in(connect):
    async def ask():
        out = bytearray()

        async def write(data):
            out.extend(data)

        async with connect() as conn:
            # asyncpg looks at the columns first, so there has to be an object.
            await conn.execute("INSERT INTO project_logs.asyncpg_copy (id) VALUES ('0')")
            told = [
                await conn.copy_from_query(
                    "SELECT id, input.n FROM demo WHERE id < $1 ORDER BY id", "r002", output=write
                ),
                await conn.copy_from_query("SELECT id FROM demo", output=write, format="binary"),
                await conn.copy_records_to_table(
                    "asyncpg_copy",
                    schema_name="project_logs",
                    columns=["id", "tags", "created"],
                    records=[("a", ["x"], START), ("b", None, START)],
                ),
            ]
            rows = await conn.fetch(
                "SELECT id, tags, created FROM project_logs.asyncpg_copy WHERE id > '0' ORDER BY id"
            )
            return bytes(out), told, [tuple(row) for row in rows]

    out, told, rows = run(ask())
    assert out.startswith(b"r000\t0\nr001\t1\nPGCOPY\n\xff")
    assert told == ["COPY 2", f"COPY {ROWS}", "COPY 2"]
    assert rows == [("a", ["x"], START), ("b", None, START)]


def test_errors_transactions_and_cancelling(connect):
    async def ask():
        async with connect() as conn:
            with pytest.raises(asyncpg.UndefinedFunctionError) as raised:
                await conn.fetch("SELECT lenght(id) FROM demo")
            error: Any = raised.value
            position, hint = error.position, error.hint
            with pytest.raises(asyncpg.UndefinedFunctionError):
                async with conn.transaction():
                    await conn.fetch("SELECT lenght(id) FROM demo")
            await conn.execute("BEGIN")
            with pytest.raises(asyncpg.UndefinedFunctionError):
                await conn.execute("SELECT nothing(1)")
            with pytest.raises(asyncpg.InFailedSQLTransactionError):
                await conn.fetch("SELECT 1")
            await conn.execute("ROLLBACK")
            with pytest.raises(asyncio.TimeoutError):
                await conn.fetch(LONG, timeout=0.4)
            return position, hint, await conn.fetchval("SELECT 42")

    assert run(ask()) == ("8", "did you mean `length`?", 42)


def test_btql_with_every_mark(connect):
    async def ask():
        async with connect() as conn:
            text = (
                "from: project_logs('demo') | select: id, (input.n > $1 ? 'a;b' : 'c%d') as kind | sort: id | limit: 2"
            )
            shaped = 'from: project_logs(\'demo\') | select: {"n": input.n, "id": id} as x | sort: id | limit: 1;'
            return [tuple(row) for row in await conn.fetch(text, 0)], json.loads(await conn.fetchval(shaped))

    rows, shaped = run(ask())
    assert rows == [("r000", "c%d"), ("r001", "a;b")]
    assert shaped == {"n": 0, "id": "r000"}


def test_tls(door, connect):
    trusting = ssl.create_default_context(cafile=str(door.authority))
    # Who begins with TLS at once has to say what will be spoken.
    trusting.set_alpn_protocols(["postgresql"])
    for options in ({"ssl": "require"}, {"ssl": trusting}, {"ssl": trusting, "direct_tls": True}):

        async def ask(options=options):
            async with connect(**options) as conn:
                return await conn.fetchval("SELECT 1")

        assert run(ask()) == 1
    with pytest.raises(asyncpg.InvalidPasswordError):
        run(_refused(door))


async def _refused(door):
    await asyncpg.connect(host=door.host, port=door.port, user=USER, password="sk-wrong", database="btql", ssl=False)
