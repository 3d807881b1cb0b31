"""Permission for what belongs to an organization, not to any of its objects: uploads."""

from __future__ import annotations

from btql_server.access.asker import forbidden
from btql_server.access.model import Level
from btql_server.http.call import Call


def require_anywhere(call: Call, level: Level) -> None:
    """Check that the principal has a level on anything of its organization."""
    principal = call.principal
    granted = max(principal.grants.values(), default=Level.NONE)
    if min(granted, principal.key_level) < level:
        raise forbidden(principal, level, f"organization {principal.org_name}")
