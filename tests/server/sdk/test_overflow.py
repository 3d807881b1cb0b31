"""Rows that are larger than one request may be; against a server with small limits."""

from __future__ import annotations

import pytest
from server_support.clients import Api

from btql_server.running import running
from btql_server.settings import Limits, Settings

pytestmark = pytest.mark.slow

LIMIT = 100_000


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    limits = Limits(logs3_payload_bytes_max=LIMIT)
    settings = Settings(tmp_path_factory.mktemp("small") / "db", ("127.0.0.1", 0), insecure_no_auth=True, limits=limits)
    with running(settings) as url, Api(url, "sk-any") as found:
        yield found


def test_large_rows_go_by_an_upload(small, sdk, project):
    assert small.http.get("/version").json()["logs3_payload_max_bytes"] == LIMIT
    said = sdk.run(small, "overflow", project)
    rows = small.query(
        f"select: span_attributes.name as name, len(input) as size, metadata.size as meant "
        f"| from: project_logs('{said['project_id']}')"
    )
    assert sorted((row["name"], row["size"], row["meant"]) for row in rows) == [
        ("large", 300_000, 300_000),
        ("last", 20, 20),
        ("small", 10, 10),
    ]
    if sdk.version == "0.48.1":
        assert said["uploads"] == 1
