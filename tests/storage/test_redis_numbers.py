"""Numbers from a Redis that is away, forgets, refuses, or cannot be heard."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from server_support.redis_server import redis_server
from storage_support.proxy import Network, Proxy, proxied

from btql_storage.coordination import redis_register
from btql_storage.coordination.redis_numbers import RedisNumbers
from btql_storage.errors import AccessDenied, BadLocation, Locked, OtherDatabase, StorageError, Unreachable
from btql_storage.format import WAL, wal_name
from btql_storage.stores.local import LocalStore
from btql_storage.transactions import PREFIX

KEY = "btql:{db}:numbers"


@pytest.fixture
def store(quick_path: Path) -> LocalStore:
    made = LocalStore(quick_path)
    made.make_folder(WAL)
    return made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_register, "ANSWER_S", 0.3)
    monkeypatch.setattr(redis_register, "PATIENCE_S", 0.5)


Open = Callable[..., RedisNumbers]


@pytest.fixture
def open_numbers(store: LocalStore, redis_url: str) -> Generator[Open]:
    with ExitStack() as stack:
        Redis.from_url(redis_url).delete(KEY)

        def open_one(url: str = redis_url, *, processed: int = 0, lease_s: float = 30.0, read_only: bool = False):
            numbers = RedisNumbers(url, "db", store, lambda: processed, lease_s=lease_s, read_only=read_only)
            stack.callback(numbers.close)
            return numbers

        yield open_one


@pytest.fixture
def network(redis_url: str) -> Generator[tuple[str, Proxy]]:
    with proxied(redis_url) as one:
        yield one


def put(store: LocalStore, number: int) -> int:
    store.put(f"{WAL}/{wal_name(number)}", b"whatever")
    return number


def test_a_redis_that_was_emptied_goes_on_after_the_last_file(open_numbers: Open, store: LocalStore, redis_url: str):
    numbers = open_numbers()
    far = put(store, numbers.next() + (1 << 40))
    Redis.from_url(redis_url).flushdb()

    assert numbers.next() > far
    Redis.from_url(redis_url).delete(KEY)
    assert open_numbers(processed=far + 7).next() > far + 7


def test_writers_that_were_given_another_redis_are_found_out(open_numbers: Open, store: LocalStore, redis_url: str):
    mine, other = open_numbers(), open_numbers(redis_url.rpartition("/")[0] + "/1")
    known, strange = put(store, mine.next()), other.next()
    while strange <= known:
        strange = other.next()
    mine.confirm(known)
    mine.check_known(known)
    with pytest.raises(OtherDatabase, match="some writers use another Redis; give all of them the same one"):
        mine.check_known(put(store, strange))


def test_what_was_on_its_way_when_redis_was_emptied_is_not_acknowledged(
    open_numbers: Open, store: LocalStore, redis_url: str
):
    numbers, other = open_numbers(), open_numbers()
    mine, theirs = put(store, numbers.next()), other.next()
    Redis.from_url(redis_url).delete(KEY)
    with pytest.raises(Unreachable, match=r"lost track of a transaction.*may be stored or not"):
        numbers.confirm(mine)
    # The other one comes back when all is made again.
    assert numbers.next() > theirs
    with pytest.raises(Unreachable, match="may be stored or not"):
        other.confirm(theirs)
    with pytest.raises(Unreachable, match="may be stored or not"):
        other.withdraw(theirs)


def test_a_list_that_was_made_while_redis_was_emptied_is_made_again(open_numbers: Open, redis_url: str):
    numbers, other = open_numbers(), open_numbers()
    settling = numbers.settling()
    settling.__enter__()
    Redis.from_url(redis_url).delete(KEY)
    other.next()
    with pytest.raises(Unreachable, match="lost its state; try again"):
        settling.__exit__(None, None, None)


def test_a_redis_that_comes_back_with_what_it_saved_is_not_believed(tmp_path: Path, store: LocalStore):
    with redis_server(folder=tmp_path) as url:
        port = int(url.rsplit(":", 1)[1].removesuffix("/0"))
        numbers = RedisNumbers(url, "db", store, lambda: 0)
        early = numbers.next()
        Redis.from_url(url).save()
        late = put(store, numbers.next() + (5 << 16))
    with redis_server(port, tmp_path) as url:
        assert Redis.from_url(url).hget(KEY, "last") == str(early - PREFIX).encode()
        with pytest.raises(Unreachable, match="may be stored or not"):
            numbers.confirm(early)
        assert numbers.next() > late
        numbers.close()


def test_a_redis_that_forgot_which_files_are_there_lets_nobody_count_on_lists_for_a_while(
    open_numbers: Open, redis_url: str, store: LocalStore, monkeypatch: pytest.MonkeyPatch
):
    numbers = open_numbers()
    with numbers.settling():
        pass
    mine = put(store, numbers.next())
    assert numbers.confirm(mine)
    monkeypatch.setattr(redis_register, "LISTS_LAG_S", 0.5)
    Redis.from_url(redis_url).delete(KEY)
    began = time.monotonic()
    numbers.settle(mine)
    assert time.monotonic() - began < 0.4, "who names a version does not wait"
    with numbers.settling() as settled:
        assert settled.upto > mine
        assert settled.landed == []
    assert time.monotonic() - began > 0.45


def test_which_files_are_there_is_forgotten_when_every_list_has_them(
    open_numbers: Open, redis_url: str, store: LocalStore
):
    numbers = open_numbers()
    early = put(store, numbers.next())
    assert numbers.confirm(early)
    redis: Any = Redis.from_url(redis_url, decode_responses=True)
    (tenth,) = [field for field in redis.hkeys(KEY) if field.startswith("l ")]
    redis.hset(KEY, f"l {int(tenth[2:]) - 102}", redis.hget(KEY, tenth))
    redis.hdel(KEY, tenth)
    late = put(store, numbers.next())
    assert numbers.confirm(late)

    assert numbers.settle(0) == [late]


def test_a_clock_that_was_set_back_keeps_nobody_waiting(open_numbers: Open, redis_url: str):
    numbers = open_numbers(lease_s=0.2)
    number = numbers.next()
    # As if it had been taken when the clock was a day ahead.
    redis = Redis.from_url(redis_url)
    redis.hset(KEY, f"f {number - PREFIX}", f"{int((time.time() + 86_400) * 1000)} call")
    redis.hset(KEY, "last", str(number - PREFIX + (86_400 << 16)))
    numbers.settle(number)

    assert numbers.next() == number + (86_400 << 16) + 1


def test_voids_are_forgotten_after_a_time_and_their_writers_told_that_nobody_knows(
    open_numbers: Open, monkeypatch: pytest.MonkeyPatch
):
    numbers = open_numbers(lease_s=0)
    number = numbers.next()
    numbers.settle(number)
    monkeypatch.setattr(redis_register, "VOIDS_KEPT_S", -10)
    numbers.settle(number)
    with pytest.raises(Unreachable, match="may be stored or not"):
        numbers.confirm(number)


def test_who_only_reads_puts_no_voids(open_numbers: Open, store: LocalStore):
    number = open_numbers(lease_s=0.01).next()
    reader = open_numbers(read_only=True, lease_s=0.05)
    reader.settle(number - 1)
    with pytest.raises(Locked, match="a writer that is gone"):
        reader.settle(number)
    assert store.list(WAL) == []


def test_a_cut_that_is_short_is_not_noticed(open_numbers: Open, network: tuple[str, Proxy], store: LocalStore):
    url, proxy = network
    numbers = open_numbers(url)
    number = put(store, numbers.next())
    proxy.set(Network.CUT)
    proxy.set(Network.FINE)

    assert numbers.confirm(number)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("weather", [Network.CUT, Network.SILENT])
def test_a_cut_that_lasts_is_an_error_in_time(
    open_numbers: Open, network: tuple[str, Proxy], store: LocalStore, weather: Network
):
    url, proxy = network
    numbers = open_numbers(url, lease_s=0)
    number = put(store, numbers.next())
    proxy.set(weather)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=rf"Redis at `{url}` cannot be reached: .*; check that it runs"):
        numbers.next()
    with pytest.raises(Unreachable, match="may be stored or not"):
        numbers.confirm(number)
    assert time.monotonic() - began < 4
    proxy.set(Network.FINE)

    assert numbers.next() > number


def test_confirming_again_after_the_answer_was_lost(open_numbers: Open, network: tuple[str, Proxy], store: LocalStore):
    url, proxy = network
    numbers, direct = open_numbers(url), open_numbers()
    number = put(store, numbers.next())
    proxy.set(Network.ANSWERS_LOST)
    assert numbers.confirm(number)
    assert proxy.connections > 1
    with direct.settling() as settled:
        assert settled.upto >= number


def test_a_number_whose_answer_was_lost_is_the_one_that_comes_next(open_numbers: Open, network: tuple[str, Proxy]):
    url, proxy = network
    numbers = open_numbers(url)
    first = numbers.next()
    proxy.set(Network.ANSWERS_LOST)
    second = numbers.next()
    assert numbers.confirm(first)
    assert numbers.confirm(second)
    with numbers.settling() as settled:
        assert settled.upto == second


def test_a_password_is_asked_for_and_never_shown(store: LocalStore, tmp_path: Path):
    with redis_server(0, tmp_path, "--requirepass", "right-secret") as url:
        for login, text in (("", "Authentication required"), (":wrong-secret@", "invalid username-password")):
            numbers = RedisNumbers(url.replace("://", f"://{login}"), "db", store, lambda: 0)
            with pytest.raises(AccessDenied, match=text) as caught:
                numbers.next()
            assert "secret" not in str(caught.value)
        assert RedisNumbers(url.replace("://", "://:right-secret@"), "db", store, lambda: 0).next() > PREFIX


def test_a_redis_without_memory_says_so(store: LocalStore, tmp_path: Path):
    with redis_server(0, tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction") as url:
        numbers = RedisNumbers(url, "db", store, lambda: 0)
        with pytest.raises(StorageError, match=r"refuses a command: .*used memory.*; check its memory"):
            numbers.next()


@pytest.mark.parametrize("rest", ["host:port/0", "[::1", "host/0?protocol=x", "host/0?unknown=1"])
def test_an_address_that_is_none(store: LocalStore, rest: str):
    with pytest.raises(BadLocation, match="write redis://host:port"):
        RedisNumbers(f"redis://{rest}", "db", store, lambda: 0)


@pytest.mark.usefixtures("impatient")
def test_a_redis_on_this_machine_may_be_asked_by_its_socket(store: LocalStore, quick_path: Path):
    numbers = RedisNumbers(f"unix://{quick_path}/none.sock", "db", store, lambda: 0)
    with pytest.raises(Unreachable, match="Redis at `unix:"):
        numbers.next()
