"""What is kept in memory, within a number of bytes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random

from btql_storage.cache_budget import Cache, CacheBudget
from btql_storage.folder import Settings
from btql_storage.limits import DEFAULT
from btql_storage.part.order import numbers_of, traces_of
from btql_storage.store import Storage
from btql_storage.text.probe import Phrase


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
                    assert sum(chunk.stats.rows for chunk in snapshot.tail) == 6
        assert storage.cache.dropped["tails"] == 4
        assert storage.cache.sizes["tails"] <= 30_000


def test_caches_share_the_bytes_and_the_value_used_longest_ago_goes():
    budget = CacheBudget(10)
    one, other = Cache[str, int]("a", budget), Cache[str, int]("a", budget)
    one.keep("x", 1, 4)
    other.keep("x", 2, 4)
    assert (one.get("x"), other.get("x"), one.get("y")) == (1, 2, None)
    assert one.get("x") == 1
    one.keep("y", 3, 4)
    assert (one.get("x"), one.get("y"), other.get("x"), len(other)) == (1, 3, None, 0)
    assert (budget.sizes, budget.dropped) == ({"a": 8}, {"a": 1})

    one.keep("y", 4, 2)
    assert (one.get("y"), budget.sizes["a"]) == (4, 6)
    one.clear()
    assert (one.get("x"), len(one), budget.sizes["a"]) == (None, 0, 0)


def test_a_value_larger_than_everything_is_not_kept():
    cache = Cache[str, int]("a", CacheBudget(10))
    cache.keep("x", 1, 11)
    assert cache.get("x") is None


def test_only_so_many_entries():
    budget = CacheBudget(1_000)
    cache = Cache[int, int]("a", budget, entries_max=2)
    for key in (1, 2):
        cache.keep(key, key, 1)
    assert cache.get(1) == 1
    cache.keep(3, 3, 1)
    assert [cache.get(key) for key in (1, 2, 3)] == [1, None, 3]
    assert (len(cache), budget.sizes["a"], budget.dropped["a"]) == (2, 2, 0)


def test_caches_from_several_threads():
    budget = CacheBudget(500)
    caches = [Cache[int, int]("a", budget) for _ in range(2)]

    def work(seed: int) -> None:
        dice = Random(seed)
        for _ in range(2_000):
            cache, key = dice.choice(caches), dice.randrange(50)
            if (found := cache.get(key)) is not None:
                assert found == key
            elif dice.random() < 0.02:
                cache.clear()
            else:
                cache.keep(key, key, dice.randrange(1, 40))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert 0 <= budget.sizes["a"] <= 500
    for cache in caches:
        cache.clear()
    assert all(not len(cache) for cache in caches)


def test_what_parts_keep_goes_with_their_files(tmp_path):
    with Storage.open(tmp_path / "db", create=True) as storage:
        target = storage.create_object("project_logs", "a")
        storage.ingest(target, [{"id": str(n), "input": "some words"} for n in range(100)])
        storage.compact()
        with storage.snapshot(target) as snapshot:
            (part,) = [one.part for one in snapshot.parts]
            assert part.texts.find(Phrase("input", ("some",))) is part.texts.find(Phrase("input", ("some",)))
            assert numbers_of(part, "created") is numbers_of(part, "created")
            assert traces_of(part) is traces_of(part)
            assert (storage.cache.sizes["found"] > 800, storage.cache.sizes["order"] > 800) == (True, True)
            part.close()
            assert (storage.cache.sizes["found"], storage.cache.sizes["order"] > 800) == (0, True)
            part.forget()
            assert storage.cache.sizes["order"] == 0
