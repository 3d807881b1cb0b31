"""Requests made up from the OpenAPI document, right ones and wrong ones, to every operation.

No answer is a failure of the server's, and every answer has a status, a media type and a shape that the document
tells. What is made up at random would rarely get past the first look at an id or a query, so some ids are replaced by
ones that exist, and some queries by ones that run. `make fuzz-http SECONDS=600` asks for longer, with other seeds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from zlib import crc32

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from server_support.serving import btql_serve

from btql_server.app import all_routes
from btql_server.operating.openapi import document

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
DOCUMENT = document(all_routes())
OPERATIONS = len(all_routes())
# To make one up and to look at its answer takes about a fiftieth of a second.
EXAMPLES = int(SECONDS * 50 / OPERATIONS) or 4
CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
)
schema = schemathesis.openapi.from_dict(DOCUMENT)
# One wrong request for each constraint of each field: a thousand for some operations.
schema.config.phases.coverage.enabled = SECONDS > 0


@schemathesis.serializer("application/x-protobuf")
def as_protobuf(_: object, value: object) -> bytes:
    """Return a made-up body as it is sent: any bytes, most of which are no message."""
    return value if isinstance(value, bytes) else str(value).encode()


class World:
    """A server that has something of everything."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.ids: list[str] = []
        self.queries: list[str] = []
        with httpx.Client(base_url=url, timeout=60) as client:
            self._fill(client)

    def _fill(self, client: httpx.Client) -> None:
        def made(path: str, **body: object) -> str:
            answer = client.post(path, json=body)
            assert answer.is_success, answer.text
            self.ids.append(answer.json()["id"])
            return self.ids[-1]

        project = made("/v1/project", name="made up")
        for kind in ("experiment", "dataset"):
            made(f"/v1/{kind}", project_id=project, name=f"a {kind}")
        made("/v1/prompt", project_id=project, name="a prompt", slug="a-prompt", prompt_data={})
        places = [{"project_id": project, "log_id": "g"}, {"experiment_id": self.ids[1]}, {"dataset_id": self.ids[2]}]
        rows = [{"id": f"row {n}", "input": n, "expected": {"n": [n]}, "scores": {"s": n / 4}} for n in range(5)]
        answer = client.post("/logs3", json={"rows": [row | place for place in places for row in rows]})
        assert answer.is_success, answer.text
        self.ids.append("row 1")
        for source in (f"project_logs('{project}')", f"experiment('{self.ids[1]}')", f"dataset('{self.ids[2]}')"):
            self.queries += [f"select: * | from: {source}", f"measures: count(1) as n | from: {source}"]
            self.queries += [f"SELECT id, input FROM {source} ORDER BY input LIMIT 2"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with btql_serve(tmp_path_factory.mktemp("made-up") / "db", "--insecure-no-auth") as server:
        yield World(server.url)
        server.stop()
        assert "a request failed" not in server.log.read_text()


def one_of(known: Sequence[str], made_up: object) -> object:
    """Return a value that exists in place of about half of those that are made up, always the same one."""
    number = crc32(json.dumps(made_up, default=repr, sort_keys=True).encode())
    return known[number // 2 % len(known)] if number % 2 else made_up


def with_ids(values: object, world: World, is_id: Callable[[str], bool]) -> object:
    """Return names with values, some ids among them replaced by ones that exist."""
    if not isinstance(values, Mapping):
        return values
    return {name: one_of(world.ids, value) if is_id(name) else value for name, value in values.items()}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=not SECONDS,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
def test_every_answer_is_one_that_the_document_tells(case, world):
    case.path_parameters = with_ids(case.path_parameters, world, lambda _: True)
    case.query = with_ids(case.query, world, lambda name: name.endswith(("id", "ids")))
    case.body = with_ids(case.body, world, lambda name: name.endswith(("id", "ids")))
    if case.path == "/btql" and isinstance(case.body, dict) and "query" in case.body:
        case.body["query"] = one_of(world.queries, case.body["query"])
    case.call_and_validate(base_url=world.url, checks=CHECKS, timeout=60)
