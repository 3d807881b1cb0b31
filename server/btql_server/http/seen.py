"""What is noted of one request while it is answered: for the log, the metrics and the audit headers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from btql_server.http.call import Call
    from btql_server.http.routes import Route


@dataclass(slots=True)
class Seen:
    """One request, so far."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Of the request, by their names in lower case."""
    trace_id: str = field(default_factory=lambda: uuid4().hex)
    began: float = field(default_factory=time.perf_counter)
    route: Route | None = None
    """None where no route has the path, or not for this method."""
    token: str | None = None
    """That is part of the path."""
    call: Call | None = None
    """None where the request was refused before its handler."""
    status: int = 0
    """0 until the answer begins."""
    recorded: bool = False
    """Whether the audit log was told of it."""
    received_bytes: int = 0
    """Of the body, as it was sent."""
    sent_bytes: int = 0
    error: str | None = None

    @property
    def public_path(self) -> str:
        """The path as logs have it: without the token of a signed address, which is as good as a key for a while."""
        return self.path if self.token is None else self.path.replace(self.token, "{token}")

    @property
    def broken(self) -> bool:
        """Whether the answer ended before it was complete."""
        return self.error is not None and 0 < self.status < 400

    @property
    def seconds(self) -> float:
        """How long ago the request came."""
        return time.perf_counter() - self.began
