"""A span to the event that is stored.

A span has one row: its id is the id of the row, so exporting it again replaces it. What no field has a place for is
kept in ``context.otel``: resource, scope, kind, events, links, and the status where it is no error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from btql_server.http.answer import json_bytes
from btql_server.otlp import (
    adk,
    braintrust,
    genai,
    indexed,
    langfuse,
    langsmith,
    logfire,
    mlflow,
    openinference,
    vercel,
)
from btql_server.otlp.draft import Draft, is_metric
from btql_server.otlp.slug import Exported
from btql_server.otlp.span import Attributes, Link, Span, SpanEvent
from btql_server.registering.crud import merged

CONVENTIONS: tuple[tuple[frozenset[str], Callable[[Draft], None], Mapping[str, str]], ...] = (
    (braintrust.ROOTS, braintrust.apply, {}),
    (langfuse.ROOTS, langfuse.apply, langfuse.METRICS),
    (langsmith.ROOTS, langsmith.apply, {}),
    (mlflow.ROOTS, mlflow.apply, mlflow.METRICS),
    (adk.ROOTS, adk.apply, {}),
    (logfire.ROOTS, logfire.apply, logfire.METRICS),
    (genai.ROOTS, genai.apply, genai.METRICS),
    (indexed.ROOTS, indexed.apply, indexed.METRICS),
    (openinference.ROOTS, openinference.apply, openinference.METRICS),
    (vercel.ROOTS, vercel.apply, vercel.METRICS),
)
"""Where two of them know something, the first one wins. Most spans have names of none, or of one or two."""
_INHERITED = frozenset({"input", "output", "expected", "metadata", "metrics", "scores", "span_attributes", "tags"})
"""Fields that a span takes over from the exported span it is below."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER_BYTES = 4 << 10
_SECOND_NS = 1_000_000_000


def event_of(span: Span, above: Exported | None = None) -> bytes:
    """Return the event of a span, which may be below one that was exported."""
    draft = Draft(dict(span.attributes), list(span.events))
    preserve = draft.take(braintrust.PRESERVE) is True
    names = (*span.attributes, *(event.name for event in span.events))
    roots = {name.partition(".")[0] for name in names}
    usages: list[Mapping[str, str]] = []
    for known, apply, usage in CONVENTIONS:
        if known & roots:
            apply(draft)
            usages.append(usage)
    # Whether a span is a call of a model may be known by a later convention than its usage.
    for usage in usages:
        draft.move_usage(usage)
    context = draft.fields.pop("context", None)
    event: dict[str, object] = {
        "id": span.span_id,
        "span_id": span.span_id,
        "root_span_id": span.trace_id,
        "span_parents": [span.parent_span_id] if span.parent_span_id else None,
        **draft.fields,
        "error": _error(span) or draft.fields.get("error"),
        "metadata": {**(span.attributes if preserve else draft.rest), **draft.metadata} or None,
        "metrics": _metrics(span, draft) or None,
        "scores": draft.scores or None,
        "span_attributes": {"name": span.name, **draft.span_attributes},
        "context": {
            **(context if isinstance(context, dict) else {}),
            "otel": _otel(span, draft.events) | ({} if above is None else {"trace_id": span.trace_id}),
        },
        "created": _time(span.start_ns) if span.start_ns else None,
    }
    if above is not None:
        _put_below(event, above)
    return _compact(json_bytes({name: value for name, value in event.items() if value is not None}))


def _compact(event: bytes) -> bytes:
    """Return a copy of what the encoder has made in the 4 KiB that it begins with: cut, it keeps all of them."""
    return bytes(memoryview(event)) if len(event) < _ENCODER_BYTES else event


def _put_below(event: dict[str, object], above: Exported) -> None:
    """Make an event part of the trace of an exported span."""
    event["root_span_id"] = above.root_span_id
    event["span_parents"] = event["span_parents"] or [above.span_id]
    for name, value in (above.propagated_event or {}).items():
        if name in _INHERITED:
            own = event.get(name)
            event[name] = value if own is None else merged(value, own)


def _metrics(span: Span, draft: Draft) -> Attributes:
    metrics = draft.metrics
    prompt, completion = metrics.get("prompt_tokens"), metrics.get("completion_tokens")
    if isinstance(prompt, int | float) and isinstance(completion, int | float) and is_metric(prompt + completion):
        metrics.setdefault("tokens", prompt + completion)
    times = {"start": span.start_ns, "end": span.end_ns}
    return {**{name: time / _SECOND_NS for name, time in times.items() if time}, **metrics}


def _error(span: Span) -> str | None:
    """Return why a span failed, by its status, else by the last exception that was recorded."""
    if span.status != "error":
        return None
    if span.status_message:
        return span.status_message
    for event in reversed(span.events):
        if event.name == "exception":
            kind, message = (event.attributes.get(f"exception.{name}") for name in ("type", "message"))
            return ": ".join(str(each) for each in (kind, message) if each) or "exception"
    return str(span.attributes.get("error.type") or "error")


def _otel(span: Span, events: list[SpanEvent]) -> dict[str, object]:
    scope = {"name": span.scope.name, "version": span.scope.version, "attributes": span.scope.attributes}
    found: dict[str, object] = {
        "kind": span.kind if span.kind != "unspecified" else None,
        "status": span.status if span.status != "unset" else None,
        "trace_state": span.trace_state,
        "resource": span.resource.attributes,
        "scope": _given(scope),
        "events": [
            {"name": one.name, "time": _time(one.time_ns), "attributes": one.attributes, **_dropped(one.dropped)}
            for one in events
        ],
        "links": [_linked(one) for one in span.links],
        "dropped": _given(
            {
                **span.dropped._asdict(),
                "resource_attributes": span.resource.dropped,
                "scope_attributes": span.scope.dropped,
            }
        ),
    }
    return _given(found)


def _linked(link: Link) -> dict[str, object]:
    more = _given({"trace_state": link.trace_state}) | _dropped(link.dropped)
    return {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": link.attributes, **more}


def _dropped(attributes: int) -> dict[str, object]:
    return _given({"dropped_attributes": attributes})


def _given(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value}


def _time(time_ns: int) -> str:
    return (_EPOCH + timedelta(microseconds=time_ns // 1_000)).isoformat(timespec="microseconds")[:-6] + "Z"
