"""OpenInference (Arize Phoenix): ``openinference.span.kind``, ``input.value``, ``llm.*``.

Messages are several attributes, such as ``llm.input_messages.0.message.role``.
"""

from __future__ import annotations

from btql_server.otlp.draft import Draft, structured
from btql_server.otlp.messages import content_of_parts, tool_call
from btql_server.otlp.span import Attributes
from btql_storage.json_text import JsonValue

ROOTS = frozenset({"openinference", "llm", "input", "output", "retrieval", "reranker", "embedding"})
"""How names begin that this convention knows; ``metadata`` and ``tag.tags`` are looked at where one of these is."""
TYPES = {
    "LLM": "llm",
    "EMBEDDING": "llm",
    "TOOL": "tool",
    "CHAIN": "task",
    "AGENT": "task",
    "RETRIEVER": "function",
    "RERANKER": "function",
    "PROMPT": "function",
    "GUARDRAIL": "function",
    "EVALUATOR": "score",
}
"""``openinference.span.kind`` to the type of a span."""

METADATA = {
    "llm.model_name": "model",
    "embedding.model_name": "model",
    "reranker.model_name": "model",
    "llm.provider": "provider",
    "llm.system": "provider",
}

METRICS = {
    "llm.token_count.prompt": "prompt_tokens",
    "llm.token_count.completion": "completion_tokens",
    "llm.token_count.total": "tokens",
    "llm.token_count.prompt_details.cache_read": "prompt_cached_tokens",
    "llm.token_count.prompt_details.cache_write": "prompt_cache_creation_tokens",
    "llm.token_count.completion_details.reasoning": "completion_reasoning_tokens",
    "llm.cost.total": "estimated_cost",
}


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    draft.fill_type(TYPES.get(str(draft.rest.get("openinference.span.kind")).upper()))
    draft.fill("input", _messages(draft, "llm.input_messages."))
    draft.fill("output", _messages(draft, "llm.output_messages."))
    draft.fill("output", _documents(draft, "retrieval.documents."))
    draft.fill("output", _documents(draft, "reranker.output_documents."))
    _take_value(draft, "input")
    _take_value(draft, "output")
    tools = _listed(draft, "llm.tools.", "tool")
    if tools is not None:
        draft.metadata.setdefault("tools", [_schema(tool) for tool in tools])
    for name in ("llm.invocation_parameters", "metadata"):
        draft.spread(name)
    draft.move_to_metadata(METADATA)
    draft.move_to_tags("tag.tags")


def _take_value(draft: Draft, field: str) -> None:
    """Take ``input.value``, of which the media type says whether it is JSON."""
    value, media = draft.take(f"{field}.value"), draft.take(f"{field}.mime_type")
    draft.fill(field, structured(value) if media == "application/json" else value)


def _listed(draft: Draft, prefix: str, name: str) -> list[JsonValue] | None:
    """Take attributes such as ``<prefix>0.<name>.role``."""
    return [_unwrapped(one, name) for one in draft.take_numbered(prefix)] or None


def _documents(draft: Draft, prefix: str) -> list[JsonValue] | None:
    """Take documents, whose metadata are JSON."""
    found = _listed(draft, prefix, "document")
    for document in found or ():
        if isinstance(document, dict) and "metadata" in document:
            document["metadata"] = structured(document["metadata"])
    return found


def _unwrapped(one: JsonValue, name: str) -> JsonValue:
    """Return what is at the one key that an object should have, with whatever it has beside."""
    if not isinstance(one, dict) or name not in one:
        return one
    inner, beside = one[name], {key: value for key, value in one.items() if key != name}
    if isinstance(inner, dict):
        return {**beside, **inner}
    return one if beside else inner


def _messages(draft: Draft, prefix: str) -> list[JsonValue] | None:
    found = _listed(draft, prefix, "message")
    return None if found is None else [_message(one) if isinstance(one, dict) else one for one in found]


def _message(message: Attributes) -> Attributes:
    found = {name: value for name, value in message.items() if name not in ("contents", "tool_calls")}
    contents = message.get("contents")
    if isinstance(contents, list):
        found["content"] = content_of_parts([_part(one) for one in contents])
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        found.setdefault("content", None)
        found["tool_calls"] = [_call(one) for one in calls]
    return found


def _part(part: JsonValue) -> JsonValue:
    match part:
        case {"message_content": dict() as content}:
            return content
        case _:
            return part


def _call(call: JsonValue) -> JsonValue:
    match call:
        case {"tool_call": dict() as inner}:
            function = inner.get("function")
            if isinstance(function, dict):
                return tool_call(inner.get("id"), function.get("name"), function.get("arguments"))
            return inner
        case _:
            return call


def _schema(tool: JsonValue) -> JsonValue:
    return structured(tool["json_schema"]) if isinstance(tool, dict) and "json_schema" in tool else tool
