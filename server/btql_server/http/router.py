"""From a path to its route: one without parameters is looked up, any other is compared with each route in turn.

Starlette's router compares every path with some hundred patterns, which is no small part of a small request's way.
A slash at the end of a path that no route has is one too many, and is left out. To redirect, as the router would, takes
an address that clients reach, which a server behind a proxy does not know: they were led from https to http.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.routing import Match, Route, Router
from starlette.types import Receive, Scope, Send


class LookedUp:
    """Starlette's router, behind a table of the paths that have no parameters."""

    def __init__(self, routes: Sequence[Route]) -> None:
        for route in routes:
            # Names in a path may have line breaks.
            route.path_regex = re.compile(route.path_regex.pattern, re.DOTALL)
        self._routes = routes
        self._router = Router(routes, redirect_slashes=False)
        literal = {route.path for route in routes if not route.param_convertors}
        self._literal = {path: _first(routes, path) for path in literal}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["path"].endswith("/") and not any(each.matches(scope)[0] is Match.FULL for each in self._routes):
            scope["path"] = scope["path"].rstrip("/") or "/"
        route = self._literal.get(scope["path"])
        if route is None:
            await self._router(scope, receive, send)
            return
        scope["endpoint"], scope["path_params"] = route.endpoint, {}
        await route.handle(scope, receive, send)


def _first(routes: Sequence[Route], path: str) -> Route | None:
    """Return the route that answers a path; None where one with parameters comes before."""
    scope: Scope = {"type": "http", "path": path, "root_path": "", "method": ""}
    first = next(route for route in routes if route.matches(scope)[0] is not Match.NONE)
    return None if first.param_convertors else first
