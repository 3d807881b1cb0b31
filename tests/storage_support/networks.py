"""A database over a bucket, PostgreSQL and Redis, and the networks to each of them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from storage_support.proxy import Proxy, proxied


class Place:
    """One database over three services, and the networks to each of them."""

    def __init__(self, stack: ExitStack, cache: Path, files: str, services: dict[str, str]) -> None:
        self._cache, self._files, self._services = cache, files, services
        self.networks: dict[str, Proxy] = {}
        self._proxied: dict[str, str] = {}
        for name, url in services.items():
            self._proxied[name], self.networks[name] = stack.enter_context(proxied(url))

    def address(self, *, through_networks: bool, redis: bool = True) -> str:
        urls = self._proxied if through_networks else self._services
        given = {"catalog": urls["postgres"], "endpoint": urls["store"], "cache": str(self._cache)}
        given |= {"redis": urls["redis"]} if redis else {}
        return f"{self._files}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in given.items())
