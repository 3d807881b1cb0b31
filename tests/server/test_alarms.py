"""Timers that share one timer ring once, in time, and not when they were cancelled."""

from __future__ import annotations

import asyncio

from server_support.loops import run

from btql_server.http.alarms import TICK_S, alarms_of


def test_an_alarm_rings_once_and_in_time() -> None:
    async def wait() -> list[float]:
        loop = asyncio.get_running_loop()
        rang: list[float] = []
        began = loop.time()
        for delay in (3 * TICK_S, TICK_S):
            alarms_of(loop).call_later(delay, lambda: rang.append(loop.time() - began))
        await asyncio.sleep(8 * TICK_S)
        assert not alarms_of(loop).waiting
        return rang

    rang = run(wait())

    assert len(rang) == 2
    assert rang[0] >= TICK_S
    assert rang[1] >= 3 * TICK_S


def test_a_cancelled_alarm_does_not_ring() -> None:
    async def wait() -> list[str]:
        alarms = alarms_of(asyncio.get_running_loop())
        rang: list[str] = []
        over = asyncio.Event()
        first = alarms.call_later(TICK_S, lambda: rang.append("first"))
        alarms.call_later(2 * TICK_S, over.set)
        first.cancel()
        first.cancel()
        await over.wait()
        return rang

    assert run(wait()) == []


def test_an_alarm_may_set_another() -> None:
    async def wait() -> None:
        alarms = alarms_of(asyncio.get_running_loop())
        over = asyncio.Event()
        alarms.call_later(0, lambda: alarms.call_later(0, over.set))
        await over.wait()

    run(wait())


def test_an_alarm_that_fails_ends_no_other_wait() -> None:
    async def wait() -> list[str]:
        loop = asyncio.get_running_loop()
        told: list[str] = []
        loop.set_exception_handler(lambda _, context: told.append(str(context["exception"])))
        over = asyncio.Event()

        def fail() -> None:
            raise ValueError("this one")

        alarms_of(loop).call_later(0, fail)
        alarms_of(loop).call_later(2 * TICK_S, over.set)
        await asyncio.wait_for(over.wait(), 60)
        return told

    assert run(wait()) == ["this one"]
