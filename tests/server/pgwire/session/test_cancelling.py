"""Cancel requests that reach another worker than that of the session."""

from __future__ import annotations

import asyncio

from server_support import loops

from btql_server.operating.shared_counts import FOLDER
from btql_server.pgwire.cancelling import Cancelling


def test_a_request_finds_the_worker_of_its_session(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))

    async def run() -> list[str]:
        workers = [Cancelling(number) for number in (1, 2)]
        cancelled: list[str] = []
        told = asyncio.Event()

        def cancel() -> None:
            cancelled.append("second")
            told.set()

        for each in workers:
            each.open()
        number, secret = workers[1].register(cancel, long=True)
        workers[0].cancel(number, secret[:-1] + bytes([secret[-1] ^ 1]))
        workers[0].cancel(number, secret)
        workers[0].cancel(7 << 20, secret)
        workers[0].cancel(-1, b"")
        await asyncio.wait_for(told.wait(), 20)
        workers[1].forget(number)
        workers[1].cancel(number, secret)
        # A worker that is started again takes the place of the one before.
        again = Cancelling(2)
        again.open()
        for each in (*workers, again):
            each.close()
        return cancelled

    assert loops.run(run()) == ["second"]
