"""Pydantic AI and Logfire: what they say beside the attributes of GenAI.

Both write lists and objects as JSON, and name in ``logfire.json_schema`` the attributes that are such.
"""

from __future__ import annotations

from collections.abc import Sequence

from btql_server.otlp import genai
from btql_server.otlp.draft import Draft, structured
from btql_server.otlp.span import SpanEvent
from btql_storage.json_text import JsonValue

ROOTS = frozenset({"logfire", "pydantic_ai"})
"""How names begin that this convention knows; others are looked at where one of these is."""
MESSAGES = "pydantic_ai.all_messages"
"""The same as ``gen_ai.input.messages``, of the run of an agent."""
EVENTS = ("events", "all_messages_events")
"""Messages as the events that they once were, in one JSON."""
FIELDS = {"tool_arguments": "input", "tool_response": "output", "final_result": "output"}
"""Attributes of agents and tools that are all of the input or output, as JSON or as text."""
_OF_AGENTS = frozenset({"agent_name", "gen_ai.agent.name", "gen_ai.tool.name"})
REQUEST, RESPONSE = "request_data", "response_data"
"""What Logfire knows of a call of a model: the call's parameters, and what came back."""
METRICS = {"operation.cost": "estimated_cost"}
_SCHEMA = "logfire.json_schema"


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    _read_json(draft)
    if "gen_ai.tool.name" in draft.rest and "gen_ai.operation.name" not in draft.rest:
        draft.fill_type("tool")
    if MESSAGES in draft.rest:
        draft.rest.setdefault("gen_ai.input.messages", draft.take(MESSAGES))
    draft.events = [*(event for name in EVENTS for event in _taken_events(draft, name)), *draft.events]
    genai.apply(draft)
    if _OF_AGENTS & draft.rest.keys():
        for name, field in FIELDS.items():
            draft.fill(field, structured(draft.take(name)))
    _take_request(draft)
    _take_response(draft)
    draft.move_to_tags("logfire.tags")


def _read_json(draft: Draft) -> None:
    """Read the attributes that are said to be JSON."""
    schema = structured(draft.rest.get(_SCHEMA))
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name in properties if isinstance(properties, dict) else ():
        if name in draft.rest:
            draft.rest[name] = structured(draft.rest[name])


def _taken_events(draft: Draft, name: str) -> Sequence[SpanEvent]:
    """Return a list of events as events of the span, from which the convention of GenAI takes messages."""
    events = structured(draft.rest.get(name))
    found = [_event(event) for event in events] if isinstance(events, list) else []
    known = [event for event in found if event is not None]
    if not known or len(known) < len(found):
        return ()
    del draft.rest[name]
    return known


def _event(event: JsonValue) -> SpanEvent | None:
    if not isinstance(event, dict):
        return None
    # Some versions leave the name out.
    guessed = "gen_ai.choice" if "message" in event else f"gen_ai.{event.get('role')}.message"
    name = event.get("event.name", guessed)
    if name not in genai.MESSAGE_EVENTS:
        return None
    return SpanEvent(str(name), 0, {key: value for key, value in event.items() if key != "event.name"})


def _take_request(draft: Draft) -> None:
    request = structured(draft.rest.get(REQUEST))
    if not isinstance(request, dict) or "model" not in request:
        return
    del draft.rest[REQUEST]
    request = dict(request)
    said = next((name for name in ("messages", "input", "prompt") if request.get(name) is not None), None)
    messages = None if said is None else request.pop(said)
    # Anthropic has instructions beside the messages, and so have OpenAI's responses.
    for name in ("system", "instructions"):
        text = request.pop(name, None)
        if text is not None:
            system: JsonValue = {"role": "system", "content": text}
            messages = [system, *_as_messages(messages)]
    draft.fill("input", messages)
    for name, value in request.items():
        draft.metadata.setdefault(name, value)


def _as_messages(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, list):
        return value
    return [] if value is None else [{"role": "user", "content": value}]


def _take_response(draft: Draft) -> None:
    response = structured(draft.rest.get(RESPONSE))
    match response:
        case {"message": dict() as message}:
            output: JsonValue = [message]
        case {"combined_chunk_content": str() as text} | {"text": str() as text}:
            output = text
        case _:
            return
    if "output" not in draft.fields:
        del draft.rest[RESPONSE]
        draft.fill("output", output)
