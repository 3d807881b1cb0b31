"""Shapes of bodies are learned by one thread, and used by all."""

import re
import subprocess
import sys
from pathlib import Path

import btql

ROOT = Path(btql.__file__).parents[1]
BY_ONE_THREAD = {"settings.py", "vault.py"}
"""Of a child process at its start, and of commands."""

TOGETHER = """
from __future__ import annotations
import sys, threading
import msgspec
from btql_server.http.body import convert, decode

sys.setswitchinterval(1e-6)
for number in range(300):
    # What is within is learned while the others see the shape half made.
    class Inner(msgspec.Struct):
        a: int | None = None
        b: list[str] | None = None
    class Shape(msgspec.Struct):
        f1: list[str] | None = None
        f2: list[Inner] | None = None
        f7: list[Inner] | None = None
    shape = Shape
    ready = threading.Barrier(4)
    def work(first):
        ready.wait()
        if first:
            assert convert({}, shape).f7 is None
        assert decode(b'{"f7": [{"a": 1, "b": ["x"]}]}', shape).f7[0].b == ["x"]
    threads = [threading.Thread(target=work, args=(i == 0,)) for i in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print("done")
"""


def test_the_first_requests_of_a_shape_may_come_together():
    made = subprocess.run([sys.executable, "-c", TOGETHER], capture_output=True, text=True, check=False, timeout=120)
    assert (made.returncode, made.stdout, made.stderr) == (0, "done\n", "")


def test_nothing_else_is_decoded_to_a_shape_that_is_not_known_yet():
    found = [
        path.name
        for folder in ("btql", "grammar", "planner", "server", "storage")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"(json|msgpack)\.decode\(.*type=|msgspec\.convert\(", path.read_text())
    ]
    assert set(found) == BY_ONE_THREAD | {"body.py"}
