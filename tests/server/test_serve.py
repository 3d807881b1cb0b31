"""`btql serve` as processes: ready, stopped, killed, started again, refused."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from server_support.processes import children, is_gone
from server_support.serving import btql_serve, new_key
from server_support.waiting import eventually

import btql
from btql.cli.console import UsageFailure
from btql.cli.serve import origin_of
from btql_storage.text.index import TextIndex


def test_workers_are_started_again_and_sigterm_ends_all(tmp_path):
    with btql_serve(tmp_path / "db", "--insecure-no-auth", "--workers", "2") as server:
        # Ready means that requests are answered.
        assert httpx.get(f"{server.url}/readyz").json() == {"status": "ready"}
        # It is told after the answer, and not by a worker that was killed.
        assert eventually(lambda: "GET /readyz 200" in server.log.read_text())
        first = children(server.pid)
        assert set(first) == {"worker-1", "worker-2", "maintenance"}
        os.kill(first["worker-1"], signal.SIGKILL)
        eventually(lambda: children(server.pid).get("worker-1", first["worker-1"]) != first["worker-1"])
        assert eventually(lambda: httpx.get(f"{server.url}/ping").status_code == 200)
        mine = children(server.pid)
        assert server.stop() == 0
        assert all(is_gone(pid) for pid in (first | mine).values())
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert {"stopping", "stopped"} <= {line["message"] for line in lines}
    (request,) = [line for line in lines if line["message"] == "GET /readyz 200"]
    assert request["trace_id"]
    assert request["level"] == "info"


def test_a_server_says_how_to_make_the_first_key(tmp_path):
    data = tmp_path / "db"
    with btql_serve(data) as server:
        assert f"no key yet: `btql keys create --data {data}`" in server.log.read_text()
        server.stop()
    new_key(data, "--user", "ann@example.com")
    with btql_serve(data) as server:
        assert server.log.read_text().count("no key yet") == 1


def test_children_do_not_outlive_a_parent_that_is_killed(tmp_path):
    with btql_serve(tmp_path / "db", "--insecure-no-auth") as server:
        mine = children(server.pid)
        server.stop(signal.SIGKILL)
        eventually(lambda: all(is_gone(pid) for pid in mine.values()))
        # So the port is free, and nothing is locked.
        server.start()
        assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_what_waits_is_compacted_and_a_stream_that_is_stopped_ends_with_an_error(tmp_path):
    data = tmp_path / "db"
    with btql.connect(data) as connection:
        connection.ingest("project_logs:demo", [{"input": "x" * 1_000} for _ in range(20_000)])
    asked = {
        "query": "SELECT n AS id, repeat('x', 200) AS input FROM generate_series(1, 1000000000000) AS s (n)",
        "fmt": "jsonl",
        "disable_limit": True,
        "query_timeout_seconds": 200,
    }
    with btql_serve(data, "--insecure-no-auth") as server:
        with btql.connect(data, read_only=True) as connection:
            eventually(lambda: connection.status().rows == 20_000, 60)
            assert connection.status().pending_events == 0
        client = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        client.request("POST", "/btql", json.dumps(asked))
        answer = client.getresponse()
        assert json.loads(answer.readline())["input"] == "x" * 200
        os.kill(server.pid, signal.SIGTERM)
        with pytest.raises(http.client.IncompleteRead) as caught:
            deque(iter(lambda: answer.read(1 << 20), b""), maxlen=0)
        last = json.loads(caught.value.partial.splitlines()[-1])
        assert last["error"]["Code"] == "UnavailableError"
        client.close()
        assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()
    assert str(asked["query"]) not in server.log.read_text()


def refused(*options):
    command = [sys.executable, "-m", "btql", "serve", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_nothing_is_open_to_everybody(tmp_path):
    data = str(tmp_path / "db")
    assert "may only listen on this machine" in refused("--data", data, "--http", "0.0.0.0:0", "--insecure-no-auth")
    assert "btql keys create" in refused("--data", data, "--http", "[::]:0")


def test_what_cannot_be_served_is_one_line(tmp_path):
    data = str(tmp_path / "db")
    assert "is no address" in refused("--data", data, "--http", "8000")
    assert "is no address" in refused("--data", data, "--http", "localhost:99999")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert "address already in use" in refused("--data", data, "--http", f"127.0.0.1:{port}")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    assert "is not a btql database" in refused("--data", str(tmp_path / "other"))
    assert "is no level" in refused("--data", data, "--log-level", "loud")
    assert "is no address for `--redis`; give it as redis://" in refused("--data", data, "--redis", "cache:6379")
    assert "redis://host:port" in refused("--data", data, "--http", "127.0.0.1:0", "--redis", "redis://h:port")
    assert "is no address for `--public-url`" in refused("--data", data, "--public-url", "btql.example.com")
    assert "is no origin" in refused("--data", data, "--origin", "https://app.example.com/page")


def test_an_origin_is_compared_as_browsers_send_it():
    for written in ("https://App.example.com/", "https://app.example.com"):
        assert origin_of(written) == "https://app.example.com"
    assert origin_of("http://[::1]:3000") == "http://[::1]:3000"
    for written in ("app.example.com", "*", "https://", "https://*.example.com", "https://a.example.com?x"):
        with pytest.raises(UsageFailure, match="is no origin"):
            origin_of(written)


def test_no_process_of_a_server_loads_pandas_though_it_is_installed(tmp_path):
    assert find_spec("pandas") is not None
    with btql.connect(tmp_path / "db") as connection:
        # As much as is compacted at once.
        connection.ingest("project_logs:demo", [{"input": "x" * (1 << 20)} for _ in range(17)])
    with btql_serve(tmp_path / "db", "--insecure-no-auth") as server:
        project_id = httpx.post(f"{server.url}/v1/project", json={"name": "p"}).json()["id"]
        rows = [{"id": "a", "project_id": project_id, "input": "x"}]
        httpx.post(f"{server.url}/logs3", json={"rows": rows}).raise_for_status()
        with btql.connect(tmp_path / "db", read_only=True) as connection:
            eventually(lambda: connection.status().rows >= 17, 60)
        for pid in children(server.pid).values():
            loaded = Path(f"/proc/{pid}/maps").read_text()
            assert "pyarrow" in loaded
            assert "pandas" not in loaded


def test_parts_are_laid_out_as_the_configuration_says_of_a_database(tmp_path, monkeypatch):
    with btql.connect(tmp_path / "db") as connection:
        connection.ingest("project_logs:demo", [{"input": "word " * (1 << 18)} for _ in range(17)])
    (tmp_path / "btql.toml").write_text('databases.named = { files = "db", layout = "small" }')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BTQL_LAYOUT", raising=False)
    with btql_serve(Path("named"), "--insecure-no-auth"), btql.connect("named", read_only=True) as connection:
        assert eventually(lambda: connection.status().rows >= 17, 60)
    made = list((tmp_path / "db").glob("parts/*/text/meta.json"))
    assert made
    assert not any(TextIndex(each.parent).has_positions for each in made)


def test_a_worker_leaves_out_what_was_there_when_it_looks_for_garbage():
    code = "from btql_server.process import keep_what_is_there\nimport gc\nbefore = len(gc.get_objects())\n"
    code += "keep_what_is_there()\nprint(before, len(gc.get_objects()), gc.isenabled())"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    before, looked_at, enabled = made.stdout.split()
    assert int(looked_at) < int(before) / 10
    assert enabled == "True"
