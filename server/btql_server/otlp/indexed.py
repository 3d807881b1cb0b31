"""OpenLLMetry (Traceloop): a message is several attributes, such as ``gen_ai.prompt.0.role``.

What its own spans of workflows, tasks and tools go by is ``traceloop.*``.
"""

from __future__ import annotations

from btql_server.otlp.draft import Draft, parsed, structured
from btql_server.otlp.messages import content_of_text, tool_call
from btql_storage.json_text import JsonValue

ROOTS = frozenset({"gen_ai", "traceloop", "llm"})
"""How names begin that this convention knows."""
TYPES = {"workflow": "task", "task": "task", "agent": "task", "tool": "tool"}
"""``traceloop.span.kind`` to the type of a span."""
REQUEST_TYPES = {"chat": "llm", "completion": "llm", "embedding": "llm", "rerank": "function"}
"""``llm.request.type`` to the type of a span."""
METRICS = {
    "llm.usage.total_tokens": "tokens",
    "llm.usage.prompt_tokens": "prompt_tokens",
    "llm.usage.completion_tokens": "completion_tokens",
}
FIELDS = {"traceloop.entity.input": "input", "traceloop.entity.output": "output"}
"""Attributes that are all of the input or output, as JSON."""


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    draft.fill_type(TYPES.get(str(draft.rest.get("traceloop.span.kind"))))
    draft.fill_type(REQUEST_TYPES.get(str(draft.rest.get("llm.request.type"))))
    draft.fill("input", [_message(one) for one in draft.take_numbered("gen_ai.prompt.")] or None)
    draft.fill("output", [_message(one) for one in draft.take_numbered("gen_ai.completion.")] or None)
    for name, field in FIELDS.items():
        value = draft.take(name)
        draft.fill(field, parsed(value, value) if isinstance(value, str) else value)
    functions = draft.take_numbered("llm.request.functions.")
    if functions:
        draft.metadata.setdefault("tools", [_function(one) for one in functions])


def _message(message: JsonValue) -> JsonValue:
    if not isinstance(message, dict):
        return message
    content = content_of_text(message.get("content"))
    calls = message.get("tool_calls")
    found = {**message, "content": content}
    if isinstance(calls, list):
        found["tool_calls"] = [
            tool_call(call.get("id"), call.get("name"), call.get("arguments")) if isinstance(call, dict) else call
            for call in calls
        ]
    return found


def _function(function: JsonValue) -> JsonValue:
    if not isinstance(function, dict):
        return function
    return {"type": "function", "function": {name: structured(value) for name, value in function.items()}}
