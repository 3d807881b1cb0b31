"""How often a key may ask: a leaky bucket for each key, in this process or in Redis.

A bucket holds one minute's worth: whoever was quiet may send that many at once, and then one whenever enough time has
passed. What is kept of a key is a single time, at which its bucket will be empty (the generic cell rate algorithm).

In the process, each worker counts for itself and allows its share. In Redis all workers and machines count together,
one script call each; when Redis cannot be reached, the process counts, since a limit is no reason to refuse everybody.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from threading import Lock
from typing import Protocol, cast

from btql_server.http.errors import HttpError
from btql_storage.coordination.redis_register import redis_at

log = logging.getLogger("btql.rates")
MINUTE_S = 60.0
_KEYS_MAX = 100_000
_REDIS_WAIT_S = 0.5
_SCRIPT = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1e6
local step, room = tonumber(ARGV[1]), tonumber(ARGV[2])
local empty_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + step
local wait = empty_at - room - now
if wait > 0 then return tostring(wait) end
redis.call('SET', KEYS[1], string.format('%.6f', empty_at), 'PX', math.ceil((empty_at - now) * 1000) + 1)
return '0'
"""
"""Redis's own clock counts, as those of several machines differ."""


class Buckets(Protocol):
    """Where buckets are kept."""

    def take(self, key: str, step_s: float) -> float:
        """Take one from a bucket that gets one every ``step_s``; return 0, or the seconds to wait for one."""
        ...


class LocalBuckets:
    """Buckets in this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._empty_at: dict[str, float] = {}
        self._lock = Lock()

    def take(self, key: str, step_s: float) -> float:
        """Take one from a bucket."""
        with self._lock:
            now = self._clock()
            empty_at = max(self._empty_at.get(key, now), now) + step_s
            # A worker's share may be less than one in a minute, and yet its bucket must hold one.
            wait = empty_at - max(MINUTE_S, step_s) - now
            # Up to rounding.
            if wait > 1e-9:
                return wait
            if len(self._empty_at) >= _KEYS_MAX:
                self._empty_at = {each: time for each, time in self._empty_at.items() if time > now}
            self._empty_at[key] = empty_at
            return 0.0


class RedisBuckets:
    """Buckets in Redis, for all workers together."""

    def __init__(self, url: str) -> None:
        self._redis = redis_at(url, "Redis", _REDIS_WAIT_S)
        from redis import RedisError

        self._failures = (RedisError, OSError)
        self._script = self._redis.register_script(_SCRIPT)
        self._local = LocalBuckets()

    def take(self, key: str, step_s: float) -> float:
        """Take one from a bucket; from one of this process where Redis does not answer."""
        try:
            return float(cast("bytes", self._script(keys=[f"btql:rate:{key}"], args=[step_s, MINUTE_S])))
        except self._failures as error:
            log.warning("Redis does not answer, so this process counts rates by itself", extra={"error": str(error)})
            return self._local.take(key, step_s)


class Rates:
    """The limits of one server; ``take`` raises 429 where one is exceeded."""

    def __init__(self, redis: str | None, workers: int) -> None:
        self._buckets: Buckets = LocalBuckets() if redis is None else RedisBuckets(redis)
        self._shares = 1 if redis is not None else workers
        self.is_remote = redis is not None
        """Whether a call may wait for the network."""

    def take(self, what: str, key: str, per_minute: int | None) -> None:
        """Count one request of a kind for a key."""
        if per_minute is None:
            return
        wait = self._buckets.take(f"{what}:{key}", MINUTE_S * self._shares / per_minute)
        if wait > 0:
            message = f"Too many {what}: at most {per_minute:,} a minute; try again in {math.ceil(wait)} s"
            raise HttpError(429, message, retry_after_s=math.ceil(wait))
