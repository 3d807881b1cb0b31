"""Paths are looked up, and get the route that they would get if each were compared in turn."""

import pytest
from server_support.loops import run
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from btql_server.app import all_routes
from btql_server.http.router import LookedUp


class Named:
    """An application that tells its name and what was in the path."""

    def __init__(self, name):
        self.name = name

    async def __call__(self, scope, _receive, send):
        await send((self.name, scope["path_params"]))


def asked(router, path, method="GET"):
    answers = []

    async def send(answer):
        answers.append(answer)

    scope = {"type": "http", "method": method, "path": path, "root_path": "", "app": router}
    run(router(scope, None, send))
    return answers


@pytest.fixture
def router():
    return LookedUp(
        [
            Route("/a/{one}", Named("first"), methods=["GET"]),
            Route("/a/b", Named("hidden"), methods=["GET"]),
            Route("/c/d", Named("literal"), methods=["GET"]),
            Route("/c/{two}", Named("last"), methods=["GET"]),
        ]
    )


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/a/b", ("first", {"one": "b"})),
        ("/a/x", ("first", {"one": "x"})),
        ("/c/d", ("literal", {})),
        ("/c/x", ("last", {"two": "x"})),
    ],
)
def test_the_first_route_that_fits_answers(router, path, answer):
    assert asked(router, path) == [answer]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/c/d/", ("literal", {})),
        ("/c/x//", ("last", {"two": "x"})),
        ("/f/g/", ("rest", {"rest": "g/"})),
        ("/f/g\nh/i\n", ("rest", {"rest": "g\nh/i\n"})),
        ("//", ("root", {})),
    ],
)
def test_a_slash_too_many_is_left_out_and_nothing_else(path, answer):
    routes = [
        Route("/", Named("root"), methods=["GET"]),
        Route("/c/d", Named("literal"), methods=["GET"]),
        Route("/c/{two}", Named("last"), methods=["GET"]),
        Route("/f/{rest:path}", Named("rest"), methods=["GET"]),
    ]
    assert asked(LookedUp(routes), path) == [answer]


@pytest.mark.parametrize(("path", "method", "status"), [("/c/d", "POST", 405), ("/e", "GET", 404), ("/e/", "GET", 404)])
def test_what_has_no_route(router, path, method, status):
    with pytest.raises(HTTPException) as raised:
        asked(router, path, method)

    assert raised.value.status_code == status


def test_each_path_of_the_server_gets_the_route_that_comes_first():
    routes = [Route(path, Named(path)) for path in dict.fromkeys(one.path for one in all_routes())]
    router = LookedUp(routes)
    for route in routes:
        path = route.path.replace("{", "").replace("}", "")
        first = next(
            each for each in routes if each.matches({"type": "http", "path": path, "method": "GET"})[0] is Match.FULL
        )
        assert asked(router, path)[0][0] == first.path
