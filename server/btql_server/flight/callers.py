"""Who calls, and what is noted of a call: one :class:`FlightCall` for each, from its headers to its end.

A key comes as ``authorization: Bearer <key>``, or as the password of ``Basic``; the answer then has the header for
the calls that follow, as Flight's handshake wants it. The name beside a password may be anything, but an email must be
that of the key's owner. What is wrong with either is not told, and told a little later.

What HTTP takes beside the text of a query are headers here: ``x-btql-tz-offset``, ``x-btql-version`` and
``x-btql-timeout``, in seconds.
"""

from __future__ import annotations

import base64
import binascii
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock, Semaphore
from typing import TYPE_CHECKING, TypeAlias
from uuid import uuid4

from pyarrow import flight

from btql.arguments import options_of
from btql.execution.stop import Stop
from btql_server.access.asker import Asker
from btql_server.flight.refusals import FlightRefusal, refusal_of
from btql_server.http.errors import HttpError, described
from btql_server.http.versions import parse_version

if TYPE_CHECKING:
    from btql_planner.options import QueryOptions
    from btql_server.access.model import Principal
    from btql_server.operating.flight_metrics import FlightMetrics
    from btql_server.state import State

log = logging.getLogger("btql.flight")
MIDDLEWARE = "btql"
_SLOWED_S = 0.2
_SLOWED_MAX = 16
"""How many calls with a wrong key are held back at once; more are refused at once, and hold no thread."""
_OK = "OK"


Headers: TypeAlias = Mapping[str, Sequence[str]]


class FlightCall(flight.ServerMiddleware):  # type: ignore[misc]  # pyarrow has no types for it
    """One call."""

    def __init__(self, calls: Calls, method: str, principal: Principal, key: str | None, headers: Headers) -> None:
        self._calls = calls
        self._headers = headers
        self._began = time.perf_counter()
        self._key = key
        self._context: flight.ServerCallContext | None = None
        self.method = method
        self.command = ""
        """The kind of message that it is about."""
        self.asker = Asker(calls.state, principal, uuid4().hex)
        self.status = _OK
        self.is_streaming = False
        """Whether an answer has begun and not ended."""
        self.error: str | None = None
        self.rows = 0
        self.bytes = 0

    @property
    def owner(self) -> str:
        """Whose tickets and prepared statements the call may use."""
        return self.asker.principal.key_id or self.asker.principal.id

    @property
    def client(self) -> str | None:
        """The address of the client."""
        return None if self._context is None else self._context.peer()

    def options(self) -> QueryOptions:
        """Return the options of a query; as no limit is meant for pages, it has none by default."""
        version = self._header("version")
        return options_of(
            tz_offset=round(_number(self._header("tz-offset") or "0", "tz-offset")),
            version=None if version is None else str(parse_version(version)),
            lint="off",
            default_limit=None,
            cursor=None,
        )

    def seconds(self) -> float:
        """Return the time limit of a query."""
        most = self.asker.state.settings.limits.query_seconds_max
        asked = self._header("timeout")
        if asked is None:
            return most
        seconds = _number(asked, "timeout")
        if seconds <= 0:
            raise FlightRefusal("INVALID_ARGUMENT", "`x-btql-timeout` is a number of seconds above 0")
        return min(seconds, most)

    def _header(self, name: str) -> str | None:
        found = self._headers.get(f"x-btql-{name}")
        return found[-1] if found else None

    def attach(self, context: flight.ServerCallContext) -> None:
        """Take in what pyarrow says of the call; it is gone when the call is over."""
        self._context = context

    def count(self) -> None:
        """Count the call against the limit of its key."""
        state = self.asker.state
        state.rates.take("requests", self.owner, state.settings.limits.requests_per_minute)

    def gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        context = self._context
        return context is None or self.asker.gone.is_set() or context.is_cancelled()

    def check(self) -> None:
        """Refuse to go on once the key is revoked or has expired."""
        state = self.asker.state
        if state.settings.insecure_no_auth or self._key is None:
            return
        if state.keys.principal(self._key) is None:
            raise HttpError(401, "Invalid API key")

    def failed(self, error: Exception) -> Exception:
        """Return what a handler raises for an error; the client and the log are told of it."""
        refusal = refusal_of(error, self.asker.trace_id)
        self.status, self.error = refusal.status, described(error)
        if self._context is not None:
            for name, value in refusal.trailers().items():
                self._context.add_trailer(name, value)
        return refusal.error()

    def sending_headers(self) -> dict[str, str]:
        """Return headers of the answer."""
        headers = {"x-bt-internal-trace-id": self.asker.trace_id}
        return headers if self._key is None else {**headers, "authorization": f"Bearer {self._key}"}

    def call_completed(self, exception: Exception | None) -> None:
        """Note that the call is over; pyarrow calls it for every call."""
        if self.status == _OK and (exception is not None or self.is_streaming):
            # The client went away in the middle.
            self.status = "CANCELLED"
        # What it points to is gone from here on.
        self._context = None
        self._calls.discard(self)
        seconds = time.perf_counter() - self._began
        self._calls.metrics.watch(self, seconds)
        noted(self.method, self.command, self.status, seconds, self)


def noted(method: str, command: str, status: str, seconds: float, call: FlightCall | None, error: str = "") -> None:
    """Write the line of a call into the log."""
    extra: dict[str, object] = {"status": status, "ms": round(seconds * 1_000, 1), "error": error or None}
    if call is not None:
        extra |= {"trace_id": call.asker.trace_id, "rows": call.rows, "bytes": call.bytes, "error": call.error}
    log.info("%s %s %s", method, command or "-", status, extra=extra)


class Calls(flight.ServerMiddlewareFactory):  # type: ignore[misc]  # pyarrow has no types for it
    """Makes calls, and knows those that run."""

    def __init__(self, state: State, metrics: FlightMetrics) -> None:
        self.state = state
        self.metrics = metrics
        self._running: set[FlightCall] = set()
        self._lock = Lock()
        self._slowed = Semaphore(_SLOWED_MAX)

    def start_call(self, info: flight.CallInfo, headers: Headers) -> FlightCall:
        """Return the call, once it is known who calls."""
        began = time.perf_counter()
        method = info.method.name.title().replace("_", "")
        try:
            principal, key = self._caller(headers.get("authorization", ()))
        except HttpError as error:
            refusal = refusal_of(error, "")
            noted(method, "", refusal.status, time.perf_counter() - began, None, described(error))
            raise refusal.error() from None
        return FlightCall(self, method, principal, key, headers)

    def add(self, call: FlightCall) -> None:
        """Count a call as running."""
        if self.state.stopping.is_set():
            raise HttpError(503, "the server is stopping", retry_after_s=1)
        with self._lock:
            self._running.add(call)

    def discard(self, call: FlightCall) -> None:
        """Count a call as over."""
        with self._lock:
            self._running.discard(call)

    def running(self) -> list[FlightCall]:
        """Return the calls that run."""
        with self._lock:
            return list(self._running)

    def _caller(self, sent: Sequence[str]) -> tuple[Principal, str | None]:
        keys = self.state.keys
        if self.state.settings.insecure_no_auth:
            # Clients that hand in a name and a password want to be given something for it.
            return keys.anonymous(), "anonymous" if sent else None
        if not sent:
            raise HttpError(401, "Missing API key: send `authorization: Bearer <key>`, or the key as a password")
        user, key = _user_and_key(sent[-1])
        principal = None if key is None else keys.principal(key)
        if principal is None or ("@" in user and user != principal.email):
            if self._slowed.acquire(blocking=False):
                try:
                    time.sleep(_SLOWED_S)
                finally:
                    self._slowed.release()
            raise HttpError(401, "Invalid API key")
        return principal, key


def _user_and_key(header: str) -> tuple[str, str | None]:
    """Return the name of a user, empty for none, and the key that came with it, None where there is none."""
    scheme, _, sent = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return "", sent.strip() or None
    if scheme.lower() != "basic":
        return "", None
    sent = sent.strip().rstrip("=")
    try:
        # Go's client leaves the padding out.
        user, colon, key = base64.b64decode(sent + "=" * (-len(sent) % 4), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", None
    return user, key if colon and key else None


def _number(text: str, name: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise FlightRefusal("INVALID_ARGUMENT", f"`x-btql-{name}` is a number, not `{text[:40]}`")
    return found


class Watch:
    """What a statement asks whether it may go on: the call that reads its rows, whichever that is."""

    def __init__(self, call: FlightCall) -> None:
        self.gone: Callable[[], bool] = call.gone

    def stop(self, seconds: float) -> Stop:
        """Return what ends the statement: after some seconds, or with the call."""
        return Stop(seconds, self._is_gone)

    def _is_gone(self) -> bool:
        return self.gone()


class Handshake(flight.ServerAuthHandler):  # type: ignore[misc]  # pyarrow has no types for it
    """Serves Flight's handshake; the headers of the call say who it is, and so do those of every other call."""

    def authenticate(self, outgoing: object, incoming: object) -> None:
        """Answer nothing: the headers of the answer have the key."""

    def is_valid(self, token: bytes) -> bytes:  # noqa: ARG002  as pyarrow calls it
        """Return no name for the caller: the call knows it already."""
        return b""
