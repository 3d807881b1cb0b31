"""Whether Redis is there, and may be used to number transactions."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

from btql_storage.addresses import shown
from btql_storage.coordination.redis_register import RedisRegister
from btql_storage.errors import NewerFormat, StorageError
from btql_storage.transactions import PREFIX
from btql_storage.trial.tried import Service, Tried

_REDIS_MIN = 7
_LEASE_MS = 1_000


def try_redis(url: str) -> list[Tried]:
    """Try Redis with numbers of a database that never was."""
    service = Service("redis", shown(url))
    registers: list[RedisRegister] = []

    def connect() -> str:
        registers.append(RedisRegister(url, f"tried {uuid4().hex}", lambda: PREFIX))
        version, policy = registers[0].about()
        if int(version.partition(".")[0]) < _REDIS_MIN:
            raise NewerFormat(f"Redis {version} is too old", f"btql needs Redis {_REDIS_MIN} or later")
        remark = (
            "" if policy == "noeviction" else f"; maxmemory-policy is {policy}: it may forget transactions on their way"
        )
        return f"Redis {version}{remark}"

    def number() -> str:
        register = registers[0]
        taken = register.take(_LEASE_MS)
        return f"a number was taken and is {register.confirm(taken).name.lower()}"

    service.attempt("connect", connect)
    service.attempt("number a transaction", number)
    for register in registers:
        with suppress(StorageError):
            register.forget()
        register.close()
    return service.tried
