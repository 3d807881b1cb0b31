"""The door for OpenTelemetry: encodings, parents, answers, what is refused."""

import base64
import gzip
import json
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from btql_storage.ingest.accept import EVENTS_MAX

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}


@pytest.fixture
def send(server):
    url, _ = server

    def post(body, headers, parent="project_name:shop", path="/otel/v1/traces"):
        more = {} if parent is None else {"x-bt-parent": parent}
        return httpx.post(url + path, content=body, headers=headers | more, timeout=60)

    return post


@pytest.fixture
def project(server):
    """The id of a project by its name."""
    url, _ = server
    return lambda name: httpx.post(url + "/v1/project", json={"name": name}).json()["id"]


@pytest.fixture
def logs(server, project):
    """The rows of a project, by their ids."""
    _, rows = server

    def read(name, select="*"):
        found = rows(f"select: {select} | from: project_logs('{project(name)}') | limit: 1000")
        return {row["id"]: row for row in found}

    return read


@pytest.mark.parametrize("path", ["/otel/v1/traces", "/v1/traces"])
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_spans_are_stored_and_seen_at_once(send, logs, as_json, as_protobuf, encoding, path):
    name = f"at once {encoding} {path}"
    spans = [{"name": "outer"}, {"spanId": "00f067aa0ba902b7", "parentSpanId": "eee19b7ec3c1b174", "name": "inner"}]
    body, headers = (as_json(spans), JSON) if encoding == "json" else (as_protobuf(spans), PROTOBUF)
    answer = send(gzip.compress(body), headers | {"content-encoding": "gzip"}, f"project_name:{name}", path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == headers["content-type"]
    if encoding == "json":
        assert answer.json() == {"partialSuccess": {}}
    else:
        assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()
    rows = logs(name)
    assert rows["eee19b7ec3c1b174"]["is_root"]
    inner = rows["00f067aa0ba902b7"]
    assert inner["span_parents"] == ["eee19b7ec3c1b174"]
    assert inner["root_span_id"] == "5b8efff798038103d269b633813fc60c"
    assert inner["span_attributes"]["name"] == "inner"
    assert inner["metrics"]["start"] == 1_790_000_000.25
    assert inner["context"]["otel"]["resource"] == {"service.name": "shop"}


def test_exporting_a_span_again_replaces_it(send, logs, as_json):
    name = "again"
    for attributes in ({"first": 1}, {"second": 2}):
        assert send(as_json([{"attributes": attributes}]), JSON, f"project_name:{name}").status_code == 200
    rows = logs(name)
    assert [row["metadata"] for row in rows.values()] == [{"second": 2}]


def test_a_chunked_body_without_content_type_is_understood(server, as_json, as_protobuf):
    url, _ = server
    for body in (as_json([{}]), as_protobuf([{}])):
        pieces = [body[:10], body[10:]]
        answer = httpx.post(url + "/otel/v1/traces", content=iter(pieces), headers={"x-bt-parent": "project_name:c"})
        assert answer.status_code == 200, answer.text


def test_a_span_says_itself_where_it_belongs(send, logs, project, as_json):
    own, of_resource = project("own"), project("of resource")
    spans = [{"attributes": {"braintrust.parent": f"project_id:{own}"}}, {"spanId": "00f067aa0ba902b7"}]
    answer = send(as_json(spans, {"braintrust.parent": f"project_id:{of_resource}"}), JSON, "project_name:header")
    assert answer.json() == {"partialSuccess": {}}
    assert list(logs("own")) == ["eee19b7ec3c1b174"]
    assert list(logs("of resource")) == ["00f067aa0ba902b7"]
    assert logs("header") == {}


@pytest.mark.parametrize(
    ("sent", "name"),
    [("été 🦊".encode(), "été 🦊"), ("déjà".encode("latin-1"), "déjà"), (b"plain", "plain")],
    ids=["utf-8", "latin-1", "ascii"],
)
def test_the_parent_of_a_header_is_read_as_utf_8_where_it_is_such(server, logs, as_json, sent, name):
    url, _ = server
    headers = {b"content-type": b"application/json", b"x-bt-parent": b"project_name:" + sent}
    answer = httpx.post(url + "/otel/v1/traces", content=as_json([{}]), headers=headers)
    assert answer.json() == {"partialSuccess": {}}
    assert list(logs(name)) == ["eee19b7ec3c1b174"]


def test_spans_of_an_experiment(send, server, project, as_json):
    url, rows = server
    experiment = httpx.post(url + "/v1/experiment", json={"project_id": project("shop"), "name": "e"}).json()["id"]
    assert send(as_json([{}]), JSON, f"experiment_id:{experiment}").status_code == 200
    assert len(rows(f"select: id | from: experiment('{experiment}')")) == 1


def test_spans_below_an_exported_span_join_its_trace(send, logs, project, as_json):
    target = project("exported")
    rest = json.dumps({"object_id": target, "row_id": "r", "propagated_event": {"metadata": {"user": "u1"}}}).encode()
    raw = b"\x04\x02\x02\x03" + bytes.fromhex("099f558fd1ab40d5") + b"\x04" + bytes.fromhex("04" * 16) + rest
    assert send(as_json([{}]), JSON, base64.b64encode(raw).decode()).status_code == 200
    (row,) = logs("exported").values()
    assert (row["span_parents"], row["root_span_id"]) == (["099f558fd1ab40d5"], "04" * 16)
    assert row["metadata"] == {"user": "u1"}


def _refusal(answer, headers):
    """The message of a refused request, which comes in the encoding of the request."""
    assert answer.headers["content-type"] == headers["content-type"]
    if headers is JSON:
        return answer.json()["code"], answer.json()["message"]
    status = Status.FromString(answer.content)
    return status.code, status.message


@pytest.mark.parametrize(
    ("parent", "code", "reason"),
    [
        (None, 400, "x-bt-parent"),
        ("", 400, "x-bt-parent"),
        ("project_id:", 400, "is none of"),
        ("nonsense", 400, "is none of"),
        ("project_id:84c6f1a0-0000-4000-8000-000000000000", 403, "Missing write access to project_logs id 84c6"),
        ("experiment_id:84c6f1a0-0000-4000-8000-000000000000", 403, "Missing write access to experiment id 84c6"),
        ("project_name:" + "x" * 5_000, 400, "at most 4,096 characters"),
    ],
)
@pytest.mark.parametrize("headers", [JSON, PROTOBUF], ids=["json", "protobuf"])
def test_without_a_good_parent_nothing_is_stored(send, as_json, as_protobuf, headers, parent, code, reason):
    answer = send((as_json if headers is JSON else as_protobuf)([{}]), headers, parent)
    assert answer.status_code == code
    grpc, message = _refusal(answer, headers)
    assert grpc == {400: 3, 403: 7}[code]
    assert reason in message


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", JSON),
        (b"[]", JSON),
        (b"\xff\xfe", JSON),
        (b'{"resourceSpans": 7}', JSON),
        (b'{"resource_spans": []}', JSON),
        (b'{"resource": {}}', JSON),
        (b'{"resourceLogs": []}', JSON),
        # As OTLP was before its version 0.15, and as protobuf's own names are.
        (b'{"resourceSpans": [{"resource": {}, "instrumentationLibrarySpans": [{"spans": [{}]}]}]}', JSON),
        (b'{"resourceSpans": [{"scope_spans": [{"spans": [{}]}]}]}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"scope": {}, "span": [{}]}]}]}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [{"value": {"intValue": "x"}}]}]}]}]}', JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": "1.5"}]}]}]}', JSON),
        (
            b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": ['
            + b'{"value":{"arrayValue":{"values":[' * 20_000,
            JSON,
        ),
        (b"\x0a\xff", PROTOBUF),
        (b"not protobuf", PROTOBUF),
        (b"\x0a\x02\x12", PROTOBUF),
    ],
)
def test_a_malformed_body_is_refused_as_the_protocol_has_it(send, body, headers):
    answer = send(body, headers)
    assert answer.status_code == 400
    code, message = _refusal(answer, headers)
    assert code == 3
    assert message


@pytest.mark.parametrize("resource", [{}, {"resource": {}, "schemaUrl": "x"}, {"scopeSpans": [{"schemaUrl": "x"}]}])
def test_a_resource_may_have_no_spans(send, resource):
    assert send(json.dumps({"resourceSpans": [resource]}).encode(), JSON).json() == {"partialSuccess": {}}


_EVERY_KEY = {
    "flags": 257,
    "traceState": "a=b",
    "droppedAttributesCount": 1,
    "droppedEventsCount": 1,
    "droppedLinksCount": 1,
    "events": [{"timeUnixNano": "1", "name": "e", "attributes": [], "droppedAttributesCount": 1}],
    "links": [{"traceId": "1" * 32, "spanId": "2" * 16, "traceState": "", "droppedAttributesCount": 1, "flags": 1}],
    "status": {"code": 1, "message": "m"},
}


def test_nothing_is_told_of_keys_that_otlp_has(send, as_json):
    document = json.loads(as_json([{}]))
    of_resource = document["resourceSpans"][0]
    of_resource["scopeSpans"][0]["spans"][0] |= _EVERY_KEY
    of_resource["scopeSpans"][0] |= {"schemaUrl": "x"}
    of_resource["scopeSpans"][0]["scope"] |= {"droppedAttributesCount": 1}
    of_resource["resource"] |= {"droppedAttributesCount": 1, "entityRefs": [{"type": "host", "idKeys": ["host.id"]}]}
    assert send(json.dumps(document).encode(), JSON).json() == {"partialSuccess": {}}


def _put(place):
    """A request of one span and a key in one of its messages."""

    def put(document, key):
        of_resource = document["resourceSpans"][0]
        of_scope = of_resource["scopeSpans"][0]
        span = of_scope["spans"][0]
        messages = {
            "": document,
            "resourceSpans[0]": of_resource,
            "resourceSpans[0].scopeSpans[0]": of_scope,
            "resourceSpans[0].scopeSpans[0].scope": of_scope["scope"],
            "resourceSpans[0].scopeSpans[0].spans[0]": span,
            "resourceSpans[0].scopeSpans[0].spans[0].attributes[0].value": span["attributes"][0]["value"],
        }
        messages[place][key] = {"a": [1]}
        return f"{place}.{key}".removeprefix(".")

    return put


_SCOPE = "resourceSpans[0].scopeSpans[0]"
_PLACES = ["", "resourceSpans[0]", _SCOPE, f"{_SCOPE}.scope", f"{_SCOPE}.spans[0]"]


@pytest.mark.parametrize("place", [*_PLACES, f"{_SCOPE}.spans[0].attributes[0].value"])
def test_keys_that_otlp_does_not_have_are_left_out_and_told(send, logs, as_json, place):
    name = f"unknown keys at {place or 'the top'}"
    document = json.loads(as_json([{"attributes": {"n": 2**62 + 1}}]))
    path = _put(place)(document, "parent_span_id")
    partial = send(json.dumps(document).encode(), JSON, f"project_name:{name}").json()["partialSuccess"]
    assert partial == {
        "rejectedSpans": "0",
        "errorMessage": f"OTLP has no such keys, and they were left out: `{path}`",
    }
    (row,) = logs(name).values()
    assert row["metadata"] == {"n": 2**62 + 1}


def test_unknown_keys_are_told_beside_spans_that_cannot_be_stored(send, logs, as_json):
    document = json.loads(as_json([{"spanId": f"000000000000000{number}"} for number in (1, 2, 3)]))
    spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"]
    spans[0]["span_id"] = spans[0].pop("spanId")
    spans[1] |= {"name": 7, "a": 1}
    spans[2] |= {"a": 1, "b": 1, "c": 1, "d": 1}
    partial = send(json.dumps(document).encode(), JSON, "project_name:told").json()["partialSuccess"]
    assert partial["rejectedSpans"] == "2"
    assert partial["errorMessage"].startswith("span `a span`: the span id `` is not 16 hexadecimal digits")
    assert "; and 1 more; " in partial["errorMessage"]
    assert "they were left out: `" in partial["errorMessage"]
    assert list(logs("told")) == ["0000000000000003"]
    document["resourceSpans"][0]["scopeSpans"][0]["spans"] = [{"trace_id": "1" * 32, "span_id": "2" * 16}]
    refused = send(json.dumps(document).encode(), JSON)
    assert refused.status_code == 400
    assert "the trace id `` is not" in refused.json()["message"]
    assert "`resourceSpans[0].scopeSpans[0].spans[0].trace_id`" in refused.json()["message"]


def test_spans_that_cannot_be_stored_are_counted_and_the_others_stored(send, logs, as_json, as_protobuf):
    deep = {"braintrust.input_json": "[" * 300 + "]" * 300}
    spans = [
        {"spanId": "0000000000000001"},
        {"spanId": "0000000000000000", "name": "without an id"},
        {"spanId": "0000000000000002", "attributes": deep},
        {"spanId": "0000000000000003", "attributes": {"braintrust.parent": "experiment_id:nobody"}},
        {"spanId": "0000000000000004"},
    ]
    answer = send(as_json(spans), JSON, "project_name:partial")
    assert answer.status_code == 200
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "3"
    assert "span `without an id`: the span id `0000000000000000`" in partial["errorMessage"]
    assert set(logs("partial")) == {"0000000000000001", "0000000000000004"}
    answer = send(as_protobuf(spans[2:]), PROTOBUF, "project_name:partial, too")
    response = ExportTraceServiceResponse.FromString(answer.content)
    assert response.partial_success.rejected_spans == 2
    assert set(logs("partial, too")) == {"0000000000000004"}


_DIGITS = "9" * 400
_ODD = {
    "an event of a time beyond all": {"events": [{"name": None, "timeUnixNano": "9" * 23}]},
    "a sum of more than numbers can be": {
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": _DIGITS}},
            {"key": "gen_ai.usage.output_tokens", "value": {"doubleValue": 1.5}},
        ]
    },
    "a moment of more than numbers can be": {
        "attributes": [
            {"key": "ai.operationId", "value": {"stringValue": "ai.generateText.doGenerate"}},
            {"key": "ai.response.msToFirstChunk", "value": {"intValue": int(_DIGITS)}},
        ]
    },
    "a number of more digits than are read": {"attributes": [{"key": "n", "value": {"intValue": "9" * 5_000}}]},
    "a time that is none": {"startTimeUnixNano": "1.5"},
    "a time before all": {"endTimeUnixNano": -1},
    "a double that is none": {"attributes": [{"key": "n", "value": {"doubleValue": int(_DIGITS)}}]},
    "an attribute that is a text": {"attributes": ["text"]},
    "a name that is a number": {"name": 7},
    "a status that is a list": {"status": []},
}


@pytest.mark.parametrize("odd", _ODD.values(), ids=_ODD)
def test_one_odd_span_is_counted_and_the_others_stored(send, logs, as_json, odd):
    name = f"odd {next(name for name, each in _ODD.items() if each is odd)}"
    document = json.loads(as_json([{"spanId": f"000000000000000{number}"} for number in (1, 2, 3)]))
    document["resourceSpans"][0]["scopeSpans"][0]["spans"][1] |= {"name": "odd", **odd}
    answer = send(json.dumps(document).encode(), JSON, f"project_name:{name}")
    assert answer.status_code == 200, answer.text
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert partial["errorMessage"].startswith("a span without a name: " if "name" in odd else "span `odd`: ")
    assert set(logs(name)) == {"0000000000000001", "0000000000000003"}


@pytest.mark.parametrize("place", ["resource", "scope"])
@pytest.mark.parametrize("value", [{"intValue": "x"}, {"intValue": []}])
def test_an_odd_resource_takes_its_own_spans_along_only(send, logs, as_json, place, value):
    name = f"odd {place} {value}"
    document, other = (json.loads(as_json([{"spanId": f"000000000000000{number}"}])) for number in (1, 2))
    bad = {"attributes": [{"key": "n", "value": value}]}
    of_resource = other["resourceSpans"][0]
    (of_resource if place == "resource" else of_resource["scopeSpans"][0])[place] = bad
    document["resourceSpans"].append(of_resource)
    answer = send(json.dumps(document).encode(), JSON, f"project_name:{name}")
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "its resource or scope cannot be read" in partial["errorMessage"]
    assert list(logs(name)) == ["0000000000000001"]


def test_numbers_that_cannot_be_added_are_kept(send, logs, as_json):
    attributes = {
        "braintrust.span_attributes": '{"type": "llm"}',
        "braintrust.metrics": f'{{"prompt_tokens": {_DIGITS}, "other": 1}}',
        "gen_ai.usage.output_tokens": 1.5,
    }
    assert send(as_json([{"attributes": attributes}]), JSON, "project_name:sums").json() == {"partialSuccess": {}}
    (row,) = logs("sums").values()
    assert row["metadata"] == {"braintrust.metrics.prompt_tokens": int(_DIGITS)}
    assert (row["metrics"]["other"], row["metrics"]["completion_tokens"]) == (1, 1.5)


def _nested(kind, levels):
    value = 7
    for _ in range(levels):
        value = [value] if kind == "lists" else {"a": value}
    return value


def _field(number, content):
    tag, size = bytes([number << 3 | 2]), len(content)
    length = b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return tag + length + bytes([size]) + content


def _any_value(value):
    """A value in protobuf, or the bytes of one as they are."""
    match value:
        case bytes():
            return value
        case list():
            return _field(5, b"".join(_field(1, _any_value(item)) for item in value))
        case dict():
            pairs = (_field(1, key.encode()) + _field(2, _any_value(item)) for key, item in value.items())
            return _field(6, b"".join(_field(1, pair) for pair in pairs))
        case _:
            return b"\x18" + bytes([value])


@pytest.fixture
def deep_protobuf(as_protobuf):
    """Spans to the body of a request, whose attribute `deep` the library would not write itself."""

    def encode(spans, place="span"):
        found = b""
        for span in spans:
            (of_resource,) = ExportTraceServiceRequest.FromString(
                as_protobuf([{key: value for key, value in span.items() if key != "deep"}])
            ).resource_spans
            deep = _field(1, b"deep") + _field(2, _any_value(span["deep"]))
            (of_scope,) = of_resource.scope_spans
            (only,) = of_scope.spans
            data = only.SerializeToString()
            match place:
                case "span":
                    data += _field(9, deep)
                case "event":
                    data += _field(11, _field(2, b"e") + _field(3, deep))
                case _:
                    data += _field(13, _field(1, bytes(16)) + _field(4, deep))
            found += _field(1, _field(1, of_resource.resource.SerializeToString()) + _field(2, _field(2, data)))
        return found

    return encode


@pytest.mark.parametrize("kind", ["lists", "objects"])
@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_only_what_is_nested_deeper_than_a_row_may_be_is_rejected(send, logs, as_json, deep_protobuf, encoding, kind):
    name = f"deep {kind} {encoding}"
    # The event and its `metadata` are two levels themselves.
    values = {str(levels): _nested(kind, levels) for levels in (30, 100, 198, 199)}
    spans: list[dict[str, Any]] = [
        {"spanId": f"{number:016x}", "name": levels, "attributes": {"kept": levels}, "deep": value}
        for number, (levels, value) in enumerate(values.items(), 1)
    ]
    if encoding == "json":
        for span in spans:
            span["attributes"]["deep"] = span.pop("deep")
        body = as_json(spans)
        partial = send(body, JSON, f"project_name:{name}").json()["partialSuccess"]
        rejected, message = int(partial["rejectedSpans"]), partial["errorMessage"]
    else:
        answer = send(deep_protobuf(spans), PROTOBUF, f"project_name:{name}")
        partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
        rejected, message = partial.rejected_spans, partial.error_message
    assert (rejected, message[:11]) == (1, "span `199`:")
    found = {row["metadata"]["kept"]: row["metadata"]["deep"] for row in logs(name).values()}
    assert found == {levels: value for levels, value in values.items() if levels != "199"}


@pytest.mark.parametrize("place", ["event", "link"])
def test_deep_values_of_events_and_links_come_back(send, logs, deep_protobuf, place):
    spans = [{"deep": _nested("lists", 120)}]
    name = f"deep {place}"
    assert send(deep_protobuf(spans, place), PROTOBUF, f"project_name:{name}").status_code == 200
    (row,) = logs(name).values()
    (found,) = row["context"]["otel"][f"{place}s"]
    assert found["attributes"] == {"deep": spans[0]["deep"]}


def test_spans_far_too_deep_are_rejected_by_themselves(send, logs, as_protobuf, deep_protobuf):
    deep = _any_value(7)
    for _ in range(3_000):
        deep = _field(5, _field(1, deep))
    body = as_protobuf([{"spanId": "0000000000000001"}]) + deep_protobuf([{"name": "x", "deep": deep}])
    answer = send(body, PROTOBUF, "project_name:far too deep")
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert partial.rejected_spans == 1
    assert partial.error_message == "span `x`: it is nested too deep"
    assert list(logs("far too deep")) == ["0000000000000001"]


# What is too deep for the library that decodes JSON, wherever in a body it is.
_NOT_DECODED = {
    "lists": b'{"arrayValue":{"values":[' * 20_000 + b"{}" + b"]}}" * 20_000,
    "objects": b'{"kvlistValue":{"values":[{"key":"k","value":' * 20_000 + b"{}" + b"}]}}" * 20_000,
}


@pytest.mark.parametrize("odd", _NOT_DECODED)
@pytest.mark.parametrize("place", ["span", "resource", "scope"])
def test_what_cannot_be_decoded_takes_its_own_span_along_only(send, logs, as_json, place, odd):
    name = f"not decoded {place} {odd}"
    document, other = (json.loads(as_json([{"spanId": f"000000000000000{number}"}])) for number in (1, 2))
    of_resource = other["resourceSpans"][0]
    of_scope = of_resource["scopeSpans"][0]
    odd_one = {"span": of_scope["spans"][0], "resource": of_resource["resource"], "scope": of_scope["scope"]}[place]
    odd_one |= {"attributes": [{"key": "k", "value": "?"}], "name": 'odd "[{'}
    document["resourceSpans"].insert(0, of_resource)
    body = json.dumps(document, indent=1).encode().replace(b'"?"', _NOT_DECODED[odd])
    answer = send(body, JSON, f"project_name:{name}")
    assert answer.status_code == 200, answer.text
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert partial["errorMessage"].startswith('span `odd "[{`: ' if place == "span" else "span `a span`: its resource")
    assert "nested too deep" in partial["errorMessage"]
    assert list(logs(name)) == ["0000000000000001"]


@pytest.mark.parametrize("encoding", ["json", "protobuf"])
def test_halves_of_emojis_become_the_character_for_none(send, logs, as_json, as_protobuf, encoding):
    r"""In JSON, and in texts of JSON within it, as JavaScript writes them for a text that it has cut."""
    name = f"halves {encoding}"
    spans = [
        {"spanId": "0000000000000001", "name": "cut ?", "attributes": {"k": "?"}},
        {"spanId": "0000000000000002", "attributes": {"braintrust.input_json": r'{"a":"\ud83d"}'}},
    ]
    if encoding == "json":
        body, media = as_json(spans).replace(b"?", rb"\ud83d"), JSON
    else:
        body, media = as_protobuf(spans), PROTOBUF
    assert send(body, media, f"project_name:{name}").status_code == 200
    found = logs(name)
    assert found["0000000000000002"]["input"] == {"a": "\ufffd"}
    cut = "\ufffd" if encoding == "json" else "?"
    first = found["0000000000000001"]
    assert (first["span_attributes"]["name"], first["metadata"]["k"]) == (f"cut {cut}", cut)


@pytest.mark.parametrize("spoil", [lambda body: body[:-2], lambda body: body + b"]"])
def test_a_body_that_is_no_json_is_refused_whole(send, logs, as_json, spoil):
    spans = [{"spanId": "0000000000000001"}, {"spanId": "0000000000000002", "attributes": {"k": "?"}}]
    body = as_json(spans).replace(b'{"stringValue": "?"}', _NOT_DECODED["lists"])
    answer = send(spoil(body), JSON, "project_name:no json")
    assert answer.status_code == 400
    assert answer.json()["message"] == "the body is nested too deep"


def test_a_very_large_body_is_not_taken_apart(send, as_json):
    spans = [{"spanId": "0000000000000001"}, {"spanId": "0000000000000002", "attributes": {"k": "?"}}]
    body = as_json(spans).replace(b'{"stringValue": "?"}', _NOT_DECODED["lists"])
    answer = send(body[:-1] + b',"more":[' + b"0," * 1_000_000 + b"0]}", JSON, "project_name:large")
    assert answer.status_code == 400
    assert answer.json()["message"] == "the body is nested too deep"


@pytest.mark.parametrize("span", [{"traceId": "0" * 32}, {"traceId": "abc"}, {"spanId": "xyz"}, {"spanId": ""}])
def test_where_no_span_can_be_stored_that_is_an_error(send, as_json, span):
    answer = send(as_json([span]), JSON)
    assert answer.status_code == 400
    assert "id `" in answer.json()["message"]


def test_a_request_without_spans_is_fine(send):
    assert send(b"{}", JSON, None).json() == {"partialSuccess": {}}
    assert send(b"", PROTOBUF, None).status_code == 200


@pytest.mark.parametrize(("signal", "variable"), [("logs", "OTEL_LOGS_EXPORTER"), ("metrics", "OTEL_METRICS_EXPORTER")])
@pytest.mark.parametrize("headers", [JSON, PROTOBUF], ids=["json", "protobuf"])
def test_other_signals_are_refused_with_what_to_do(send, signal, variable, headers):
    answer = send(b"{}" if headers is JSON else b"", headers, path=f"/otel/v1/{signal}")
    assert answer.status_code == 404
    code, message = _refusal(answer, headers)
    assert code == 5
    assert f"set `{variable}=none`" in message


def test_many_attributes_and_hostile_keys_come_back(send, logs, as_json):
    attributes = {f"key.{number}": number for number in range(10_000)}
    attributes |= {
        "__proto__": "p",
        "constructor.prototype": "c",
        "a" * 10_000: 1,
        "": 2,
        "\u0000": 3,
        'q"\\': 4,
        "🦊": 5,
    }
    answer = send(as_json([{"attributes": attributes}]), JSON, "project_name:many")
    assert answer.json() == {"partialSuccess": {}}
    (row,) = logs("many").values()
    assert row["metadata"] == attributes


def test_a_span_beyond_the_limits_of_a_row_is_refused_by_name(send, logs, as_json):
    many = {f"key.{number}": number for number in range(120_000)}
    answer = send(as_json([{"attributes": many}, {"spanId": "0000000000000001"}]), JSON, "project_name:too many")
    assert "`row`: more than 100,000 keys" in answer.json()["partialSuccess"]["errorMessage"]
    assert list(logs("too many")) == ["0000000000000001"]
    assert send(as_json([{"attributes": many}]), JSON, "project_name:too many").status_code == 413


_EMPTY = b'{"resourceSpans":[{"scopeSpans":[{"spans":[%b]}]}]}'


@pytest.mark.parametrize("odd", [b"", b",7"], ids=["whole", "one by one"])
def test_more_spans_than_a_transaction_holds_are_refused_before_any_is_looked_at(send, deep_protobuf, odd):
    many = EVENTS_MAX + 1
    answer = send(_EMPTY % (b"{}" + b",{}" * (many - 1) + odd), JSON, "project_name:too many spans")
    assert answer.status_code == 413
    assert answer.json()["message"].startswith(f"a request of more than {EVENTS_MAX:,} events")

    deep = deep_protobuf([{"deep": _nested("lists", 150)}]) if odd else b""
    spans = b"\x12\x00" * many
    answer = send(deep + _field(1, _field(2, spans)), PROTOBUF, "project_name:too many spans")
    assert answer.status_code == 413
    assert f"a request of more than {EVENTS_MAX:,} events".encode() in answer.content
