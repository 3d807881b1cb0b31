"""``/metrics``: what it counts, in one process and in several."""

import os
import re
import signal
import time
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from server_support.processes import children
from server_support.serving import btql_serve
from server_support.waiting import eventually

from btql_server.access.model import Level
from btql_server.operating import storage_metrics
from btql_server.running import running_doors
from btql_server.settings import Settings


@pytest.fixture(autouse=True, scope="module")
def _anew():
    """Look at storage for every scrape."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage_metrics, "_KEPT_S", 0.0)
        patch.setattr(storage_metrics, "_KEPT_TIMES", 0)
        yield


def _samples(client):
    """The samples of a scrape: name and labels to value."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def _named(samples, name, **labels):
    """The sum of the samples of a name with these labels."""
    wanted = set(labels.items())
    return sum(value for (found, *pairs), value in samples.items() if found == name and wanted <= set(pairs))


def test_requests_are_counted_by_route_and_status(client):
    before = _samples(client)
    client.get("/ping")
    client.get("/ping")
    client.delete("/ping")
    client.get("/no/such/path")
    client.post("/v1/project", content=b"{")
    after = _samples(client)

    def more(name, **labels):
        return _named(after, name, **labels) - _named(before, name, **labels)

    assert more("btql_http_requests_total", route="/ping", method="GET", status="200") == 2
    assert more("btql_http_request_seconds_count", route="/ping", method="GET") == 2
    assert more("btql_http_sent_bytes_total", route="/ping") == 4
    assert more("btql_http_requests_total", route="none", status="404") == 1
    assert more("btql_http_requests_total", route="/v1/project", status="400") == 1
    assert more("btql_http_received_bytes_total", route="/v1/project") == 1
    assert more("btql_http_requests_total", route="/metrics") == 1


def test_hostile_methods_and_paths_make_no_series(client):
    def ask(number):
        client.request(f"HOSTILE{number}", f"/hostile/{number}")
        client.get(f"/v1/project/{number}")
        return set(_samples(client))

    # The second scrape has the first one's own series.
    ask(0)
    before = ask(1)
    for number in range(2, 20):
        assert ask(number) == before
    assert not any("HOSTILE" in str(name) for name in before)


def test_events_and_the_tail_are_counted(party):
    writer = party.join("writer@example.com", Level.WRITE)
    project = writer.post("/v1/project", json={"name": "counted"}).json()["id"]
    rows = {"rows": [{"project_id": project, "log_id": "g", "id": str(n), "input": "x"} for n in range(5)]}
    assert writer.post("/logs3", json=rows).status_code == 200
    samples = _samples(writer)
    assert _named(samples, "btql_ingested_events_total", route="/logs3") == 5
    assert _named(samples, "btql_ingested_bytes_total", route="/logs3") > 100
    assert _named(samples, "btql_storage_tail_events", kind="project_logs") == 5
    assert _named(samples, "btql_storage_objects", kind="project_logs") == 1
    assert 0 <= _named(samples, "btql_storage_tail_seconds") < 600
    assert _named(samples, "btql_storage_calls_total", call="sync") >= 1
    query = {"query": f"select: * | from: project_logs('{project}')"}
    for _ in range(2):
        assert len(writer.post("/btql", json=query).json()["data"]) == 5
    samples = _samples(writer)
    assert _named(samples, "btql_cache_lookups_total", cache="tails", outcome="miss") == 1
    assert _named(samples, "btql_cache_lookups_total", cache="tails", outcome="hit") >= 1
    assert _named(samples, "btql_storage_readable") == 1
    assert _named(samples, "btql_pool_requests", pool="small", state="running") == 1
    assert _named(samples, "btql_pool_requests", pool="write", state="running") == 0
    assert _named(samples, "btql_pool_requests", state="waiting") == 0


def test_metrics_need_a_key_that_reads_the_organization(party):
    assert party.join("reader@example.com", Level.READ).get("/metrics").status_code == 200
    assert party.join("stranger@example.com", Level.NONE).get("/metrics").status_code == 403
    with httpx.Client(base_url=party.url) as nobody:
        assert nobody.get("/metrics").status_code == 401


def test_every_metric_is_documented(tmp_path):
    page = (Path(__file__).parents[3] / "docs/operations.md").read_text()
    documented = set(re.findall(r"^\| `(btql_\w+)` \|", page, re.MULTILINE))
    here = ("127.0.0.1", 0)
    with running_doors(Settings(tmp_path / "db", here, flight=here, insecure_no_auth=True)) as addresses:
        text = httpx.get(f"{addresses['http']}/metrics").text
    told = set(re.findall(r"^# HELP (btql_\w+) ", text, re.MULTILINE))
    # Only the process that compacts has these.
    assert documented == told | {f"btql_compaction_{name}_total" for name in ("jobs", "seconds", "failures")}


@pytest.mark.slow
def test_any_worker_tells_of_all(tmp_path):
    with btql_serve(tmp_path / "db", "--workers", "2", "--insecure-no-auth") as serving:
        # Each client has a connection of its own, so both workers are asked.
        for _ in range(20):
            httpx.get(serving.url + "/ping")

        def pings():
            with httpx.Client(base_url=serving.url) as client:
                samples = _samples(client)
            return samples, _named(samples, "btql_http_requests_total", route="/ping")

        # A request is counted once it is answered, so the last one may not be yet.
        eventually(lambda: pings()[1] == 20)
        counts, samples = set(), {}
        for _ in range(6):
            samples, count = pings()
            counts.add(count)
        assert counts == {20.0}
        assert ("btql_compaction_jobs_total",) in samples
        # What a worker has counted outlives it; what it was doing does not.
        os.kill(children(serving.pid)["worker-1"], signal.SIGKILL)
        until = time.monotonic() + 60
        with httpx.Client(base_url=serving.url) as client:
            while "worker-1" not in children(serving.pid) and time.monotonic() < until:
                time.sleep(0.1)
            samples = _samples(client)
        assert _named(samples, "btql_http_requests_total", route="/ping") == 20
        assert _named(samples, "btql_pool_requests", state="running") == 1
