"""The async twin: the same answers, while the loop goes on."""

from __future__ import annotations

import asyncio
import gc
import time

import pytest
from server_support.endless import LONG
from server_support.loops import run

import btql

MANY = "SELECT n FROM project_logs('many') ORDER BY n"


def test_statements_are_awaited(where):
    async def program():
        async with btql.connect_async(where) as conn, conn.cursor() as cursor:
            await cursor.execute(
                "SELECT id, metadata.n FROM project_logs('demo') WHERE metadata.n >= ? ORDER BY 1", [1]
            )
            assert [column[0] for column in cursor.description or ()] == ["id", "n"]
            assert await cursor.fetchone() == ("r1", 1)
            assert await cursor.fetchmany(2) == [("r2", 2), ("r3", 3)]
            assert (cursor.rowcount, cursor.rownumber) == (-1, 3)
            assert await cursor.fetchall() == [("r4", 4)]
            assert cursor.rowcount == 4
            await cursor.executemany("INSERT INTO project_logs('async') (id) VALUES (:id)", [{"id": "a"}, {"id": "b"}])
            assert cursor.rowcount == 2
            async with conn.execute("DELETE FROM project_logs('async')") as deleted:
                assert deleted.rowcount == 2
            assert await (await conn.execute(MANY)).fetchone() == (0,)
            assert await cursor.callproc("lower", ["X"]) == ["X"]
            assert [row async for row in cursor] == [("x",)]
            await conn.commit()

    run(program())


def test_what_is_left_comes_in_any_form(where):
    async def program():
        async with btql.connect_async(where) as conn, conn.cursor() as cursor:
            numbers = [row[0] async for row in await cursor.execute(MANY)]
            assert numbers == list(range(3_000))
            for fetch in (cursor.fetch_arrow_table, cursor.fetch_polars, cursor.fetch_df):
                await cursor.execute(MANY)
                assert await cursor.fetchone() == (0,)
                assert len(await fetch()) == 2_999
            await cursor.execute(MANY)
            assert await cursor.fetchmany(2) == [(0,), (1,)]
            sizes = [batch.num_rows async for batch in cursor.fetch_record_batches()]
            assert sum(sizes) == 2_998

    run(program())


def test_the_loop_goes_on_and_statements_run_side_by_side(where):
    async def program():
        async with btql.connect_async(where) as conn:
            slow = asyncio.ensure_future(fetched(conn))
            await asyncio.sleep(0)
            quick = [await (await conn.execute("SELECT ? AS n", [n])).fetchall() for n in range(3)]
            assert quick == [[(n,)] for n in range(3)]
            assert not slow.done()
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow

    async def fetched(conn):
        return await (await conn.execute(LONG)).fetchall()

    run(program())


def test_a_task_that_is_cancelled_cancels_its_statement(where):
    async def program():
        async with btql.connect_async(where) as conn, conn.cursor() as cursor:

            async def ask():
                await cursor.execute(LONG)
                await cursor.fetchall()

            began = time.monotonic()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask(), 0.2)
            assert time.monotonic() - began < 10
            assert await (await cursor.execute("SELECT 1 AS one")).fetchall() == [(1,)]

    run(program())


def test_cancel_and_timeout_are_those_of_a_cursor(where):
    async def program():
        async with btql.connect_async(where, timeout=0.2) as conn, conn.cursor() as cursor:
            with pytest.raises(btql.TimeLimit):
                await (await cursor.execute(LONG)).fetchall()
            with pytest.raises(btql.TimeLimit):
                await (await conn.query(LONG)).rows()
            cursor.timeout = None
            asyncio.get_running_loop().call_later(0.2, cursor.cancel)
            with pytest.raises(btql.Cancelled):
                await (await cursor.execute(LONG)).fetchall()

    run(program())


def test_errors_are_the_same(where):
    async def program():
        conn = await btql.connect_async(where)
        with pytest.raises(btql.ProgrammingError, match="unknown function"):
            await conn.execute("SELECT nothing(1)")
        await conn.close()
        with pytest.raises(btql.InterfaceError):
            conn.cursor()
        with pytest.raises(btql.Error):
            await btql.connect_async("/nowhere/at/all", create=False)

    run(program())


def test_a_result_is_awaited_in_any_form(where):
    async def program():
        async with btql.connect_async(where) as conn:
            first = await conn.query("SELECT n FROM project_logs('many') WHERE n < ? ORDER BY n", [2])
            assert (first.columns, first.schema.names) == (["n"], ["n"])
            assert await first.rows() == [{"n": 0}, {"n": 1}]
            async with conn.query(MANY) as result:
                assert [row["n"] async for row in result] == list(range(3_000))
            async with conn.query(MANY) as result:
                assert sum([batch.num_rows async for batch in result.batches()]) == 3_000
            assert (await (await conn.query(MANY)).arrow()).num_rows == 3_000
            assert len(await (await conn.query(MANY)).to_pandas()) == 3_000
            assert len(await (await conn.query(MANY)).to_polars()) == 3_000
            written = await conn.query("INSERT INTO project_logs('async') (id) VALUES ('a')")
            assert written.rows_written == 1
            await conn.execute("DELETE FROM project_logs('async')")
            pivot = (
                "measures: count(1) as c | dimensions: id, n | pivot: c | from: project_logs('many') | filter: n < 2"
            )
            pivoted = await conn.query(pivot)
            assert len(pivoted.columns) > 1
            await pivoted.close()

    run(program())


def test_the_pages_of_a_result_go_on(where):
    async def program():
        async with btql.connect_async(where) as conn:
            if str(where).startswith("grpc"):
                with pytest.raises(btql.NotSupportedError, match="do not go over Flight SQL"):
                    await conn.query("select: id | from: project_logs('demo')", cursor="any")
                return
            first = await conn.query("select: id | from: project_logs('demo') | limit: 3")
            rows = await first.rows()
            second = await conn.query("select: id | from: project_logs('demo') | limit: 3", cursor=first.cursor)
            rows += await second.rows()
            assert sorted(str(row["id"]) for row in rows) == ["r0", "r1", "r2", "r3", "r4"]

    run(program())


def test_a_query_that_nobody_waits_for_is_stopped(where):
    async def program():
        async with btql.connect_async(where) as conn:

            async def ask(**options):
                async with conn.query(LONG, **options) as result:
                    await result.rows()

            began = time.monotonic()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask(), 0.2)
            with pytest.raises(btql.TimeLimit):
                await ask(timeout=0.2)
            assert time.monotonic() - began < 10

    run(program())


def test_a_result_is_cancelled_and_closed_before_its_end(tmp_path):
    async def program():
        async with btql.connect_async(tmp_path) as conn:
            result = await conn.query(LONG)
            asyncio.get_running_loop().call_later(0.2, result.cancel)
            with pytest.raises(btql.Cancelled):
                await result.rows()
            began = time.monotonic()
            async with conn.query(LONG):
                pass
            assert time.monotonic() - began < 10

    run(program())


def test_what_is_closed_says_so_and_may_be_closed_again(where):
    async def program():
        conn = await btql.connect_async(where)
        cursor = await conn.execute(MANY)
        result = await conn.query(MANY)
        await conn.close()
        for again in (conn.close, cursor.close, result.close):
            await again()
        for use in (lambda: conn.execute(MANY), lambda: conn.call(len, "a"), result.rows, cursor.fetchall):
            with pytest.raises(btql.InterfaceError, match=r"is closed"):
                await use()

    run(program())


def test_a_statement_that_nobody_waits_for_leaves_no_complaint_behind(where):
    complaints: list[object] = []

    async def program():
        asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
        async with btql.connect_async(where) as conn, conn.cursor() as cursor:

            async def ask():
                await cursor.execute(LONG)
                await cursor.fetchall()

            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ask(), 0.2)
        gc.collect()

    run(program())
    assert complaints == []
