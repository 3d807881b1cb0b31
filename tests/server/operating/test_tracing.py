"""The server's own traces, received by a server like it."""

import logging
import time

import httpx
import psycopg
import pytest
from server_support.pg import place

from btql_server.operating.tracing import tracing_of
from btql_server.running import running, running_doors
from btql_server.settings import Settings

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def traces_of(open_server, tmp_path, monkeypatch, request):
    """What a server with tracing sends while a function uses it."""
    parent = f"project_name:{request.node.name}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", open_server + "/otel")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"x-bt-parent={parent}")

    def send(use, door="http"):
        here = ("127.0.0.1", 0)
        with running_doors(Settings(tmp_path / "traced", here, pg=here, insecure_no_auth=True)) as addresses:
            use(addresses[door])
        project = httpx.post(open_server + "/v1/project", json={"name": request.node.name}).json()["id"]
        query = {"query": f"select: * | from: project_logs('{project}') | sort: created"}
        return httpx.post(open_server + "/btql", json=query).json()["data"]

    return send


def test_each_request_is_a_span(traces_of):
    def use(url):
        httpx.get(url + "/ping")
        httpx.get(url + "/v1/project/not-an-id", headers={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})
        httpx.get(url + "/nowhere")

    ping, project, nowhere = traces_of(use)
    assert ping["span_attributes"]["name"] == "GET /ping"
    assert ping["is_root"]
    assert ping["root_span_id"] == ping["metadata"]["btql.trace_id"]
    assert ping["metadata"]["http.route"] == "/ping"
    assert ping["metadata"]["http.response.status_code"] == 200
    assert 0 < ping["metrics"]["end"] - ping["metrics"]["start"] < 60
    assert ping["context"]["otel"]["kind"] == "server"
    assert ping["context"]["otel"]["resource"]["service.name"] == "btql"
    assert project["root_span_id"] == TRACE
    assert project["span_parents"] == ["00f067aa0ba902b7"]
    assert project["metadata"]["http.route"].startswith("/v1/project/{")
    assert project["metadata"]["error.type"] == "400"
    assert nowhere["span_attributes"]["name"] == "GET"
    assert nowhere["metadata"]["url.path"] == "/nowhere"


def test_receiving_traces_is_not_traced(traces_of):
    def use(url):
        httpx.post(url + "/otel/v1/traces", json={})
        httpx.get(url + "/ping")

    assert [row["span_attributes"]["name"] for row in traces_of(use)] == ["GET /ping"]


def test_the_trace_id_of_a_root_is_that_of_the_answer(traces_of):
    seen = []
    rows = traces_of(lambda url: seen.append(httpx.get(url + "/ping").headers["x-bt-internal-trace-id"]))
    assert [row["root_span_id"] for row in rows] == seen


def test_each_statement_of_the_postgres_wire_is_a_span(traces_of):
    def use(address):
        host, port = place(address)
        with psycopg.connect(host=host, port=port, user="me", sslmode="disable", autocommit=True) as conn:
            conn.execute("INSERT INTO project_logs('secret_name') (id) VALUES ('a secret')")
            assert len(conn.execute("SELECT * FROM generate_series(1, %s) AS s (n)", [3]).fetchall()) == 3
            with pytest.raises(psycopg.errors.UndefinedFunction):
                conn.execute("SELECT secret(1)")

    rows = traces_of(use, "pg")
    insert, select, wrong = (row for row in rows if row["span_attributes"]["name"].startswith("postgres "))
    assert insert["span_attributes"]["name"] == "postgres INSERT"
    assert insert["is_root"]
    assert insert["root_span_id"] == insert["metadata"]["btql.trace_id"]
    assert select["metadata"]["db.operation.name"] == "SELECT"
    assert select["metadata"]["db.response.returned_rows"] == 3
    assert 0 < select["metrics"]["end"] - select["metrics"]["start"] < 60
    assert (wrong["metadata"]["error.type"], wrong["error"]) == ("42883", None)
    assert "secret" not in str(rows)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector", "OTEL_TRACES_EXPORTER": "none"},
        {"OTEL_SERVICE_NAME": "btql", "OTEL_TRACES_EXPORTER": "otlp"},
    ],
)
def test_nothing_is_sent_unless_asked_for(environment):
    assert tracing_of(environment) is None


def test_a_protocol_that_is_not_spoken_is_said(caplog):
    environment = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with caplog.at_level(logging.ERROR):
        assert tracing_of(environment) is None
    assert "the protocol is not http/protobuf" in caplog.text


def test_a_receiver_that_is_away_does_not_hold_up_the_end(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    with running(Settings(tmp_path / "db", ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        assert httpx.get(url + "/ping").status_code == 200
        began = time.monotonic()
    assert time.monotonic() - began < 20
