"""Two `btql serve`, as on two machines, over one bucket, one PostgreSQL and one Redis."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from server_support.serving import Serving, btql_serve

from btql_storage.opening.marker import MARKER
from btql_storage.stores.remote import Remote

PASSWORD = "not-to-be-seen"


@dataclass
class Pair:
    """Two servers of one database, and a key that both know."""

    first: Serving
    second: Serving
    key: str
    bucket: Remote

    def post(self, server: Serving, path: str, body: object) -> httpx.Response:
        return httpx.post(
            server.url + path, json=body, headers={"authorization": f"Bearer {self.key}"}, timeout=60, verify=False
        )

    def ask(self, server: Serving, query: str) -> list[dict[str, object]]:
        answer = self.post(server, "/btql", {"query": query})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "btql", *arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture
def pair(s3, postgres_url: str, redis_url: str, tmp_path: Path) -> Generator[Pair]:
    files, endpoint = s3
    catalog = postgres_url.replace("postgres@", f"postgres:{PASSWORD}@")
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(
            f'files = "{files}"\ncatalog = "{catalog}"\nredis = "{redis_url}"\nendpoint = "{endpoint}"\n'
            f'cache = "cache-{name}"\n'
        )
    made = run("keys", "create", "--data", str(tmp_path / "a.toml"), "--user", "ann@example.com", "--level", "admin")
    assert made.returncode == 0, made.stderr
    with ExitStack() as stack, ThreadPoolExecutor() as threads:
        opening = [threads.submit(stack.enter_context, btql_serve(tmp_path / f"{name}.toml")) for name in ("a", "b")]
        first, second = [each.result() for each in opening]
        yield Pair(first, second, made.stdout.strip(), Remote(files, endpoint=endpoint))
    assert PASSWORD not in made.stderr + first.log.read_text() + second.log.read_text()


def test_what_one_server_stores_the_other_one_has(pair: Pair, tmp_path: Path):
    project = pair.post(pair.first, "/v1/project", {"name": "shared"}).json()["id"]
    rows = f"select: id | from: project_logs('{project}') | sort: id asc"
    for number, server in enumerate([pair.first, pair.second] * 3):
        event = {"events": [{"id": f"r{number}", "input": "hello"}]}
        assert pair.post(server, f"/v1/project_logs/{project}/insert", event).status_code == 200
        other = pair.second if server is pair.first else pair.first
        assert len(pair.ask(other, rows)) == number + 1

    # A file that is uploaded here is downloaded there.
    attachment = {"key": str(uuid4()), "filename": "f.txt", "content_type": "text/plain"}
    place = pair.post(pair.first, "/attachment", attachment).json()["signedUrl"]
    assert httpx.put(place, content=b"0123456789").status_code == 200
    assert httpx.put(place, content=b"0123456789").status_code == 200, "a client may not have got the answer"
    assert httpx.put(place, content=b"another").status_code == 409
    found = httpx.get(
        f"{pair.second.url}/attachment",
        params={"key": attachment["key"]},
        headers={"authorization": f"Bearer {pair.key}"},
    ).json()
    assert found["status"] == {"upload_status": "done"}
    assert httpx.get(found["downloadUrl"]).content == b"0123456789"
    assert httpx.get(found["downloadUrl"], headers={"range": "bytes=2-4"}).content == b"234"
    assert httpx.get(found["downloadUrl"], headers={"range": "bytes=99-"}).status_code == 416

    # So is a large batch.
    batch = json.dumps({"rows": [{"project_id": project, "log_id": "g", "id": "z"}], "api_version": 2})
    overflow = pair.post(pair.first, "/logs3/overflow", {"size_bytes": len(batch)}).json()
    assert httpx.put(overflow["signedUrl"], content=batch).status_code == 200
    named = {"rows": {"type": "logs3_overflow", "key": overflow["key"]}, "api_version": 2}
    assert pair.post(pair.second, "/logs3", named).status_code == 200
    assert len(pair.ask(pair.first, rows)) == 7

    # Rows of a query in the background are on the machine that was asked.
    job = pair.post(pair.first, "/btql/async", {"query": rows}).json()["id"]
    key = {"authorization": f"Bearer {pair.key}"}
    assert httpx.get(f"{pair.first.url}/btql/async/{job}", headers=key).status_code == 200
    elsewhere = httpx.get(f"{pair.second.url}/btql/async/{job}", headers=key)
    assert elsewhere.status_code == 403
    assert "only the server that began it knows it" in elsewhere.json()["Message"]

    # One dies, the other goes on.
    pair.first.stop(signal.SIGKILL)
    event = {"events": [{"id": "after", "input": "hello"}]}
    assert pair.post(pair.second, f"/v1/project_logs/{project}/insert", event).status_code == 200
    assert len(pair.ask(pair.second, rows)) == 8
    checked = run("check", str(tmp_path / "b.toml"), "--services", "--json")
    assert checked.returncode == 0, checked.stdout
    assert {json.loads(line)["service"] for line in checked.stdout.splitlines()} == {
        *("files", "cache", "catalog", "redis"),
    }
    assert PASSWORD not in checked.stdout + checked.stderr

    # Whoever looks after it is told when the files are gone.
    assert httpx.get(f"{pair.second.url}/readyz").status_code == 200
    pair.bucket.delete([MARKER])
    gone = httpx.get(f"{pair.second.url}/readyz")
    assert gone.status_code == 503
    assert "there is no `btql.json`" in gone.json()["Message"]
