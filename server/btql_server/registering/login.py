"""Login: where an SDK learns its organization and the addresses to talk to."""

from __future__ import annotations

from msgspec import Struct

from btql_server.http.answer import Answer, json_answer, text_answer
from btql_server.http.call import Call
from btql_server.http.routes import Routes

routes = Routes("Login")


class GitMetadata(Struct):
    """What SDKs may collect about the repository that they run in."""

    collect: str


class OrganizationInfo(Struct):
    """An organization of the key, and where it is served."""

    id: str
    name: str
    api_url: str
    proxy_url: str
    realtime_url: str | None
    is_universal_api: bool | None
    git_metadata: GitMetadata


class LoginAnswer(Struct):
    """The organizations of the key: one."""

    org_info: list[OrganizationInfo]


# SDKs send no body, but some of them a content type: so the route takes none.
@routes.post("/api/apikey/login", answer=LoginAnswer)
def login(call: Call) -> Answer:
    """Return the organization of the key."""
    organization: dict[str, object] = {
        "id": call.principal.org_id,
        "name": call.principal.org_name,
        "api_url": call.base_url,
        "proxy_url": call.base_url,
        "realtime_url": None,
        "is_universal_api": None,
        # Without this, old SDKs upload the repository's state, the whole diff included.
        "git_metadata": {"collect": "none"},
    }
    return json_answer({"org_info": [organization]})


@routes.get("/v1", answer="text/plain", public=True)
def hello(call: Call) -> Answer:
    """Say that this is the API."""
    del call
    return text_answer("Hello, World!")
