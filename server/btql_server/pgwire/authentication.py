"""Who begins a session: a key, proved or sent.

The password is an API key. The user name is the address of the key's owner, or the name of the service token, or the
key's prefix (``sk-`` and 12 digits), or any other name, which then says nothing.

- With SCRAM, which is the rule, the key is proved and not sent; over TLS the proof is bound to the channel.
- A key that was made by an earlier version has nothing that a proof could be checked with. It is asked for as it is,
  over TLS, if the user name is its prefix; from then on it can be proved like any other, as after its use over HTTP.
- A server that checks no keys asks for nothing.

An unknown user and a wrong key look alike, in what is asked, what is answered and when.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql_server.access.key_text import prefix_of
from btql_server.pgwire import messages, requests
from btql_server.pgwire.messages import Report
from btql_server.pgwire.requests import STARTUP_BYTES_MAX, Violation
from btql_server.pgwire.scram import PLAIN, PLUS, Exchange

if TYPE_CHECKING:
    from btql_server.access.keys import Keys
    from btql_server.access.model import Principal
    from btql_server.http.pools import Pool
    from btql_server.pgwire.throttle import Throttle
    from btql_server.pgwire.wire import Wire


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who was let in."""

    principal: Principal
    prefix: str | None
    """Of the key; None where no keys are checked."""


class Refused(Exception):  # noqa: N818
    """Somebody who was not let in; they get the report, and the connection ends."""

    def __init__(self, report: Report) -> None:
        super().__init__(report.message)
        self.report = report


class Authentication:
    """Lets clients in, or does not."""

    def __init__(self, keys: Keys, lookups: Pool, throttle: Throttle, *, trust: bool) -> None:
        self._keys = keys
        self._look_up = lookups.run
        self._throttle = throttle
        self._trust = trust

    async def admit(self, wire: Wire, user: str, address: str, binding: bytes | None) -> Admitted:
        """Return who it is; raise :class:`Refused`."""
        if self._trust:
            return Admitted(await self._look_up(self._keys.anonymous), None)
        if wire.tls is not None and await self._look_up(self._keys.is_sent, user):
            prefix = await self._sent(wire, user)
        else:
            prefix = await self._proved(wire, user, binding if wire.tls is not None else None)
        principal = None if prefix is None else await self._look_up(self._keys.living, prefix)
        if principal is None:
            await asyncio.sleep(self._throttle.failed(address))
            raise Refused(
                Report(
                    "FATAL",
                    "28P01",
                    f'password authentication failed for user "{user[:80]}"',
                    hint="the password is an API key, as `btql keys create` makes it; the user is the key's owner, or "
                    "its beginning, sk-…, which a key of an earlier version needs, together with TLS",
                )
            )
        self._throttle.succeeded(address)
        return Admitted(principal, prefix)

    async def _sent(self, wire: Wire, user: str) -> str | None:
        wire.send(messages.ASK_PASSWORD)
        wire.flush()
        text = requests.read_text(await _response(wire))
        principal = await self._look_up(self._keys.principal, text)
        return user if principal is not None and prefix_of(text) == user else None

    async def _proved(self, wire: Wire, user: str, binding: bytes | None) -> str | None:
        mechanisms = [PLUS, PLAIN] if binding is not None else [PLAIN]
        wire.send(messages.ask_sasl(mechanisms))
        wire.flush()
        mechanism, first = requests.read_sasl_initial(await _response(wire))
        if mechanism not in mechanisms:
            raise Violation("client selected an invalid SASL authentication mechanism")
        salt, provable = await self._look_up(self._keys.provable, user)
        exchange = Exchange(mechanism, binding, salt)
        wire.send(messages.sasl_continue(exchange.begin(first)))
        wire.flush()
        proof = await _response(wire)
        candidates = [(each.prefix, each.verifier) for each in provable]
        proved = await asyncio.to_thread(exchange.finish, proof, candidates)
        if proved is None:
            return None
        prefix, last = proved
        wire.send(messages.sasl_final(last))
        return prefix


async def _response(wire: Wire) -> bytes:
    # Nobody knows yet who sends it.
    kind, body = await wire.message(STARTUP_BYTES_MAX)
    if kind != ord("p"):
        raise Violation(f"expected a password response, got message type {chr(kind)}")
    return body
