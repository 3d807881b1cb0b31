"""The shares of a machine's memory that queries and caches have where no number is set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from btql_storage import machine
from btql_storage.folder import Settings
from btql_storage.limits import DEFAULT
from btql_storage.machine import machine_memory, of_caches, of_queries, shared
from btql_storage.store import Storage


@pytest.fixture
def container(tmp_path, monkeypatch):
    """A control group with 1 GiB."""
    (tmp_path / "memory.max").write_text(f"{1 << 30}\n")
    monkeypatch.setattr(machine, "_CGROUPS", (str(tmp_path / "none"), str(tmp_path / "memory.max")))
    machine_memory.cache_clear()
    yield
    machine_memory.cache_clear()


@pytest.mark.usefixtures("container")
def test_queries_have_half_of_a_control_group_and_caches_an_eighth(tmp_path):
    assert (of_queries(DEFAULT), of_caches(DEFAULT)) == (512 << 20, 128 << 20)
    with Storage.open(tmp_path / "db", create=True, settings=Settings(limits=DEFAULT)) as storage:
        assert storage.cache.bytes_max == 128 << 20


@pytest.mark.usefixtures("container")
def test_processes_that_share_a_machine_share_its_memory():
    found = shared(DEFAULT, 4)
    assert (of_queries(found), of_caches(found)) == (128 << 20, 32 << 20)


def test_a_number_that_is_set_is_taken():
    limits = replace(DEFAULT, memory_bytes_max=7, memory_cache_bytes_max=5)
    assert (of_queries(limits), of_caches(limits)) == (7, 5)
    assert shared(limits, 4) == limits


def test_a_control_group_without_a_limit_leaves_the_memory_of_the_machine(tmp_path, monkeypatch):
    (tmp_path / "memory.max").write_text("max\n")
    monkeypatch.setattr(machine, "_CGROUPS", (str(tmp_path / "memory.max"),))
    machine_memory.cache_clear()
    found = machine_memory()
    machine_memory.cache_clear()
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    assert found == int(total.split()[1]) << 10
