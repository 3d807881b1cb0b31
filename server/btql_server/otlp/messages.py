"""Messages of a chat, in the one form that all conventions are brought to.

It is the form of OpenAI's API, which native spans have, too: ``role``, ``content``, ``tool_calls`` with a
``function`` of ``name`` and ``arguments``, and for results ``role: tool`` and ``tool_call_id``.
"""

from __future__ import annotations

from btql_server.otlp.draft import parsed
from btql_server.otlp.span import Attributes
from btql_storage.json_text import JsonValue, dumps


def messages_of_parts(value: JsonValue) -> JsonValue:
    """Return messages that are made of ``parts``, as OpenTelemetry has them, in the usual form.

    Anything else is returned as it is.
    """
    if not isinstance(value, list):
        return value
    found: list[JsonValue] = []
    for message in value:
        if isinstance(message, dict) and isinstance(message.get("parts"), list):
            found.extend(_messages(message))
        else:
            found.append(message)
    return found


def content_of_parts(parts: list[JsonValue]) -> JsonValue:
    """Return the content of a message: its text where there is nothing else."""
    content = [_content(part) for part in parts]
    match content:
        case []:
            return None
        case [{"type": "text", "text": str() as text, **others}] if not others:
            return text
        case _:
            return content


def tool_call(call_id: JsonValue, name: JsonValue, arguments: JsonValue) -> Attributes:
    """Return a request of a model to call a tool."""
    text = arguments if isinstance(arguments, str) else dumps({} if arguments is None else arguments)
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}}


def with_text_arguments(call: JsonValue) -> JsonValue:
    """Return a call of a tool with its arguments as JSON, as models give them."""
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        return call
    arguments = function.get("arguments")
    if arguments is None or isinstance(arguments, str):
        return call
    return {**call, "function": {**function, "arguments": dumps(arguments)}}


def content_of_text(content: JsonValue) -> JsonValue:
    """Return what the parts say that a text holds as JSON, and any other content as it is."""
    if isinstance(content, str) and content.startswith("["):
        parts = parsed(content)
        if isinstance(parts, list) and parts and all(isinstance(part, dict) and "type" in part for part in parts):
            return content_of_parts(parts)
    return content


def _messages(message: Attributes) -> list[JsonValue]:
    """Return one message as the usual form has it: each result of a tool is a message of its own."""
    parts = message["parts"]
    assert isinstance(parts, list)
    content: list[JsonValue] = []
    calls: list[JsonValue] = []
    results: list[JsonValue] = []
    for part in parts:
        match part:
            case dict() if part.get("type") == "tool_call":
                calls.append(tool_call(part.get("id"), part.get("name"), part.get("arguments")))
            case dict() if part.get("type") == "tool_call_response":
                result = part.get("response", part.get("result"))
                results.append({"role": "tool", "tool_call_id": part.get("id"), "content": result})
            case _:
                content.append(part)
    if results and not content and not calls:
        return results
    whole: Attributes = {"role": message.get("role"), "content": content_of_parts(content)}
    if calls:
        whole["tool_calls"] = calls
    others = {key: value for key, value in message.items() if key not in ("content", "parts")}
    return [whole | others, *results]


def _content(part: JsonValue) -> JsonValue:
    match part:
        case {"type": "text", "content": str() as text, **others} if not others:
            return {"type": "text", "text": text}
        case _:
            return part
