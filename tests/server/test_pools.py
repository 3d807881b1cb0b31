"""Threads for handlers."""

import asyncio
import gc
import threading
import weakref

import pytest
from server_support.loops import run

from btql_server.http.errors import HttpError
from btql_server.http.pools import Pool, Pools


class Body:
    """Stands for what a request has sent."""


def refuse(body):
    assert isinstance(body, Body)
    raise ValueError("not like this")


def test_what_a_refused_request_has_sent_goes_without_the_garbage_collector():
    pool = Pool("write", 1, 1, lambda *_: None)

    async def ask():
        body = Body()
        seen = weakref.ref(body)
        with pytest.raises(ValueError, match="not like this"):
            await pool.run(refuse, body)
        return seen

    gc.disable()
    try:
        seen = run(ask())
        pool.close()
        assert seen() is None
    finally:
        gc.enable()


def test_exports_that_have_begun_go_on_while_others_wait_to_begin():
    pools = Pools(lambda *_: None)
    ended = threading.Event()

    async def ask():
        pool = pools["bulk"]
        beginning = [asyncio.create_task(pool.run(ended.wait, 60)) for _ in range(33)]
        await asyncio.sleep(0)
        with pytest.raises(HttpError, match="33 bulk requests are waiting"):
            await pool.run(str)
        going_on = await asyncio.wait_for(asyncio.gather(*(pool.go_on(str, number) for number in range(100))), 30)
        ended.set()
        await asyncio.gather(*beginning)
        return going_on

    try:
        assert run(ask()) == [str(number) for number in range(100)]
    finally:
        ended.set()
        pools.close()
