"""A program that ends while the engine is at work: it waits a while, and is not taken down."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

import btql
from btql.execution import engine, engine_threads
from btql.execution.engine_threads import Run, Runs


def test_a_program_ends_once_the_engine_is_at_rest(monkeypatch):
    runs, busy = Runs(), [engine.CORES] * 3 + [0] * 5
    monkeypatch.setattr(engine_threads, "computing", lambda: busy.pop(0))
    runs.rest()
    assert len(busy) == 8, "nothing was given up"
    run = Run(iter(()))
    runs.begin(run)
    runs.end(run, given_up=True)
    runs.rest()
    assert busy == [0] * 3


def test_a_program_ends_though_the_engine_goes_on(monkeypatch):
    runs, run = Runs(), Run(iter(()))
    monkeypatch.setattr(engine_threads, "computing", lambda: engine.CORES)
    monkeypatch.setattr(engine_threads, "REST_S", 0.02)
    runs.begin(run)
    runs.end(run, given_up=True)
    runs.rest()
    assert runs.left_behind() == 1


HALF_READ = """
import atexit, sys

def read_on():
    try:
        rows.fetchall()
    except btql.Cancelled:
        print("given up")

atexit.register(read_on)

import btql

rows = btql.connect(sys.argv[1], read_only=True).cursor()
rows.timeout = float(sys.argv[2]) or None
rows.arraysize = 1
rows.execute(
    "SELECT a.id || b.id AS ids FROM project_logs('p') a JOIN project_logs('p') b "
    "ON length(a.id) = length(b.id) LIMIT 100000"
)
rows.fetchone()
"""
"""Ends in the middle of an answer. While the interpreter went, the engine's threads handed over the next batch."""


@pytest.mark.parametrize("timeout", [0, 60])
def test_a_program_ends_in_the_middle_of_an_answer(tmp_path, timeout):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:p", [{"id": str(number)} for number in range(3_000)])
    command = [sys.executable, "-c", HALF_READ, str(tmp_path / "db"), str(timeout)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "given up\n")


KEPT = """
import builtins, sys

import btql

builtins.kept = iter(btql.connect(sys.argv[1], read_only=True).query("SELECT id FROM project_logs('p')"))
next(builtins.kept)
"""
"""Keeps the rest of an answer where it goes so late that nothing can be imported any more."""


def test_what_was_not_read_goes_with_the_program(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:p", [{"id": str(number)} for number in range(30_000)])
        conn.compact()
    done = subprocess.run(
        [sys.executable, "-c", KEPT, str(tmp_path / "db")], capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_daemon_thread_ends_with_the_program_and_says_nothing():
    run, ends = Run(iter(())), []
    run.give_up()

    def read():
        with pytest.raises(SystemExit):
            run.next()
        ends.append(True)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join()
    assert ends == [True]
