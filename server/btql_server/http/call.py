"""One request, as its handler sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from btql.errors import Cancelled
from btql_server.access.asker import Asker
from btql_server.http.errors import HttpError

if TYPE_CHECKING:
    from starlette.requests import Request

    from btql.execution.reader import Reader
    from btql_server.access.model import Principal
    from btql_server.state import State


class Call(Asker):
    """Who asks, and what they sent besides the body."""

    __slots__ = ("left", "reader", "request")

    def __init__(self, state: State, principal: Principal, request: Request, trace_id: str) -> None:
        super().__init__(state, principal, trace_id)
        self.request = request
        """Its headers and URL; the body was read and decoded already."""
        self.left = False
        """Whether it was the client who went away."""
        self.reader: Reader | None = None
        """Who takes the answer, once that is streamed."""

    def interrupt(self) -> None:
        """Have the request end: what is computed is stopped, and a client that takes nothing is not waited for."""
        self.gone.set()
        if self.reader is not None:
            self.reader.stop(Cancelled())

    @property
    def base_url(self) -> str:
        """Where the client reaches this server, without a slash at the end."""
        configured = self.state.settings.public_url
        return configured.rstrip("/") if configured else str(self.request.base_url).rstrip("/")


def uuid_of(text: str, what: str = "id") -> str:
    """Return an id in its usual spelling; 400 for a text that is no UUID."""
    try:
        return str(UUID(text))
    except ValueError:
        raise HttpError(400, f"Invalid request: `{what}` is not a UUID: `{text[:80]}`") from None
