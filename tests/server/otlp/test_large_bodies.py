"""Large requests of spans: decoded one by one, so that small spans do not take many times the memory of the body."""

from __future__ import annotations

import subprocess
import sys

import pytest

from btql_server.otlp import from_json, from_protobuf
from btql_server.otlp.event import event_of
from btql_storage.errors import TooManyEvents
from btql_storage.limits import Limits

_MEMORY = """
from btql.wire import bytes_field
from btql_server.otlp.event import event_of
from btql_server.otlp.from_protobuf import spans_of_protobuf

def resident_mib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmRSS"))

span = bytes_field(2, bytes_field(1, b"t" * 16) + bytes_field(2, b"s" * 8))
body = bytes_field(1, bytes_field(2, span * 50_000))
for _ in spans_of_protobuf(body[:0]):
    pass
before = resident_mib()
events = [event_of(span) for span in spans_of_protobuf(body)]
print(len(events), resident_mib() - before)
"""


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_spans_of_a_large_body_are_those_of_a_small_one(as_json, as_protobuf, monkeypatch, encoding):
    spans = [
        {"spanId": "0000000000000001", "attributes": {"n": 1, "list": [1, {"deep": [2.5]}]}},
        {"spanId": "0000000000000002", "events": [{"name": "e", "attributes": {"a": "b"}}]},
        {"spanId": "0000000000000003", "links": [{"traceId": "1" * 32, "spanId": "2" * 16}]},
    ]

    def events():
        if encoding == "json":
            found = from_json.spans_of_json(as_json(spans)).spans
        else:
            found = from_protobuf.spans_of_protobuf(as_protobuf(spans))
        return [event_of(span) for span in found]

    whole = events()
    for module in (from_json, from_protobuf):
        monkeypatch.setattr(module, "WHOLE_BYTES_MAX", 0)
    assert events() == whole
    assert len(whole) == 3


def test_a_large_body_is_counted_no_further_than_it_takes_to_refuse_it(as_protobuf):
    body = as_protobuf([{"attributes": {"k": "x" * (1 << 20)}}] * 3) + b"\xff" * 100
    with pytest.raises(TooManyEvents, match="more than 2 events"):
        from_protobuf.spans_of_protobuf(body, Limits(request_events_max=2))


def test_a_span_larger_than_a_row_may_be_is_not_even_decoded(as_json, as_protobuf):
    spans = [{"attributes": {"k": "x" * (1 << 20)}}, {"name": "small"}]
    limits = Limits(document_bytes_max=1_000)
    for found in (
        from_json.spans_of_json(as_json(spans), limits).spans,
        from_protobuf.spans_of_protobuf(as_protobuf(spans), limits),
    ):
        large, small = found
        assert large.problem == "it is larger than 1,000 bytes, the limit `document_bytes_max`"
        assert (small.problem, small.name) == (None, "small")


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_many_small_spans_take_little_memory():
    ran = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True, timeout=120)
    count, grown_mib = map(int, ran.stdout.split())
    assert count == 50_000
    # Their events are 9 MiB; decoded together, they and their events took 230.
    assert grown_mib < 60
