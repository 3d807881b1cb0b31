"""How a handler is declared: its method, its path, and by its parameters what it takes.

::

    routes = Routes("Projects")

    @routes.post("/v1/project", answer=Project)
    def create(call: Call, body: NewProject) -> Answer:
        \"\"\"Make a project, or return the one of that name.\"\"\"

Parameters have fixed names: ``call``; ``body``, a ``msgspec.Struct`` that the JSON body is decoded to, or
``bytes`` for the body as it is, ``Upload`` for one in a file; ``query``, a Struct of the URL's parameters; and one
``str`` for each ``{name}`` of the path. A request may leave out a ``body`` that has a default. From this declaration
follow decoding, the OpenAPI document, and the test that asks every route with every kind of key. Whoever needs no
key says ``public=True``; all other handlers ask ``call.require``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, get_type_hints

from btql_server.http.answer import Answer
from btql_server.http.pools import PoolName

Handler: TypeAlias = Callable[..., Answer]
H = TypeVar("H", bound=Handler)
_PARAMETER = re.compile(r"\{(\w+)(?::path)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the server."""

    method: str
    path: str
    handler: Handler
    tag: str
    """The heading in the OpenAPI document."""
    public: bool
    pool: PoolName
    body: type | None
    """A Struct, or ``bytes`` for a body that the handler reads by itself."""
    query: type | None
    answer: object
    """For the OpenAPI document: the type of the JSON answer, its media type, or media types, each with its type."""
    parameters: tuple[str, ...]
    """The names in the path."""
    room: Callable[..., int] | None = None
    """With the call and the parameters of the path: how large a body that is a file may be, or why none is taken."""
    takes: Mapping[str, object] | None = None
    """For the OpenAPI document: media types of a body that the handler reads by itself, each with its type."""
    needs_body: bool = True
    """Whether a request without a body has none of what the handler takes."""

    @property
    def name(self) -> str:
        """Method and path, as people write it."""
        return f"{self.method} {self.path}"


class Routes:
    """The routes of one module."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.all: list[Route] = []

    def add(
        self,
        method: str,
        path: str,
        *,
        answer: object = None,
        pool: PoolName = "small",
        public: bool = False,
        room: Callable[..., int] | None = None,
        takes: Mapping[str, object] | None = None,
    ) -> Callable[[H], H]:
        """Declare a handler."""

        def declare(handler: H) -> H:
            hints = get_type_hints(handler)
            declared = inspect.signature(handler).parameters
            names = tuple(declared)
            parameters = tuple(_PARAMETER.findall(path))
            unknown = set(names) - {"call", "body", "query", *parameters}
            assert not unknown, f"{method} {path}: unknown parameters {sorted(unknown)}"
            route = Route(
                method,
                path,
                handler,
                self._tag,
                public,
                pool,
                hints.get("body"),
                hints.get("query"),
                answer,
                parameters,
                room,
                takes,
                "body" not in declared or declared["body"].default is inspect.Parameter.empty,
            )
            self.all.append(route)
            return handler

        return declare

    def get(
        self, path: str, *, answer: object = None, pool: PoolName = "small", public: bool = False
    ) -> Callable[[H], H]:
        """Declare the handler of a GET."""
        return self.add("GET", path, answer=answer, pool=pool, public=public)

    def post(
        self,
        path: str,
        *,
        answer: object = None,
        pool: PoolName = "small",
        public: bool = False,
        takes: Mapping[str, object] | None = None,
    ) -> Callable[[H], H]:
        """Declare the handler of a POST."""
        return self.add("POST", path, answer=answer, pool=pool, public=public, takes=takes)

    def put(
        self,
        path: str,
        *,
        answer: object = None,
        pool: PoolName = "small",
        public: bool = False,
        room: Callable[..., int] | None = None,
    ) -> Callable[[H], H]:
        """Declare the handler of a PUT."""
        return self.add("PUT", path, answer=answer, pool=pool, public=public, room=room)

    def patch(
        self, path: str, *, answer: object = None, pool: PoolName = "small", public: bool = False
    ) -> Callable[[H], H]:
        """Declare the handler of a PATCH."""
        return self.add("PATCH", path, answer=answer, pool=pool, public=public)

    def delete(
        self, path: str, *, answer: object = None, pool: PoolName = "small", public: bool = False
    ) -> Callable[[H], H]:
        """Declare the handler of a DELETE."""
        return self.add("DELETE", path, answer=answer, pool=pool, public=public)
