"""The GenAI semantic conventions of OpenTelemetry: ``gen_ai.*``, in their present form and in those before.

Messages came as attributes that hold JSON (now), as events of the span with one message each (until 2025), and
as one ``gen_ai.prompt`` and ``gen_ai.completion`` (2024). All are brought to one form.
"""

from __future__ import annotations

from btql_server.otlp.draft import Draft, is_metric, structured
from btql_server.otlp.messages import content_of_parts, messages_of_parts, with_text_arguments
from btql_server.otlp.span import Attributes, SpanEvent
from btql_storage.json_text import JsonValue

ROOTS = frozenset({"gen_ai"})
"""How names of attributes or events begin that this convention knows."""
TYPES = {
    "chat": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "embeddings": "llm",
    "execute_tool": "tool",
    "invoke_agent": "task",
    "create_agent": "task",
    "invoke_workflow": "task",
    "retrieval": "function",
}
"""``gen_ai.operation.name`` to the type of a span."""

METADATA = {
    "gen_ai.request.model": "model",
    "gen_ai.response.model": "model",
    "gen_ai.provider.name": "provider",
    "gen_ai.system": "provider",
    "gen_ai.request.temperature": "temperature",
    "gen_ai.request.top_p": "top_p",
    "gen_ai.request.top_k": "top_k",
    "gen_ai.request.max_tokens": "max_tokens",
    "gen_ai.request.frequency_penalty": "frequency_penalty",
    "gen_ai.request.presence_penalty": "presence_penalty",
    "gen_ai.request.stop_sequences": "stop",
    "gen_ai.request.seed": "seed",
    "gen_ai.request.choice.count": "n",
    "gen_ai.request.stream": "stream",
}
"""Attributes to keys of ``metadata``, which are called as in the APIs of models."""

METRICS = {
    "gen_ai.usage.input_tokens": "prompt_tokens",
    "gen_ai.usage.prompt_tokens": "prompt_tokens",
    "gen_ai.usage.output_tokens": "completion_tokens",
    "gen_ai.usage.completion_tokens": "completion_tokens",
    "gen_ai.usage.total_tokens": "tokens",
    "gen_ai.usage.cache_read.input_tokens": "prompt_cached_tokens",
    "gen_ai.usage.cache_read_input_tokens": "prompt_cached_tokens",
    "gen_ai.usage.input_tokens.cached": "prompt_cached_tokens",
    "gen_ai.usage.cache_creation.input_tokens": "prompt_cache_creation_tokens",
    "gen_ai.usage.cache_creation_input_tokens": "prompt_cache_creation_tokens",
    "gen_ai.usage.cache_write.input_tokens": "prompt_cache_creation_tokens",
    "gen_ai.usage.cache_write_input_tokens": "prompt_cache_creation_tokens",
    "gen_ai.usage.reasoning.output_tokens": "completion_reasoning_tokens",
    "gen_ai.usage.reasoning_tokens": "completion_reasoning_tokens",
    "gen_ai.usage.output_tokens.reasoning": "completion_reasoning_tokens",
    "gen_ai.usage.details.cached_tokens": "prompt_cached_tokens",
    "gen_ai.usage.details.cache_read_tokens": "prompt_cached_tokens",
    "gen_ai.usage.details.cache_read_input_tokens": "prompt_cached_tokens",
    "gen_ai.usage.details.cache_write_tokens": "prompt_cache_creation_tokens",
    "gen_ai.usage.details.cache_creation_input_tokens": "prompt_cache_creation_tokens",
    "gen_ai.usage.details.reasoning_tokens": "completion_reasoning_tokens",
    "gen_ai.response.time_to_first_chunk": "time_to_first_token",
}
"""Attributes to ``metrics``, for calls of models."""

FIELDS = {
    "gen_ai.tool.call.arguments": "input",
    "gen_ai.tool.call.result": "output",
    "gen_ai.retrieval.query.text": "input",
    "gen_ai.retrieval.documents": "output",
    "gen_ai.prompt": "input",
    "gen_ai.completion": "output",
}
"""Attributes that are all of the input or output, as JSON or as text."""

_OTHER_TYPES = frozenset({"traceloop.span.kind", "llm.request.type", "openinference.span.kind", "ai.operationId"})
"""Where other conventions say what type of span this is."""
_AGENT_RUN = frozenset({"agent_name", "model_name"})
"""What runs of agents have in pydantic-ai before it said what its operations are."""
_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
"""Events of one message to the role where it has none."""
MESSAGE_EVENTS = frozenset({*_ROLES, "gen_ai.choice"})
"""Events that are one message each."""
_DETAILS = frozenset(
    {"gen_ai.client.inference.operation.details", "gen_ai.content.prompt", "gen_ai.content.completion"}
)
"""Events whose attributes are as if they were the span's."""
_SCORE = ("gen_ai.evaluation.name", "gen_ai.evaluation.score.value")
"""What of an evaluation becomes a score: its name and its value."""
_BODIES = ("gen_ai.event.content", "event.body", "body")
"""Where libraries put the message of an event, as JSON; without any, the event's attributes are the message."""


def apply(draft: Draft) -> None:
    """Take the attributes and events of this convention."""
    operation = draft.rest.get("gen_ai.operation.name")
    if isinstance(operation, str):
        draft.fill_type(TYPES.get(operation))
    elif not _OTHER_TYPES & draft.rest.keys():
        if draft.rest.keys() >= _AGENT_RUN:
            draft.fill_type("task")
        elif "gen_ai.request.model" in draft.rest:
            draft.fill_type("llm")
    _take_events(draft)
    _take_messages(draft)
    for name, field in FIELDS.items():
        draft.fill(field, structured(draft.take(name)))
    definitions = structured(draft.take("gen_ai.tool.definitions"))
    if definitions is not None:
        draft.metadata.setdefault("tools", definitions)
    draft.move_to_metadata(METADATA)


def _take_messages(draft: Draft) -> None:
    instructions = structured(draft.take("gen_ai.system_instructions"))
    messages = messages_of_parts(structured(draft.take("gen_ai.input.messages")))
    if instructions is not None:
        content = content_of_parts(instructions) if isinstance(instructions, list) else instructions
        rest: list[JsonValue] = messages if isinstance(messages, list) else [] if messages is None else [messages]
        system: JsonValue = {"role": "system", "content": content}
        messages = [system, *rest]
    draft.fill("input", messages)
    draft.fill("output", messages_of_parts(structured(draft.take("gen_ai.output.messages"))))


def _take_events(draft: Draft) -> None:
    """Take messages from events; where there are any, they win over the attributes."""
    inputs: list[JsonValue] = []
    outputs: list[JsonValue] = []
    others: list[SpanEvent] = []
    for event in draft.events:
        if event.name in _ROLES:
            inputs.append(_message(event))
        elif event.name == "gen_ai.choice":
            outputs.append(_choice(event))
        elif event.name in _DETAILS:
            for name, value in event.attributes.items():
                draft.rest.setdefault(name, value)
        elif event.name != "gen_ai.evaluation.result" or not _take_score(draft, event) or _says_more(event):
            others.append(event)
    draft.events = others
    draft.fill("input", inputs or None)
    draft.fill("output", outputs or None)


def _message(event: SpanEvent) -> Attributes:
    message: Attributes = {"role": _ROLES[event.name], **_body(event)}
    if message["role"] == "tool" and "id" in message:
        message["tool_call_id"] = message.pop("id")
    return message


def _body(event: SpanEvent) -> Attributes:
    body = _said(event)
    message = body.get("message")
    for holder in (body, message if isinstance(message, dict) else {}):
        calls = holder.get("tool_calls")
        if isinstance(calls, list):
            holder["tool_calls"] = [with_text_arguments(call) for call in calls]
    return body


def _said(event: SpanEvent) -> Attributes:
    for name in _BODIES:
        body = structured(event.attributes.get(name))
        if isinstance(body, dict):
            return body
    return {
        name: structured(value) if name in ("tool_calls", "message") else value
        for name, value in event.attributes.items()
        if not name.startswith("gen_ai.")
    }


def _choice(event: SpanEvent) -> Attributes:
    body = _body(event)
    message = body.pop("message", None)
    if isinstance(message, dict):
        return {"role": "assistant", **message, **body}
    return {"role": "assistant", **({} if message is None else {"content": message}), **body}


def _says_more(evaluation: SpanEvent) -> bool:
    """Whether an evaluation has what a score has not, such as an explanation."""
    return not evaluation.attributes.keys() <= set(_SCORE)


def _take_score(draft: Draft, event: SpanEvent) -> bool:
    """Turn an evaluation into a score, if it is one."""
    name, value = (event.attributes.get(each) for each in _SCORE)
    if not isinstance(name, str) or not is_metric(value) or not 0 <= float(str(value)) <= 1:
        return False
    return draft.scores.setdefault(name, value) == value
