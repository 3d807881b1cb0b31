"""How often a key may ask: the arithmetic, in the process and in a real Redis, and the answer."""

import threading

import httpx
import pytest
from server_support.redis_server import redis_server

from btql_server.http.errors import HttpError
from btql_server.http.rates import LocalBuckets, Rates, RedisBuckets
from btql_server.running import running
from btql_server.settings import Limits, Settings
from btql_storage.errors import BadLocation


@pytest.fixture(scope="module")
def redis_url():
    with redis_server() as url:
        yield url


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


def test_a_bucket_holds_a_minutes_worth_and_fills_steadily():
    clock = Clock()
    buckets = LocalBuckets(clock)
    assert [buckets.take("a", 6.0) for _ in range(10)] == [0.0] * 10
    assert buckets.take("a", 6.0) == pytest.approx(6.0)
    assert buckets.take("b", 6.0) == 0.0
    clock.now += 5.9
    assert buckets.take("a", 6.0) == pytest.approx(0.1)
    clock.now += 0.1
    assert buckets.take("a", 6.0) == 0.0
    clock.now += 600
    assert [buckets.take("a", 6.0) for _ in range(11)][-1] > 0


def test_what_is_refused_does_not_count():
    clock = Clock()
    buckets = LocalBuckets(clock)
    for _ in range(100):
        buckets.take("a", 30.0)
    clock.now += 30
    assert buckets.take("a", 30.0) == 0.0


def test_a_worker_whose_share_is_less_than_one_in_a_minute_takes_one_now_and_then():
    clock = Clock()
    buckets = LocalBuckets(clock)
    assert buckets.take("a", 96.0) == 0.0
    assert buckets.take("a", 96.0) == pytest.approx(96.0)
    clock.now += 96
    assert buckets.take("a", 96.0) == 0.0
    Rates(None, workers=16).take("requests", "a", 10)


def test_redis_counts_the_same_and_for_all_together(redis_url):
    first, second = RedisBuckets(redis_url), RedisBuckets(redis_url)
    taken = [each.take("together", 6.0) for each in (first, second) * 5]
    assert taken == [0.0] * 10
    assert 5 < first.take("together", 6.0) <= 6
    assert 5 < second.take("together", 6.0) <= 6
    assert first.take("another", 6.0) == 0.0


def test_many_threads_take_no_more_than_there_is(redis_url):
    buckets = RedisBuckets(redis_url)
    allowed = []

    def take():
        allowed.extend(buckets.take("threads", 60 / 50) == 0.0 for _ in range(20))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A slow machine may see a few more become free meanwhile.
    assert 50 <= sum(allowed) <= 55


def test_a_redis_that_is_gone_refuses_nobody_and_the_process_counts(caplog):
    with redis_server() as url:
        rates = Rates(url, 1)
        rates.take("requests", "a", 2)
    rates.take("requests", "a", 2)
    rates.take("requests", "a", 2)
    with pytest.raises(HttpError) as caught:
        rates.take("requests", "a", 2)
    assert caught.value.status == 429
    assert "Redis does not answer" in caplog.text


def test_an_address_with_an_unknown_parameter_is_told_before_anybody_asks():
    with pytest.raises(BadLocation, match="no address that can be used"):
        RedisBuckets("redis://h/0?unknown=1")


@pytest.mark.parametrize("where", ["process", "redis"])
def test_too_many_requests_are_told_when_to_come_back(tmp_path, redis_url, where):
    settings = Settings(
        tmp_path / "db",
        ("127.0.0.1", 0),
        insecure_no_auth=True,
        redis=redis_url if where == "redis" else None,
        limits=Limits(requests_per_minute=3),
    )
    with running(settings) as url, httpx.Client(base_url=url) as client:
        answers = [client.get("/v1/project") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
        assert answers[-1].json()["Code"] == "RateLimitError"
        # What needs no key is never counted.
        assert client.get("/ping").status_code == 200
