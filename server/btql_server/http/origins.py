"""Who may ask a server that checks no keys: programs of its machine, its own page, and pages that it was told of.

Such a server listens on its own machine alone. But a browser there sends it what any page tells it to, and a page of
whoever owns a name may have that name lead to this machine. Where keys are checked, such a page would have to know one.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from btql_server.http.errors import HttpError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from btql_server.settings import Settings

KNOWN = r"https://(www\.braintrust\.dev|www\.braintrustdata\.com|[\w-]+\.preview\.braintrust\.dev)"
"""Origins of Braintrust's own pages."""


def check_asker(headers: Mapping[str, str], settings: Settings) -> None:
    """Refuse a request of a page that is not this server's, or that was led here by a name of somebody else."""
    host = headers.get("host", "").lower()
    reached = urlsplit(settings.public_url or "").netloc.lower()
    if host != reached and not _is_of_machine(host, settings.http[0]):
        raise HttpError(
            403, f"a server without keys is not asked as `{host[:80]}`: `--public-url` says where clients reach it"
        )
    origin = headers.get("origin")
    if origin is None or origin.lower().partition("://")[2] in {host, reached} - {""}:
        return
    if origin not in settings.origins and not re.fullmatch(KNOWN, origin):
        raise HttpError(
            403, f"a server without keys is not asked by pages of `{origin[:80]}`: `--origin` allows those of an origin"
        )


def _is_of_machine(host: str, listened: str) -> bool:
    """Whether nobody else can have a name lead here: an address, a name without a dot, what the server listens as."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return False
    if "." not in name or name == listened.lower() or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
