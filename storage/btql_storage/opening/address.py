"""Reads the address of a database, and finds the services that it leaves out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from btql_storage.addresses import shown
from btql_storage.errors import BadLocation
from btql_storage.opening.location import BUCKETS, CACHE_BYTES, Location

PARAMETERS = ("catalog", "redis", "cache", "cache_bytes", "endpoint")
PREFIX = "BTQL_"
_SHARED = ("postgresql", "postgres")
REDIS = ("redis", "rediss", "unix")
"""How an address of Redis begins."""
_SERVERS = ("http", "https", "grpc", "grpc+tls")
_EXAMPLE = "s3://bucket/prefix?catalog=postgresql://user@host/name"


def read(address: str) -> tuple[Location, dict[str, str]]:
    """Return what is before the parameters of an address, and the parameters."""
    body, _, query = address.partition("?")
    scheme = body.partition("://")[0].lower()
    if scheme == "file":
        return Location(_folder(address, body)), _parameters(address, query)
    if scheme in _SERVERS:
        # Not shown, as its only name may be a key.
        raise BadLocation(
            f"an address that begins with {scheme}:// is one of a server, and here a database is opened itself",
            "ask a server by `btql.connect` in Python, or by POST /btql",
        )
    if scheme not in BUCKETS:
        known = ", ".join(f"{each}://" for each in (*BUCKETS, "file"))
        raise BadLocation(
            f"`{shown(address)}` is no address of a database", f"give a folder, or an address that begins with {known}"
        )
    parts = urlsplit(body)
    if parts.username is not None or parts.password is not None:
        raise BadLocation(
            "there is a login in the address of a bucket",
            "leave it out: keys come from the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        )
    steps = [step for step in unquote(parts.path).split("/") if step]
    if not parts.netloc or ":" in parts.netloc or parts.fragment or not {".", ".."}.isdisjoint(steps):
        raise BadLocation(
            f"`{shown(address)}` names no place for a database",
            f"name {BUCKETS[scheme]} and a prefix, such as {_EXAMPLE}; `endpoint` says where a store of your own is",
        )
    return Location("/".join([f"{scheme}://{parts.netloc}", *steps]), is_bucket=True), _parameters(address, query)


def _folder(address: str, body: str) -> str:
    parts = urlsplit(body)
    path = unquote(parts.path)
    if parts.netloc not in ("", "localhost") or not path.strip("/"):
        raise BadLocation(f"`{shown(address)}` names no folder", "write file:///folder, with three slashes")
    return path


def _parameters(address: str, query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, _, value = part.partition("=")
        if name not in PARAMETERS:
            raise BadLocation(
                f"the address `{shown(address)}` has the unknown parameter `{shown(name)}`",
                f"it may have {', '.join(PARAMETERS)}; write & within a value as %26",
            )
        if not value or name in found:
            raise BadLocation(
                f"the address `{shown(address)}` has `{name}` {'twice' if value else 'without a value'}",
                "give each parameter one value",
            )
        # What has its slashes is an address as people copy it, whose own encoding is none of ours.
        found[name] = value if "://" in value else unquote(value)
    return found


def complete(
    base: Location,
    given: Mapping[str, str],
    environment: Mapping[str, str],
    configured: Mapping[str, str] | None = None,
) -> Location:
    """Return a location with the services that its address, the environment or a file names, in this order."""
    found = dict(configured or {})
    found |= {name: value for name in PARAMETERS if (value := environment.get(PREFIX + name.upper()))}
    found |= given
    catalog = _catalog(base, found.get("catalog"))
    redis = service_address("redis", found.get("redis"), REDIS)
    if redis is not None and (catalog is None or catalog.startswith("sqlite:")):
        raise BadLocation(
            f"`{base.files}` has Redis without a catalog that several machines can share",
            "add catalog=postgresql://user@host/name, or leave Redis out",
        )
    return replace(
        base,
        catalog=catalog,
        redis=redis,
        endpoint=service_address("endpoint", found.get("endpoint"), ("http", "https")),
        cache=Path(found["cache"]).expanduser() if "cache" in found else None,
        cache_bytes=_cache_bytes(found.get("cache_bytes")),
    )


def _catalog(base: Location, address: str | None) -> str | None:
    if address is None:
        if base.is_bucket:
            raise BadLocation(
                f"`{base.files}` has no catalog",
                "add ?catalog=postgresql://user@host/name, or, for one machine, ?catalog=sqlite:/path/catalog.sqlite; "
                "or set BTQL_CATALOG",
            )
        return None
    if address.startswith("sqlite:"):
        path = address.removeprefix("sqlite:").removeprefix("//")
        if not path.startswith("/") or path.endswith("/"):
            raise BadLocation(f"the catalog `{address}` is no file", "write sqlite:/path/catalog.sqlite")
        return f"sqlite:{path}"
    found = service_address("catalog", address, _SHARED, "sqlite:/path/catalog.sqlite")
    assert found is not None
    return f"postgresql://{found.partition('://')[2]}"


def service_address(name: str, address: str | None, schemes: tuple[str, ...], *others: str) -> str | None:
    """Return the address of a service; BadLocation, with its name, where it does not begin as one."""
    if address is None or ("://" in address and address.partition("://")[0] in schemes):
        return address
    known = " or ".join([f"{schemes[0]}://…", *others])
    raise BadLocation(f"`{shown(address)}` is no address for `{name}`", f"give it as {known}")


def _cache_bytes(text: str | None) -> int:
    from btql_storage.limits import size_of

    if text is None:
        return CACHE_BYTES
    size = size_of(text)
    if not size:
        raise BadLocation(f"`cache_bytes` is `{text}`", "give a number of bytes, or like 20GiB")
    return size
