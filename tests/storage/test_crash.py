"""Processes that are killed at random moments lose nothing they acknowledged and repeat nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from storage_support import crash_child
from storage_support.model import Model, Rows
from storage_support.reading import documents_of, snapshot_rows, to_document

from btql_storage.store import Storage

KILLS = 20
SEED = 20_260_501


def test_twenty_kills_of_a_process_that_ingests_and_compacts(quick_path: Path):
    folder = quick_path / "db"
    dice = random.Random(SEED)
    model, first, killed = Model(), 0, 0
    versions: dict[int, Rows] = {}
    with _mother() as mother:
        for number in range(KILLS):
            # Every other life is cut short wherever it is; the rest get to work first, however busy the machine.
            acknowledged = _life(mother, folder, first, dice.uniform(0.0, 0.25), works=number % 2 == 1)
            for request in acknowledged:
                model.apply(crash_child.request(SEED, request))
            first = acknowledged[-1] + 1 if acknowledged else first
            with Storage.open(folder, settings=crash_child.SETTINGS) as storage:
                target = storage.create_object("dataset", "crash")
                found = documents_of(storage, target)
                versions[storage.last_xact_id()] = found
            # The request that was under way is there as a whole or not at all.
            maybe = model.copy()
            maybe.apply(crash_child.request(SEED, first))

            assert found in (model.rows, maybe.rows)

            if found == maybe.rows:
                model, first = maybe, first + 1
            killed += 1

    assert killed == KILLS
    assert first >= KILLS // 2, "the processes lived too short to matter"
    with Storage.open(folder, settings=crash_child.SETTINGS) as storage:
        target = storage.object("dataset", "crash")
        storage.compact()

        assert documents_of(storage, target) == model.rows
        # Nothing of the dead is left: only live parts, and the newest WAL file.
        parts = {entry.name for entry in (folder / "parts").iterdir()}
        view = storage._folder.catalog.view(target.id, 0)
        assert parts == {str(part.id) for part in (*view.parts, *(one.part for one in view.history))}
        for version, expected in versions.items():
            with storage.snapshot(target, version) as snapshot:
                assert {row.id: to_document(row) for row in snapshot_rows(snapshot)} == expected
        assert len(list((folder / "wal").iterdir())) == 1


def test_writers_in_several_processes_take_turns(quick_path: Path):
    folder = quick_path / "db"
    count = 8
    children = [_start(str(folder), str(SEED), str(first), str(count)) for first in (0, 1000)]
    acknowledged: set[int] = set()
    seen: set[int] = set()
    while any(child.poll() is None for child in children):
        if (folder / "catalog.sqlite").exists():
            seen = _own_rows(folder, seen)
        time.sleep(0.01)
    for child in children:
        output, _ = child.communicate(timeout=20)
        acknowledged |= {int(line.split()[1]) for line in output.decode().splitlines()}

    assert [child.returncode for child in children] == [0, 0]
    assert acknowledged == {*range(count), *range(1000, 1000 + count)}
    assert _own_rows(folder, seen) == acknowledged


def _own_rows(folder: Path, before: set[int]) -> set[int]:
    """Return which requests a reader sees; what was seen once stays."""
    with Storage.open(folder, read_only=True) as storage:
        if not storage.objects():
            return before
        rows = documents_of(storage, storage.object("dataset", "crash"))
    found = {int(row_id.removeprefix("own-")) for row_id in rows if row_id.startswith("own-")}

    assert before <= found

    return found


def _life(mother: subprocess.Popen[bytes], folder: Path, first: int, lasting_s: float, *, works: bool) -> list[int]:
    """Let a child live, one that works after its first request, kill it, and return what it acknowledged."""
    assert mother.stdin is not None
    assert mother.stdout is not None
    mother.stdin.write(f"{folder} {SEED} {first}\n".encode())
    mother.stdin.flush()
    kind, pid = mother.stdout.readline().split()
    assert kind == b"pid"
    acknowledged = [_acknowledged(mother.stdout.readline())] if works else []
    time.sleep(lasting_s)
    os.kill(int(pid), signal.SIGKILL)
    while (line := mother.stdout.readline()) != b"gone\n":
        acknowledged.append(_acknowledged(line))
    return acknowledged


def _acknowledged(line: bytes) -> int:
    assert line.startswith(b"ack "), line
    return int(line.split()[1])


@contextmanager
def _mother() -> Generator[subprocess.Popen[bytes]]:
    mother = _start()
    try:
        yield mother
    finally:
        mother.kill()
        mother.communicate()


def _start(*arguments: str) -> subprocess.Popen[bytes]:
    import btql_storage

    roots = [str(Path(crash_child.__file__).parent.parent), str(Path(btql_storage.__file__).parent.parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(roots)}
    command = [sys.executable, crash_child.__file__, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
