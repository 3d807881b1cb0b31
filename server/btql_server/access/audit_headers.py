"""Audit headers: what a request was and what it touched, told to a proxy in between that keeps a log of its own.

A request with ``x-bt-enable-audit: true`` and a key gets, whatever its status:

- ``x-bt-audit-user-id``, ``x-bt-audit-user-email``: whose key it is; a service token has no email;
- ``x-bt-audit-normalized-url``: its path, with the names of parameters for their values: ``/v1/project/[id]``;
- ``x-bt-audit-resources``: JSON, ``{"v": 1, "p": …}``, where ``p`` is a JSON array of ``{"type", "id", "name"}``,
  compressed by gzip, in base64.

Proxies refuse long headers, so no more resources are listed than fit into 4 KiB; ``"truncated": true`` says that
there were more.
"""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping, Sequence

import orjson

from btql_server.access.objects import OF_PROJECT
from btql_server.http.seen import Seen

ASKED_BY = "x-bt-enable-audit"
RESOURCES_BYTES_MAX = 4_096
_PARAMETER = re.compile(r"\{(?:\w+_)?(\w+?)(?::path)?\}")


def audit_headers(seen: Seen) -> Mapping[str, str]:
    """Return the audit headers of an answer; none where nobody asked, or nobody is signed in."""
    call, route = seen.call, seen.route
    if call is None or route is None or call.principal.key_id is None:
        return {}
    if call.request.headers.get(ASKED_BY, "").strip().lower() != "true":
        return {}
    resources = [
        {"type": "project" if kind in OF_PROJECT else kind, "id": each, "name": name}
        for each, (kind, name) in call.touched.items()
    ]
    headers = {
        "x-bt-audit-user-id": call.principal.id,
        "x-bt-audit-normalized-url": _PARAMETER.sub(r"[\1]", route.path),
        "x-bt-audit-resources": packed(resources),
    }
    if call.principal.email is not None:
        headers["x-bt-audit-user-email"] = call.principal.email
    return headers


def packed(resources: Sequence[Mapping[str, str]]) -> str:
    """Return the value of ``x-bt-audit-resources``, with as many resources as there is room for."""
    whole = _pack(resources, truncated=False)
    if len(whole) <= RESOURCES_BYTES_MAX:
        return whole
    # The most that fit: what compression saves is not known before.
    fits, too_many = 0, len(resources)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if len(_pack(resources[:middle], truncated=True)) <= RESOURCES_BYTES_MAX:
            fits = middle
        else:
            too_many = middle
    return _pack(resources[:fits], truncated=True)


def _pack(resources: Sequence[Mapping[str, str]], *, truncated: bool) -> str:
    payload = base64.b64encode(gzip.compress(orjson.dumps(list(resources)), mtime=0)).decode()
    return orjson.dumps({"v": 1, "p": payload, **({"truncated": True} if truncated else {})}).decode()
