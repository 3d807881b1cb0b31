"""What is kept in memory, within a number of bytes."""

from __future__ import annotations

from dataclasses import replace

from btql_storage.cache_budget import CacheBudget
from btql_storage.folder import Settings
from btql_storage.limits import DEFAULT
from btql_storage.store import Storage


def test_what_was_used_longest_ago_goes_first():
    budget = CacheBudget(10)
    gone: list[str] = []
    for cache, key, size in [("a", 1, 4), ("b", 1, 4), ("a", 1, 5), ("a", 2, 3)]:
        budget.used(cache, key, size, lambda name=f"{cache}{key}": gone.append(name))
    assert gone == ["b1"]
    assert (budget.sizes, budget.dropped) == ({"a": 8, "b": 0}, {"b": 1})
    budget.gone("a", 1)
    budget.gone("a", 1)
    assert budget.sizes["a"] == 3


def test_the_last_stays_however_large_it_is():
    budget = CacheBudget(10)
    gone: list[int] = []
    for key in (1, 2):
        budget.used("a", key, 100, lambda key=key: gone.append(key))
    assert gone == [1]


def test_tails_make_room_for_others(tmp_path):
    settings = Settings(limits=replace(DEFAULT, memory_cache_bytes_max=30_000))
    with Storage.open(tmp_path / "db", create=True, settings=settings) as storage:
        objects = [storage.create_object("project_logs", name) for name in "abc"]
        for one in objects:
            storage.ingest(one, [{"id": str(n), "input": "x" * 1_000} for n in range(6)])
        for _ in range(2):
            for one in objects:
                with storage.snapshot(one) as snapshot:
                    assert sum(chunk.rows for chunk in snapshot.tail) == 6
        assert storage.cache.dropped["tails"] == 4
        assert storage.cache.sizes["tails"] <= 30_000
