"""From answered requests and statements to rows of the audit log: what changed, or who was refused."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from btql_server.access.asker import Asker
from btql_server.access.audit_log import Occasion, Row, actor_of, row
from btql_server.http.call import Call
from btql_server.http.routes import Route
from btql_server.http.seen import Seen
from btql_server.registry.changes import Change


async def record(seen: Seen, status: int) -> None:
    """Make the rows about a request durable, before its answer is sent."""
    if seen.call is None or seen.route is None:
        return
    rows = rows_about(seen.call, seen.route, status, seen.error)
    if rows:
        await asyncio.wrap_future(seen.call.state.audit.add(seen.call.principal.org_id, rows))


async def record_statement(asker: Asker, door: str, client: str | None) -> None:
    """Make the rows about a statement that came over another wire than HTTP durable, before it is answered."""
    if asker.changes:
        occasion = Occasion(actor_of(asker.principal), door, None, asker.trace_id, client)
        rows = [row(occasion, change) for change in asker.changes]
        await asyncio.wrap_future(asker.state.audit.add(asker.principal.org_id, rows))


def rows_about(call: Call, route: Route, status: int, error: str | None) -> Sequence[Row]:
    """Return the rows about a request; none where it changed nothing and was not refused a change."""
    client = call.request.client
    occasion = Occasion(
        actor_of(call.principal), route.name, status, call.trace_id, None if client is None else client.host
    )
    if call.changes:
        return [row(occasion, change) for change in call.changes]
    # Whoever comes without a key, with an address that nobody signed, must not fill anybody's log.
    if status == 403 and route.method != "GET" and not route.public:
        asked_for = next((call.request.path_params[name] for name in route.parameters), "")
        return [row(occasion, Change("refused", "", asked_for, detail=error))]
    return []
