"""One request, as its handler sees it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from starlette.requests import Request

from btql_server.access.model import Level, Principal, Resource
from btql_server.http.errors import HttpError
from btql_server.registry.changes import Change

if TYPE_CHECKING:
    from btql_server.state import State

_DESCRIBED_CHARACTERS_MAX = 200


@dataclass(slots=True, eq=False)
class Call:
    """Who asks, what they sent besides the body, and what the process shares."""

    state: State
    principal: Principal
    request: Request
    """Its headers and URL; the body was read and decoded already."""
    trace_id: str
    """Also in the answer's ``x-bt-internal-trace-id`` and in every error."""
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when the client went away or the server stops: whoever works for long looks at it."""
    left: bool = False
    """Whether it was the client who went away."""
    touched: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """What the request read or wrote, for audit headers: id to (kind, name)."""
    changes: list[Change] = field(default_factory=list[Change])
    """What the request changed, for the audit log. The registry adds its changes by itself."""

    stored_events: int = 0
    stored_bytes: int = 0
    """JSON of these events."""

    @property
    def base_url(self) -> str:
        """Where the client reaches this server, without a slash at the end."""
        configured = self.state.settings.public_url
        return configured.rstrip("/") if configured else str(self.request.base_url).rstrip("/")

    def require(self, level: Level, resource: Resource | None, described: str | None = None) -> Resource:
        """Return the resource if the principal has a level there; Forbidden also where there is no such thing.

        ``described`` says what was asked for, such as ``experiment id 84c6…``, where there is no resource.
        """
        if resource is not None and self.principal.level(resource) >= level:
            return resource
        if described is None and resource is not None:
            described = f"{resource.kind} id {resource.id}"
        raise forbidden(self.principal, level, described or "this")

    def require_organization(self, level: Level) -> Resource:
        """Return the principal's organization if the principal has a level on the whole of it."""
        return self.require(level, Resource(self.principal.org_id), f"organization {self.principal.org_name}")


def forbidden(principal: Principal, level: Level, described: str) -> HttpError:
    """Return the answer to a request without permission; it does not tell whether the thing exists."""
    who = f"[user_email={principal.email or ''}] [user_org={principal.org_name}]"
    kind = described.split(" ", 1)[0]
    # It holds what the client sent, and goes to the log and the audit log, too.
    described = described[:_DESCRIBED_CHARACTERS_MAX]
    message = f"Missing {level.name.lower()} access to {described}, or the {kind} does not exist {who}"
    return HttpError(403, message)


def uuid_of(text: str, what: str = "id") -> str:
    """Return an id in its usual spelling; 400 for a text that is no UUID."""
    try:
        return str(UUID(text))
    except ValueError:
        raise HttpError(400, f"Invalid request: `{what}` is not a UUID: `{text[:80]}`") from None
