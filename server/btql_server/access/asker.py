"""Whoever asks for something, through whichever door, and what became of it.

A request over HTTP is one (:class:`btql_server.http.call.Call`), a statement over another wire is one, too. What looks
at permissions, counts against limits, writes events or notes changes takes an :class:`Asker`, so that all doors use
the same functions: ``reading.running`` for queries, ``writing.store`` for events.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from btql_server.access.model import Level, Principal, Resource
from btql_server.http.errors import HttpError
from btql_server.registry.changes import Change

if TYPE_CHECKING:
    from btql_server.state import State

_DESCRIBED_CHARACTERS_MAX = 200


@dataclass(slots=True, eq=False)
class Asker:
    """Who asks, and what the process shares."""

    state: State
    principal: Principal
    trace_id: str
    """Also in the answer, in every error and in the log."""
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when the client went away or the server stops: whoever works for long looks at it."""
    touched: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """What was read or written: id to (kind, name)."""
    read: dict[tuple[str, str], None] = field(default_factory=dict[tuple[str, str], None])
    """The sources of statements, each once: kind, and id or name. Who may read them all may see what was answered."""
    changes: list[Change] = field(default_factory=list[Change])
    """What was changed, for the audit log. The registry adds its changes by itself."""
    stored_events: int = 0
    stored_bytes: int = 0
    """JSON of these events."""

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
