"""Queries that are stopped: by cancelling, by a timeout, by a client that vanishes; and who is served meanwhile."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import psycopg
import pytest
from server_support.endless import ENDLESS, LONG, RUNAWAY
from server_support.loops import run
from server_support.processes import children, resident_bytes
from server_support.waiting import eventually

TLS = pytest.mark.parametrize("mode", ["disable", "require"])


@TLS
@pytest.mark.parametrize("how", ["cancel", "cancel_safe"])
def test_a_query_is_cancelled_from_another_thread(door, mode, how):
    with door.connect(sslmode=mode) as conn:
        begun = door.one_more_runs()
        with ThreadPoolExecutor() as threads:
            asked = threads.submit(conn.execute, LONG)
            eventually(begun)
            getattr(conn, how)()
            with pytest.raises(psycopg.errors.QueryCanceled) as raised:
                asked.result()
        assert raised.value.sqlstate == "57014"
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_query_is_cancelled_while_it_is_read(door):
    with door.connect(sslmode="require") as conn, conn.cursor() as cursor:
        stream = cursor.stream(ENDLESS, size=1)
        assert len(list(islice(stream, 5))) == 5
        conn.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            deque(stream, maxlen=0)
        assert conn.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("sql", ["MOVE ALL IN c", "FETCH RELATIVE 1000000000 FROM c"])
def test_rows_that_are_left_out_are_cancelled_too(door, sql):
    with door.connect() as conn, ThreadPoolExecutor() as threads:
        # It ends in any case, but not by the client's request.
        conn.execute("SET statement_timeout = '20s'")
        conn.execute(f"BEGIN; DECLARE c CURSOR FOR {ENDLESS}")
        asked = threads.submit(conn.execute, sql)

        def cancelled() -> bool:
            conn.cancel_safe()
            return asked.done()

        eventually(cancelled)
        with pytest.raises(psycopg.errors.QueryCanceled, match="user request"):
            asked.result()


def test_a_timeout_and_then_other_queries(conn, door):
    conn.execute("SET statement_timeout = 300")
    began = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled, match="time limit"):
        conn.execute(LONG)
    assert time.monotonic() - began < 30
    assert conn.execute("SELECT 1").fetchone() == (1,)
    conn.execute("SET statement_timeout = 0")
    with door.connect() as other:
        assert other.execute("SELECT count(*) > 1 FROM demo").fetchone() == (True,)


def test_a_client_that_vanishes_holds_up_nobody(door):
    conn = door.connect()
    with conn.cursor() as cursor:
        for _ in cursor.stream(ENDLESS, size=1):
            break_off(conn)
            break
    with door.connect() as other:
        assert other.execute("SELECT 1").fetchone() == (1,)
    waiting = door.connect()
    thread = threading.Thread(target=_ask, args=(waiting, RUNAWAY))
    thread.start()
    time.sleep(0.3)
    break_off(waiting)
    thread.join(60)
    assert not thread.is_alive()
    # The engine may go on with that join for a while (docs/adr/0016); everybody else is served.
    with door.connect() as other:
        assert other.execute("SELECT count(*) > 1 FROM demo").fetchone() == (True,)


def test_a_reader_that_is_slow_takes_no_memory(door):
    worker = children(door.pid)["worker-1"]
    with door.connect() as conn, conn.cursor() as cursor:
        stream = cursor.stream(ENDLESS, size=1)
        assert len(list(islice(stream, 5))) == 5
        before = resident_bytes(worker)
        time.sleep(3)
        grown = resident_bytes(worker) - before
        assert len(list(islice(stream, 5))) == 5
        conn.cancel_safe()
        with pytest.raises(psycopg.errors.QueryCanceled):
            deque(stream, maxlen=0)

    assert grown < 100 << 20


def break_off(conn):
    """End a connection as a machine that is switched off does, without a word."""
    with socket.socket(fileno=os.dup(conn.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


def _ask(conn, text):
    with pytest.raises(psycopg.OperationalError):
        conn.execute(text)


def test_asynchronous_connections(door):
    async def use():
        async with await psycopg.AsyncConnection.connect(**door.address, sslmode="require", autocommit=True) as conn:
            row = await (await conn.execute("SELECT count(*) FROM demo WHERE input.n < %s", [7])).fetchone()
            async with conn.pipeline():
                first, second = await conn.execute("SELECT 1"), await conn.execute("SELECT 2")
            piped = [await first.fetchone(), await second.fetchone()]
            # Behind the pipeline: after a stream psycopg begins none, neither here nor with PostgreSQL.
            async with conn.cursor() as cursor:
                rows = [row async for row in cursor.stream("SELECT id FROM demo ORDER BY id LIMIT 3")]
            async with conn.transaction(), conn.cursor("named") as named:
                await named.execute("SELECT id FROM demo ORDER BY id")
                named_rows = await named.fetchmany(2)
            async with conn.cursor() as cursor, cursor.copy("COPY (SELECT 1, 'x') TO STDOUT") as copy:
                copied = [row async for row in copy.rows()]
            # psycopg cancels the query of a task that is cancelled.
            begun = door.one_more_runs()
            task = asyncio.create_task(conn.execute(LONG))
            await asyncio.to_thread(eventually, begun)
            task.cancel()
            with pytest.raises((asyncio.CancelledError, psycopg.errors.QueryCanceled)):
                await task
            await conn.cancel_safe()
            after = await (await conn.execute("SELECT 42")).fetchone()
        return row, rows, piped, named_rows, copied, after

    row, rows, piped, named_rows, copied, after = run(use())
    assert row == (7,)
    assert rows == [("r000",), ("r001",), ("r002",)]
    assert piped == [(1,), (2,)]
    assert named_rows == [("r000",), ("r001",)]
    assert copied == [("1", "x")]
    assert after == (42,)
