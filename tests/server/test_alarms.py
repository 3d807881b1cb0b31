"""Timers that share one timer ring once, in time, and not when they were cancelled."""

from __future__ import annotations

import asyncio

from server_support.loops import run

from btql_server.http.alarms import TICK_S, alarms_of


def test_an_alarm_rings_once_and_in_time() -> None:
    async def wait() -> tuple[list[float], float]:
        loop = asyncio.get_running_loop()
        rang: list[float] = []
        began = loop.time()
        for delay in (3 * TICK_S, TICK_S):
            alarms_of(loop).call_later(delay, lambda: rang.append(loop.time() - began))
        while alarms_of(loop).waiting:
            await asyncio.sleep(TICK_S / 4)
        await asyncio.sleep(3 * TICK_S)
        return rang, TICK_S

    rang, tick = run(wait())

    assert len(rang) == 2
    assert rang[0] >= tick
    assert rang[1] >= 3 * tick


def test_a_cancelled_alarm_does_not_ring() -> None:
    async def wait() -> list[str]:
        alarms = alarms_of(asyncio.get_running_loop())
        rang: list[str] = []
        first = alarms.call_later(TICK_S, lambda: rang.append("first"))
        alarms.call_later(2 * TICK_S, lambda: rang.append("second"))
        first.cancel()
        first.cancel()
        while alarms.waiting:
            await asyncio.sleep(TICK_S / 4)
        return rang

    assert run(wait()) == ["second"]


def test_an_alarm_may_set_another_and_cancel_one_that_is_due() -> None:
    async def wait() -> list[str]:
        alarms = alarms_of(asyncio.get_running_loop())
        rang: list[str] = []

        def set_another() -> None:
            rang.append("first")
            alarms.call_later(0, lambda: rang.append("another"))

        alarms.call_later(0, set_another)
        while alarms.waiting:
            await asyncio.sleep(TICK_S / 4)
        return rang

    assert run(wait()) == ["first", "another"]
