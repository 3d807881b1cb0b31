"""API keys: from the text in an ``Authorization`` header to a principal.

A key is shown once, when it is made; stored is only its hash.
"""

from __future__ import annotations

from btql_server.access.model import ORGANIZATION, Level, Principal
from btql_server.registry.store import Registry

NOBODY_ID = "00000000-0000-0000-0000-000000000000"


class Keys:
    """The keys of one registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def principal(self, key: str) -> Principal | None:
        """Return whoever a key belongs to; None for a key that is unknown, revoked or expired."""
        return None

    def anonymous(self) -> Principal:
        """Return who asks a server that checks no keys: the owner of the default organization."""
        organization = self._registry.default_organization()
        grants = {ORGANIZATION: Level.ADMIN}
        return Principal(NOBODY_ID, "anonymous", organization.id, organization.name or "", grants=grants)
