"""A register in Redis (7 or later, or what speaks like it).

Each call is one script (:mod:`.redis_scripts`), so it happens at one moment. What Redis has may vanish: it is
restarted, a replica takes over that lacks the last moments, somebody empties it. Each script tells that from the run
of the server and the era of the state, and then the state is made again, from what knows better: the files of the WAL
and the catalog. That takes two steps, since the files must be listed while nobody can take numbers: one script empties
the state and names the era to come, the other one fills it. Whoever needs a number meanwhile does the same; the first
one who is done counts.

A call that gets no answer is repeated for a while, on a new connection: confirming and settling twice is like once,
and whoever asks for a number again gets the one that was already taken.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain, repeat
from threading import Lock
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from btql_storage.addresses import shown
from btql_storage.coordination import redis_scripts as scripts
from btql_storage.coordination.register import VOIDS_KEPT_S, Fate, Flying
from btql_storage.errors import AccessDenied, BadLocation, NotInstalled, StorageError, Unreachable
from btql_storage.stores.interface import LISTS_LAG_S
from btql_storage.transactions import PREFIX

if TYPE_CHECKING:
    from redis import Redis

PATIENCE_S = 10.0
"""How long a call is repeated before it fails."""
ANSWER_S = 2.0
"""How long one answer may take, and one connection."""
_POLL_S = 0.05
_ERAS_KEPT = 1024
"""Far more than numbers are on their way in one process."""
_FOR_A_WHILE = ("LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY")
"""How the errors begin that pass by themselves while a Redis starts or a replica takes over."""


class RedisRegister:
    """Counts the transactions of one database in Redis; safe from several threads."""

    def __init__(self, url: str, database: str, last_known: Callable[[], int]) -> None:
        """Connect when something is asked; ``last_known`` looks up the last number that is in use."""
        self.label = f"Redis at `{shown(url)}`"
        self._redis = redis_at(url, self.label, ANSWER_S, decode_responses=True)
        self._key = f"btql:{{{database}}}:numbers"
        self._last_known = last_known
        self._guard = Lock()
        self._eras: dict[int, str] = {}
        """In which era the numbers were taken that were last taken here."""

    def take(self, lease_ms: int) -> int:
        """Hand out a number."""
        era, text = self._ask(scripts.TAKE, lease_ms, uuid4().hex)
        number = PREFIX | int(text)
        with self._guard:
            self._eras[number] = era
            if len(self._eras) > _ERAS_KEPT:
                del self._eras[next(iter(self._eras))]
        return number

    def confirm(self, number: int) -> Fate:
        """Say that the file of a number is there."""
        return self._fate(scripts.CONFIRM, _low(number), self._eras.get(number, ""))

    def settle(self, number: int, *, void: bool) -> Fate:
        """Say what became of a number."""
        fate = Fate.VOID if void else Fate.READ
        return self._fate(scripts.SETTLE, _low(number), self._eras.get(number, ""), fate.name)

    def flying(self, lease_ms: int) -> Flying:
        """Return what is on its way."""
        era, last, oldest, overdue, landed, unsure = self._ask(
            scripts.FLYING, lease_ms, VOIDS_KEPT_S, int(LISTS_LAG_S * 1000)
        )
        return Flying(
            PREFIX | int(last),
            PREFIX | int(oldest) if oldest else None,
            [PREFIX | int(each) for each in overdue],
            [PREFIX | int(each) for tenth in landed for each in tenth.split()],
            era,
            int(unsure),
        )

    def seen(self, number: int) -> None:
        """Take note of a number that is in use."""
        self._ask(scripts.SEEN, _low(number))

    def about(self) -> tuple[str, str]:
        """Return the version of the server, and what it removes when its memory is full."""
        found = cast("dict[str, object]", self._tried(self._redis.info))
        return str(found.get("redis_version", "?")), str(found.get("maxmemory_policy", "?"))

    def forget(self) -> None:
        """Remove all state: of a database that never was."""
        self._tried(lambda: self._redis.delete(self._key))

    def close(self) -> None:
        """Let go of all connections."""
        self._redis.close()

    def _fate(self, script: str, *values: str | int) -> Fate:
        era, *fate = self._run(script, *values)
        return Fate[fate[0]] if era else Fate.UNKNOWN

    def _ask(self, script: str, *values: str | int) -> list[Any]:
        """Run a script over a state that is there, made again where it is not."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self._run(script, *values)
            if answer[0]:
                return answer
            if time.monotonic() > deadline:
                raise Unreachable(f"{self.label} loses what is written to it", "look at its memory, and who empties it")
            (era,) = self._run(scripts.BEGIN, uuid4().hex)
            if era:
                self._run(scripts.FINISH, era, _low(self._last_known()))

    def _run(self, script: str, *values: str | int) -> list[Any]:
        """Run a script; it is told, last, when it may have run before."""
        registered = self._redis.register_script(script)
        attempts = chain(["first"], repeat("again"))
        return cast("list[Any]", self._tried(lambda: registered([self._key], [*values, next(attempts)])))

    def _tried(self, call: Callable[[], object]) -> object:
        """Return the answer to a call; where nobody answers, try again for a while."""
        from redis.exceptions import RedisError

        deadline = time.monotonic() + PATIENCE_S
        pause_s = _POLL_S
        while True:
            try:
                return call()
            except RedisError as error:
                explained = _explain(error, self.label)
                if not isinstance(explained, Unreachable) or time.monotonic() + pause_s > deadline:
                    raise explained from error
            # Others that are idle were cut off at the same time.
            self._redis.connection_pool.disconnect(inuse_connections=False)
            time.sleep(pause_s)
            pause_s *= 2


def _low(number: int) -> int:
    """Return a number without its constant upper bits."""
    return max(number - PREFIX, 0)


def redis_at(url: str, label: str, wait_s: float, *, decode_responses: bool = False) -> Redis:
    """Return a client, which connects when something is asked and waits so long, once; BadLocation where it cannot."""
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.exceptions import RedisError
        from redis.retry import Retry
    except ImportError as error:
        raise NotInstalled("redis", label) from error
    over_tcp = {} if url.startswith("unix:") else {"socket_keepalive": True, "socket_connect_timeout": wait_s}
    try:
        client = Redis.from_url(  # pyright: ignore[reportUnknownMemberType]
            url, decode_responses=decode_responses, socket_timeout=wait_s, retry=Retry(NoBackoff(), 0), **over_tcp
        )
        # A connection, which is not opened here, is what refuses a parameter that there is not.
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    except (ValueError, TypeError, RedisError) as error:
        raise BadLocation(f"{label} has no address that can be used", "write redis://host:port/number") from error
    return client


def _explain(error: Exception, label: str) -> StorageError:
    """Say in one line what an error of the client means for the reader."""
    from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError

    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, AuthenticationError | NoPermissionError) or text.startswith(("NOAUTH", "NOPERM", "WRONGPASS")):
        return AccessDenied(f"{label} refuses the login or a command: {text}", "check user, password and permissions")
    if isinstance(error, ResponseError) and not text.startswith(_FOR_A_WHILE):
        return StorageError(f"{label} refuses a command: {text}", "check its memory, version and settings")
    return Unreachable(f"{label} cannot be reached: {text}", "check that it runs and that the network lets us through")
