"""``btql serve``: one parent that binds the sockets, and children that do the work.

The parent starts ``workers`` workers, which accept from the same socket, and one process that compacts. It starts
again what dies, with longer and longer pauses. On SIGTERM or SIGINT it tells all of them to stop, waits, and kills
whoever takes too long; a second signal kills at once.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace

from btql_server.access.keys import Keys
from btql_server.child import Child
from btql_server.listening import Addresses, ServeError, check_flight, listening, reason_of, url_of
from btql_server.logs import log_as
from btql_server.operating.shared_counts import counts_folder
from btql_server.registry.opening import open_registry
from btql_server.settings import Settings
from btql_storage.addresses import shown
from btql_storage.store import Storage

log = logging.getLogger("btql.serve")


def serve(settings: Settings, ready: Callable[[Addresses], None]) -> None:
    """Serve until a signal comes; ``ready`` gets the addresses once all workers answer."""
    log_as("serve", settings.log_level)
    settings = replace(settings, maintained=True)
    check(settings)
    check_flight(settings)
    with listening(settings) as listeners, counts_folder() as environment:
        asyncio.run(Supervisor(settings, listeners, ready, environment).run())


def check(settings: Settings) -> None:
    """Make the database where there is none; refuse what would be open to everybody, and say where no key is yet."""
    if settings.tls_cert is not None and settings.tls_key is not None:
        from btql_server.pgwire.tls import load_tls

        load_tls(settings.tls_cert, settings.tls_key)
    location = settings.location
    with Storage.open(location, create=True):
        registry = open_registry(location)
    try:
        registry.default_organization()
        addresses = (settings.http, settings.pg, settings.flight)
        host = next((each[0] for each in addresses if each is not None and not _is_loopback(each[0])), None)
        if settings.insecure_no_auth:
            if host is not None:
                raise ServeError(
                    f"a server without keys may only listen on this machine, not on {host}: "
                    "leave --insecure-no-auth out, or listen on 127.0.0.1"
                )
            return
        with closing(Keys(registry)) as keys:
            anybody = keys.any()
        command = f"`btql keys create --data {shown(settings.database or str(settings.data))}`"
        if not anybody and host is not None:
            raise ServeError(f"nobody has a key yet, so the server does not listen on {host}: make one with {command}")
        if not anybody:
            log.warning("no key yet: %s", command)
    finally:
        registry.close()


def _is_loopback(host: str) -> bool:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise ServeError(f"cannot listen on {host}: {reason_of(error)}") from None
    return all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found)


class Supervisor:
    """The parent's event loop."""

    def __init__(
        self,
        settings: Settings,
        listeners: Mapping[str, socket.socket],
        ready: Callable[[Addresses], None],
        environment: dict[str, str],
    ) -> None:
        names = [("worker", f"worker-{number + 1}") for number in range(settings.workers)]
        self._children = [
            # Flight binds its port by itself, so one process serves it.
            Child(role, name, settings if number == 0 else replace(settings, flight=None), listeners, environment)
            for number, (role, name) in enumerate((*names, ("maintenance", "maintenance")))
        ]
        self._urls = {door: url_of(listener, door) for door, listener in listeners.items()}
        self._ready = ready
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Start the children, say that all are ready, and stop them when a signal comes."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        started = [asyncio.Event() for _ in self._children]
        keeping = [asyncio.create_task(one.keep(event)) for one, event in zip(self._children, started, strict=True)]
        announcing = asyncio.create_task(self._announce(started))
        stopping = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait((*keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            announcing.cancel()
            await asyncio.gather(*(one.stop() for one in self._children))
        for task in done:
            # A child that never became ready.
            task.result()
        await asyncio.gather(*keeping, return_exceptions=True)
        log.info("stopped")

    async def _announce(self, started: list[asyncio.Event]) -> None:
        for event in started:
            await event.wait()
        addresses = dict(self._urls)
        flight = self._children[0].flight_url
        if flight is not None:
            addresses["flight"] = flight
        self._ready(addresses)

    def _signalled(self) -> None:
        if self._stop.is_set():
            for one in self._children:
                one.kill()
        log.info("stopping")
        self._stop.set()
