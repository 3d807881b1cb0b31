"""The ids that events without one are given."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from btql_storage.clock import SYSTEM_CLOCK, _Ids

NOW_MS = 1_800_000_000_000


def test_they_are_uuids_of_version_7_and_begin_with_the_time():
    found = UUID(_Ids().new_id(NOW_MS))

    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert found.int >> 80 == NOW_MS


def test_each_is_larger_than_the_one_before_also_when_the_clock_is_set_back():
    ids = _Ids()
    times = [NOW_MS, NOW_MS, NOW_MS - 5_000, *[NOW_MS + 1] * 5_000, NOW_MS + 2, NOW_MS + 3]

    found = [ids.new_id(time) for time in times]

    assert found == sorted(found)
    assert len(set(found)) == len(times)


def test_threads_do_not_get_the_same():
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: [SYSTEM_CLOCK.new_id() for _ in range(2_000)], range(4)))

    assert len({each for ids in found for each in ids}) == 8_000


FORKING = """
import os
from btql_storage.clock import SYSTEM_CLOCK

print(SYSTEM_CLOCK.new_id(), SYSTEM_CLOCK.new_id(), flush=True)
if os.fork():
    os.wait()
else:
    print(SYSTEM_CLOCK.new_id(), flush=True)
"""


def test_a_process_that_was_forked_off_draws_anew():
    ran = subprocess.run([sys.executable, "-c", FORKING], check=True, capture_output=True, text=True)

    ours, ours_too, theirs = (UUID(each).int & (1 << 64) - 1 for each in ran.stdout.split())
    assert ours == ours_too != theirs
