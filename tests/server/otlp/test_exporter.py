"""The real exporter of OpenTelemetry's Python SDK, pointed here by two environment variables."""

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.trace import Link, Status, StatusCode


@pytest.fixture
def provider():
    made = TracerProvider(resource=Resource.create({"service.name": "shop"}))
    yield made
    made.shutdown()


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_spans_of_the_sdk_arrive(server, provider, monkeypatch, compression):
    url, rows = server
    name = f"exporter {compression}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url + "/otel")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"x-bt-parent=project_name:{name}, Authorization=Bearer any")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", compression)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("shop.tracer", "2.0")
    with tracer.start_as_current_span("request") as root:
        root.set_attribute("braintrust.input_json", '{"question": "Why?"}')
        with tracer.start_as_current_span("chat gpt-4o", links=[Link(root.get_span_context())]) as span:
            span.set_attributes(
                {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 3}
            )
            span.record_exception(ValueError("too hot"))
            span.set_status(Status(StatusCode.ERROR, "it failed"))
    assert provider.force_flush()
    project = _project(server, name)
    found = {row["span_attributes"]["name"]: row for row in rows(f"select: * | from: project_logs('{project}')")}
    outer, inner = found["request"], found["chat gpt-4o"]
    assert outer["input"] == {"question": "Why?"}
    assert inner["span_parents"] == [outer["span_id"]]
    assert inner["root_span_id"] == outer["root_span_id"]
    assert inner["span_attributes"]["type"] == "llm"
    assert inner["error"] == "it failed"
    assert inner["metrics"]["prompt_tokens"] == 3
    assert inner["metrics"]["end"] >= inner["metrics"]["start"]
    otel = inner["context"]["otel"]
    assert otel["scope"] == {"name": "shop.tracer", "version": "2.0"}
    assert otel["resource"]["service.name"] == "shop"
    assert otel["events"][0]["attributes"]["exception.message"] == "too hot"
    assert otel["links"][0]["span_id"] == outer["span_id"]


def test_the_exporter_knows_a_refusal_as_a_failure(server, provider, caplog):
    url, _ = server
    exporter = OTLPSpanExporter(url + "/otel/v1/traces", compression=Compression.Gzip)
    span = provider.get_tracer("t").start_span("nowhere")
    span.end()
    assert exporter.export([span]) is SpanExportResult.FAILURE
    exporter.shutdown()


def _project(server, name):
    return httpx.post(server[0] + "/v1/project", json={"name": name}).json()["id"]
