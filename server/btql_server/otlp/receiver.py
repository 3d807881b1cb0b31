"""``POST /otel/v1/traces``: spans of any OpenTelemetry exporter, over OTLP/HTTP.

Answers keep to the protocol: in the encoding of the request, and with a ``google.rpc.Status`` for an error. A span
that cannot be stored is counted in ``partialSuccess``, while the others are stored; where none can, that is an
error. Success means that all accepted spans are durable, and seen by every query from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from btql.wire import bytes_field, number_field
from btql_server.http.answer import JSON, Answer, json_bytes
from btql_server.http.call import Call
from btql_server.http.errors import HttpError, as_http
from btql_server.http.routes import Routes
from btql_server.otlp.braintrust import PARENT
from btql_server.otlp.event import event_of
from btql_server.otlp.from_json import Decoded, spans_of_json
from btql_server.otlp.from_protobuf import spans_of_protobuf
from btql_server.otlp.json_messages import ExportTraceServiceRequest
from btql_server.otlp.parent import HEADER, MISSING, Parent, Parents, read_header
from btql_server.otlp.span import Span
from btql_server.writing.rows import read_row
from btql_server.writing.store import write_events
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import BadEvent
from btql_storage.ingest.accept import accept

routes = Routes("OpenTelemetry")

PROTOBUF = "application/x-protobuf"
_TAKES = {PROTOBUF: bytes, JSON: ExportTraceServiceRequest}
_TAKES_ANY: dict[str, object] = {PROTOBUF: bytes, JSON: object}
_ANSWERS = {PROTOBUF: bytes, JSON: dict[str, object]}
_GRPC_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 413: 8, 429: 8, 503: 14, 504: 4, 507: 8}
"""HTTP status to the code of a ``google.rpc.Status``."""
_GRPC_INTERNAL = 13
_OF_SPANS = (400, 403)
"""The status where none of the spans can be stored."""
_STATUS_CODE, _STATUS_MESSAGE = 1, 2
"""The fields of ``google.rpc.Status``."""


@dataclass(slots=True)
class Batch:
    """The spans of one request that can be stored, and why others cannot."""

    events: dict[ObjectInfo, list[bytes]] = field(default_factory=dict[ObjectInfo, list[bytes]])
    rejected: int = 0
    first: HttpError | None = None
    """Why the first span was rejected."""

    def reject(self, name: str, error: HttpError) -> None:
        """Count a span that cannot be stored."""
        self.rejected += 1
        if self.first is None:
            self.first = HttpError(error.status, f"{name}: {error.message}")


@routes.post("/otel/v1/traces", takes=_TAKES, answer=_ANSWERS, pool="write")
def export(call: Call, body: bytes) -> Answer:
    """Store OpenTelemetry spans, sent in protobuf or JSON.

    The header `x-bt-parent` says where they belong, or the attribute `braintrust.parent` of a span.
    """
    as_json = _is_json(call, body)
    try:
        limits = call.state.settings.limits
        decoded = spans_of_json(body, limits) if as_json else Decoded(spans_of_protobuf(body, limits))
        return _accepted(_stored(call, decoded), decoded.left_out, as_json=as_json)
    except Exception as error:
        refusal = as_http(error)
        if refusal is None:
            raise
        return _refused(call, refusal, as_json=as_json)


@routes.post("/v1/traces", takes=_TAKES, answer=_ANSWERS, pool="write")
def export_at_the_root(call: Call, body: bytes) -> Answer:
    """Store OpenTelemetry spans, for exporters that are given this server's address alone."""
    return export(call, body)


@routes.post("/otel/v1/logs", takes=_TAKES_ANY, answer=_ANSWERS)
def refuse_logs(call: Call, body: bytes) -> Answer:
    """Refuse OpenTelemetry log records, which have no place here."""
    return _only_traces(call, body, "OTEL_LOGS_EXPORTER")


@routes.post("/otel/v1/metrics", takes=_TAKES_ANY, answer=_ANSWERS)
def refuse_metrics(call: Call, body: bytes) -> Answer:
    """Refuse OpenTelemetry metrics, which have no place here."""
    return _only_traces(call, body, "OTEL_METRICS_EXPORTER")


def _only_traces(call: Call, body: bytes, variable: str) -> Answer:
    error = HttpError(404, f"only traces are received here: set `{variable}=none` in the application")
    return _refused(call, error, as_json=_is_json(call, body))


def _stored(call: Call, decoded: Decoded) -> Batch:
    try:
        return store(call, decoded.spans)
    except HttpError as error:
        if not decoded.left_out or error.status not in _OF_SPANS:
            raise
        # What is missing may be there under another key.
        raise HttpError(error.status, f"{error.message}; {decoded.left_out}") from None


def store(call: Call, spans: Iterable[Span]) -> Batch:
    """Store the spans that can be stored, in one transaction; HttpError where there are some, but none can."""
    batch = _batch(call, spans)
    if batch.events:
        try:
            write_events(call, batch.events)
        except HttpError as error:
            if not isinstance(error.__cause__, BadEvent):
                raise
            _drop_bad(call, batch)
            write_events(call, batch.events)
    if batch.first is not None and not batch.events:
        raise batch.first
    return batch


def _batch(call: Call, spans: Iterable[Span]) -> Batch:
    """Make events of spans."""
    batch, parents = Batch(), Parents(call)
    for span in spans:
        try:
            parent = _parent(call, parents, span)
            event = event_of(span, parent.exported)
            read_row(event, ("row",), call.state.settings.limits)
        except HttpError as error:
            batch.reject(_named(span.name), error)
        except (ArithmeticError, RecursionError, ValueError) as error:
            batch.reject(_named(span.name), HttpError(400, f"it cannot be written as JSON: {error}"))
        else:
            batch.events.setdefault(parent.target, []).append(event)
    return batch


def _parent(call: Call, parents: Parents, span: Span) -> Parent:
    if span.problem is not None:
        raise HttpError(400, span.problem)
    named = (
        span.attributes.get(PARENT)
        or span.resource.attributes.get(PARENT)
        or read_header(call.request.headers.get(HEADER, ""))
    )
    if not isinstance(named, str) or not named:
        raise HttpError(400, MISSING)
    return parents.find(named)


def _drop_bad(call: Call, batch: Batch) -> None:
    """Look at each event alone, and go on without those that storage does not take."""
    for target, events in list(batch.events.items()):
        kept = [event for event in events if _is_good(call, batch, event)]
        if kept:
            batch.events[target] = kept
        else:
            del batch.events[target]


def _is_good(call: Call, batch: Batch, event: bytes) -> bool:
    try:
        accept([event], limits=call.state.settings.limits)
    except BadEvent as error:
        batch.reject("a span", HttpError(400, error.reason))
        return False
    return True


def _named(name: str) -> str:
    return f"span `{name[:80]}`" if name else "a span without a name"


def _is_json(call: Call, body: bytes) -> bool:
    media = call.request.headers.get("content-type", "").lower()
    if "json" in media or "protobuf" in media:
        return "json" in media
    # No message in protobuf can begin like this.
    return body[:1] == b"{"


def _accepted(batch: Batch, left_out: str, *, as_json: bool) -> Answer:
    """Return the answer of success, which says what was rejected, or left out, all the same."""
    told: list[str] = []
    if batch.first is not None:
        others = f"; and {batch.rejected - 1} more" if batch.rejected > 1 else ""
        told.append(f"{batch.first.message}{others}")
    if left_out:
        told.append(left_out)
    message = "; ".join(told)
    if as_json:
        partial = {"rejectedSpans": str(batch.rejected), "errorMessage": message} if message else {}
        return Answer(json_bytes({"partialSuccess": partial}), JSON)
    response = ExportTraceServiceResponse()
    if message:
        response.partial_success.rejected_spans = batch.rejected
        response.partial_success.error_message = message
    return Answer(response.SerializeToString(), PROTOBUF)


def _refused(call: Call, error: HttpError, *, as_json: bool) -> Answer:
    """Return an error as the protocol has it: a ``google.rpc.Status``."""
    code = _GRPC_CODES.get(error.status, _GRPC_INTERNAL)
    headers: Mapping[str, str] = {}
    if error.retry_after_s is not None:
        headers = {"retry-after": str(error.retry_after_s)}
    if as_json:
        # Beside the keys of the protocol there are those of all other errors of this server.
        usual = error.body(call.request.url.path, call.trace_id)
        return Answer(json_bytes({"code": code, "message": error.message, **usual}), JSON, error.status, headers)
    # The package that has this type is not worth a dependency.
    body = number_field(_STATUS_CODE, code) + bytes_field(_STATUS_MESSAGE, error.message.encode())
    return Answer(body, PROTOBUF, error.status, headers)
