"""How fast spans of OpenTelemetry are received, durable and visible: `make bench`, or this file alone."""

from __future__ import annotations

import gzip
import json
import os
import secrets

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from server_support.serving import btql_serve

SPANS = 512
"""What the exporters of OpenTelemetry's SDKs send at a time."""
REQUESTS = 20


def request_of(number: int) -> ExportTraceServiceRequest:
    """Return a request of chat calls, each in a trace of its own."""
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    start = 1_790_000_000_000_000_000 + number * SPANS * 1_000_000
    for place in range(SPANS):
        span = scope.spans.add(
            trace_id=secrets.token_bytes(16),
            span_id=secrets.token_bytes(8),
            name="chat gpt-4o",
            start_time_unix_nano=start + place * 1_000_000,
            end_time_unix_nano=start + place * 1_000_000 + 750_000,
        )
        texts = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.input.messages": json.dumps(
                [{"role": "user", "parts": [{"type": "text", "content": "Why? " * 40}]}]
            ),
            "gen_ai.output.messages": json.dumps(
                [{"role": "assistant", "parts": [{"type": "text", "content": "Because. " * 20}]}]
            ),
        }
        for key, text in texts.items():
            span.attributes.add(key=key).value.string_value = text
        for key in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
            span.attributes.add(key=key).value.int_value = 50 + place % 7
    return request


@pytest.fixture(scope="module")
def bodies() -> list[bytes]:
    return [request_of(number).SerializeToString() for number in range(REQUESTS)]


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_spans_over_otlp(benchmark, tmp_path, bodies, compression):
    sent = [gzip.compress(body, 6) for body in bodies] if compression == "gzip" else bodies
    headers = {"content-type": "application/x-protobuf", "x-bt-parent": "project_name:bench"}
    if compression == "gzip":
        headers["content-encoding"] = "gzip"
    with (
        btql_serve(tmp_path / "db", "--insecure-no-auth") as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=60) as client,
    ):
        client.post("/otel/v1/traces", content=sent[0])

        def send() -> None:
            for body in sent:
                assert client.post("/otel/v1/traces", content=body).status_code == 200

        benchmark.pedantic(send, rounds=int(os.environ.get("BTQL_BENCH_ROUNDS", "3")), iterations=1)
        benchmark.extra_info["spans per second"] = round(SPANS * REQUESTS / benchmark.stats["mean"])
