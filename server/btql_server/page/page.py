"""The page's files: HTML that is asked for anew each time, and the rest under the digest of all of them.

What lies under a digest never changes, so browsers keep it for ever; a new version of the package has another one.
The content security policy allows scripts, styles and requests of this server alone: nothing that a trace says, and
it says whatever a language model says, can make the page run or load anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from btql_server.http.answer import Answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.routes import Routes

routes = Routes("Page")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Site:
    """All files of the page."""

    digest: str
    """Of all files together."""
    index: bytes
    """The HTML, with the digest in its links."""
    files: Mapping[str, bytes]
    """Whatever else there is, by name."""


@cache
def site() -> Site:
    """Return the files as they were installed."""
    folder = files("btql_server.page").joinpath("static")
    found = {entry.name: entry.read_bytes() for entry in folder.iterdir()}
    digest = sha256(b"\0".join(part for name in sorted(found) for part in (name.encode(), found[name]))).hexdigest()[
        :16
    ]
    modules = sorted(name for name in found if name.endswith(".js"))
    # Without this, a browser learns of a module only from the one that imports it.
    preloads = "\n    ".join(f'<link rel="modulepreload" href="page/{digest}/{name}">' for name in modules)
    index = found.pop("index.html").decode().replace("{{digest}}", digest).replace("{{preloads}}", preloads)
    return Site(digest, index.encode(), found)


@routes.get("/", answer="text/html", public=True)
def index(call: Call) -> Answer:
    """Return the page for people."""
    headers = {
        "cache-control": "no-cache",
        "content-security-policy": POLICY,
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
    }
    return unless_known(call, site().index, "text/html; charset=utf-8", headers)


@routes.get("/page/{digest}/{name}", answer="text/javascript", public=True)
def file(call: Call, digest: str, name: str) -> Answer:
    """Return a file of the page."""
    content = site().files.get(name) if digest == site().digest else None
    if content is None:
        raise HttpError(404, "there is no such file; reload the page if the server was updated")
    headers = {"cache-control": _FOR_EVER, "content-security-policy": POLICY}
    return unless_known(call, content, _MEDIA[name.rpartition(".")[2]], headers)


def unless_known(call: Call, content: bytes, media: str, headers: Mapping[str, str]) -> Answer:
    """Return a body, or that the browser has it already."""
    # Weak, because compressed bytes are other bytes.
    tag = f'W/"{sha256(content).hexdigest()[:16]}"'
    known = [each.strip() for each in call.request.headers.get("if-none-match", "").split(",")]
    headers = {**headers, "etag": tag}
    if tag in known or "*" in known:
        return Answer(status=304, headers=headers)
    return Answer(content, media, headers=headers)
