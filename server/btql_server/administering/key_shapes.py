"""What requests about keys say, and what their answers look like."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from btql_server.http.paging import PageQuery

_Name = Annotated[str, Meta(min_length=1, max_length=256)]


class KeyLimits(Struct, kw_only=True):
    """What a new key is called and what it is for."""

    name: _Name
    org_name: str | None = None
    level: Literal["read", "write", "admin"] | None = None
    """The most that it allows; whatever its owner may, if none is given."""
    project_id: str | None = None
    """The only project that it is for."""
    expires_at: datetime | None = None


class NewApiKey(KeyLimits, kw_only=True):
    """A key for a user."""

    user_id: str | None = None
    """Whoever asks, if none is given."""


class NewServiceToken(KeyLimits, kw_only=True):
    """A key for a service token."""

    service_account_id: str


class NamedServiceToken(Struct):
    """Which service token's key is meant."""

    id: str


class KeyShape(Struct, kw_only=True):
    """What is known of any key."""

    id: str
    created: str
    name: str
    preview_name: str
    org_id: str
    level: str
    project_id: str | None
    expires_at: str | None
    last_used_at: str | None


class ApiKey(KeyShape, kw_only=True):
    """A user's key."""

    user_id: str
    user_email: str | None
    user_given_name: str | None
    user_family_name: str | None


class MadeApiKey(ApiKey, kw_only=True):
    """A user's key, with its text, this once."""

    key: str


class ServiceToken(KeyShape, kw_only=True):
    """A service token's key."""

    service_account_id: str
    service_account_email: str | None
    service_account_name: str | None


class MadeServiceToken(ServiceToken, kw_only=True):
    """A service token's key, with its text, this once."""

    key: str


class ApiKeys(Struct):
    """A page of users' keys."""

    objects: list[ApiKey]


class ServiceTokens(Struct):
    """A page of service tokens' keys."""

    objects: list[ServiceToken]


class ApiKeyQuery(PageQuery):
    """Which users' keys to list."""

    api_key_name: str | None = None
    org_name: str | None = None


class OrganizationKeysQuery(PageQuery):
    """Which users' keys of an organization to list."""

    api_key_name: str | None = None
    org_id: str | None = None
    created_after: datetime | None = None
    """Keys made then, or later."""
    created_before: datetime | None = None
    """Keys made then, or earlier."""


class ServiceTokenQuery(PageQuery):
    """Which service tokens' keys to list."""

    service_token_name: str | None = None
    org_name: str | None = None
