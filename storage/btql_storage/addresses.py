"""Addresses of services as messages show them: never with a password.

An address may hold others in its parameters, as that of a database does::

    s3://traces/prod?catalog=postgresql://btql:secret@db/btql    as it is given
    s3://traces/prod?catalog=postgresql://btql:***@db/btql       as it is shown
"""

from __future__ import annotations

import re
from urllib.parse import unquote

HIDDEN = "***"
_ENCODED = re.compile(r"%3A(?:%2F){2}", re.IGNORECASE)
# A password should have no / or &, but whoever forgets to encode one is not to find it in a log. So everything up to
# the last @ counts, unless what is before it is plainly host, port and path.
_LOGIN = re.compile(r"(://[^:/?#@&\s]*):(?!\d{1,5}(?:[/?#&\s]|\Z))(?:[^\s&]*|\S*)@")
_SECRET = re.compile(
    r"([?&;][^=&;?\s]*(?:password|passwd|secret|token|signature|credential|key)[^=&;?\s]*=)[^&;\s]*", re.IGNORECASE
)


def shown(address: str) -> str:
    """Return an address, or a text with some, as anybody may see it."""
    parts = (unquote(part) if _ENCODED.search(part) else part for part in address.split("&"))
    return _SECRET.sub(rf"\g<1>{HIDDEN}", _without_login("&".join(map(_without_login, parts))))


def _without_login(text: str) -> str:
    return _LOGIN.sub(rf"\g<1>:{HIDDEN}@", text)
