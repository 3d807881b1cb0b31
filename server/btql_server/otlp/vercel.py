"""The telemetry of the AI SDK by Vercel: ``ai.*``.

A call is two spans: the outer one is of the SDK's function, the inner one (``….doGenerate``) of the model. Both
repeat the usage; it is counted at the inner one. The inner one also has some ``gen_ai.*`` attributes.
"""

from __future__ import annotations

from btql_server.otlp.draft import Draft, is_metric, parsed
from btql_server.otlp.messages import messages_of_parts, tool_call
from btql_storage.json_text import JsonValue

ROOTS = frozenset({"ai"})
"""How names begin that this convention knows."""
MODEL_CALLS = (".doGenerate", ".doStream", ".doEmbed")
"""How ``ai.operationId`` of a call of a model ends."""
INPUTS = ("ai.prompt.messages", "ai.prompt", "ai.toolCall.args", "ai.toolCall.input", "ai.value", "ai.values")
OUTPUTS = (
    "ai.response.object",
    "ai.result.object",
    "ai.toolCall.result",
    "ai.toolCall.output",
    "ai.embedding",
    "ai.embeddings",
)
METADATA = {"ai.model.id": "model", "ai.model.provider": "provider"}
METRICS = {
    "ai.usage.inputTokens": "prompt_tokens",
    "ai.usage.promptTokens": "prompt_tokens",
    "ai.usage.tokens": "prompt_tokens",
    "ai.usage.outputTokens": "completion_tokens",
    "ai.usage.completionTokens": "completion_tokens",
    "ai.usage.totalTokens": "tokens",
    "ai.usage.cachedInputTokens": "prompt_cached_tokens",
    "ai.usage.inputTokenDetails.cacheReadTokens": "prompt_cached_tokens",
    "ai.usage.inputTokenDetails.cacheWriteTokens": "prompt_cache_creation_tokens",
    "ai.usage.reasoningTokens": "completion_reasoning_tokens",
    "ai.usage.outputTokenDetails.reasoningTokens": "completion_reasoning_tokens",
}
_FIRST_CHUNK = ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk")


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    operation = draft.rest.get("ai.operationId")
    if not isinstance(operation, str):
        return
    if operation.endswith(MODEL_CALLS):
        draft.fill_type("llm")
    draft.fill_type("tool" if operation == "ai.toolCall" else "function")
    for name in INPUTS:
        draft.fill("input", _in_usual_form(_read(draft.take(name))))
    for name in OUTPUTS:
        draft.fill("output", _read(draft.take(name)))
    draft.fill("output", _reply(draft))
    tools = _read(draft.take("ai.prompt.tools"))
    if tools is not None:
        draft.metadata.setdefault("tools", tools)
    choice = _read(draft.take("ai.prompt.toolChoice"))
    if choice is not None:
        draft.metadata.setdefault("tool_choice", choice)
    for name, value in draft.take_below("ai.telemetry.metadata.").items():
        draft.metadata.setdefault(name, value)
    draft.move_to_metadata(METADATA)
    first = draft.rest.get(_FIRST_CHUNK[0], draft.rest.get(_FIRST_CHUNK[1]))
    if is_metric(first) and draft.span_attributes["type"] == "llm":
        draft.metrics.setdefault("time_to_first_token", first / 1_000)


def _read(value: JsonValue) -> JsonValue:
    """Return what a text says, which is JSON mostly, also that of one text; lists have such texts as items."""
    if isinstance(value, list):
        return [_read(item) for item in value]
    return parsed(value, value) if isinstance(value, str) else value


def _in_usual_form(value: JsonValue) -> JsonValue:
    """Return messages, or an object that has some, with tool calls and results as all conventions have them."""
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        return {**value, "messages": _in_usual_form(value["messages"])}
    return messages_of_parts([_with_parts(message) for message in value]) if isinstance(value, list) else value


def _with_parts(message: JsonValue) -> JsonValue:
    if not isinstance(message, dict) or "role" not in message:
        return message
    content = message.get("content")
    return {**message, "parts": [_part(part) for part in content]} if isinstance(content, list) else message


def _part(part: JsonValue) -> JsonValue:
    """Return a part of a message as the conventions of OpenTelemetry name it."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(part, dict) or kind not in ("tool-call", "tool-result"):
        return part
    if kind == "tool-call":
        arguments = part.get("input", part.get("args"))
        return {"type": "tool_call", "id": part.get("toolCallId"), "name": part.get("toolName"), "arguments": arguments}
    output = part.get("output", part.get("result"))
    if isinstance(output, dict) and output.keys() == {"type", "value"}:
        output = output["value"]
    return {"type": "tool_call_response", "id": part.get("toolCallId"), "response": output}


def _reply(draft: Draft) -> JsonValue:
    """Return what the model has said: of a call of a model as a message, else its text."""
    text = draft.take("ai.response.text", "ai.result.text")
    calls = _read(draft.take("ai.response.toolCalls", "ai.result.toolCalls"))
    if isinstance(calls, list) and calls:
        return [{"role": "assistant", "content": text or None, "tool_calls": [_call(call) for call in calls]}]
    if text is not None and draft.span_attributes["type"] == "llm":
        return [{"role": "assistant", "content": text}]
    return text


def _call(call: JsonValue) -> JsonValue:
    if not isinstance(call, dict):
        return call
    return tool_call(call.get("toolCallId"), call.get("toolName"), call.get("input", call.get("args")))
