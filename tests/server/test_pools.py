"""Threads for handlers."""

import gc
import weakref

import pytest
from server_support.loops import run

from btql_server.http.pools import Pool


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
