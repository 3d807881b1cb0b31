"""Keys where several processes serve: what one of them is told holds for all, at once, and outlives a crash."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection

import httpx
from server_support.serving import btql_serve, new_key

ROUNDS = 2
REQUESTS = 30


def test_a_key_that_is_revoked_is_taken_by_no_worker(tmp_path):
    data = tmp_path / "db"
    admin = {"authorization": f"Bearer {new_key(data, '--user', 'ann@example.com', '--level', 'admin')}"}
    with (
        btql_serve(data, "--workers", "2") as server,
        ThreadPoolExecutor(8) as threads,
        httpx.Client(base_url=server.url, headers=admin, timeout=60) as client,
    ):

        def statuses(key):
            def ask(_):
                # A connection each: so both workers are asked.
                with closing(HTTPConnection(server.url.removeprefix("http://"), timeout=60)) as connection:
                    connection.request("GET", "/api/self/me", headers={"authorization": f"Bearer {key}"})
                    return connection.getresponse().status

            return set(threads.map(ask, range(REQUESTS)))

        for round_ in range(ROUNDS):
            made = client.post("/v1/api_key", json={"name": f"key {round_}"}).json()
            assert statuses(made["key"]) == {200}
            if round_ % 2:
                command = [sys.executable, "-m", "btql", "keys", "revoke", made["key"], "--data", str(data)]
                subprocess.run(command, check=True, timeout=60, capture_output=True)
            else:
                client.delete(f"/v1/api_key/{made['id']}").raise_for_status()
            assert statuses(made["key"]) == {401}


def test_what_was_answered_is_in_the_audit_log_after_a_crash(tmp_path):
    data = tmp_path / "db"
    admin = {"authorization": f"Bearer {new_key(data, '--user', 'ann@example.com', '--level', 'admin')}"}
    with btql_serve(data) as server, httpx.Client(base_url=server.url, headers=admin, timeout=60) as client:
        organization = client.get("/v1/organization").json()["objects"][0]["id"]

        def make(number):
            return client.post("/v1/project", json={"name": f"project {number}"}).json()["id"]

        with ThreadPoolExecutor(8) as threads:
            made = set(threads.map(make, range(30)))
        server.stop(signal.SIGKILL)
        server.start()

        query = f"select: object_id | from: audit_log('{organization}') | filter: object_type = 'project' | limit: 1000"
        answer = client.post("/btql", json={"query": query})
        assert {row["object_id"] for row in answer.json()["data"]} == made
