"""A small trace with one of everything that the trace view draws: written by hand, so that tests know each word."""

from __future__ import annotations

_LONG = "Rain. " + "long " * 800 + "quokka"

_AGENT: dict[str, object] = {
    "id": "p-root",
    "span_id": "p-root",
    "root_span_id": "p-root",
    "created": "2026-11-20T10:00:00Z",
    "span_attributes": {"name": "planted agent", "type": "task"},
    "input": "What is the weather?",
    "output": "<img src=x onerror=alert(1)> is what it said",
    "metrics": {"start": 1795168800, "end": 1795168810},
    "tags": ["golden", "<b>bold</b>"],
    "metadata": {"user": "ada", "deep": {"list": list(range(300))}},
}

_CALL: dict[str, object] = {
    "id": "p-llm",
    "span_id": "p-llm",
    "root_span_id": "p-root",
    "span_parents": ["p-root"],
    "created": "2026-11-20T10:00:01Z",
    "span_attributes": {"name": "chat", "type": "llm"},
    "input": [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": [{"type": "text", "text": "What is the weather in Nürnberg? ☂️ 天気は?"}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Nürnberg"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": '{"sky": "rain"}'},
    ],
    "output": {"choices": [{"index": 0, "message": {"role": "assistant", "content": _LONG}}]},
    "metadata": {"model": "gpt-5"},
    "metrics": {
        "start": 1795168801,
        "end": 1795168803.5,
        "prompt_tokens": 1000,
        "completion_tokens": 500,
        "tokens": 1500,
    },
}

_TOOL: dict[str, object] = {
    "id": "p-tool",
    "span_id": "p-tool",
    "root_span_id": "p-root",
    "span_parents": ["p-llm"],
    "created": "2026-11-20T10:00:02Z",
    "span_attributes": {"name": "get_weather", "type": "tool"},
    "input": {"city": "Nürnberg"},
    "error": "TimeoutError: the station does not answer",
    "metrics": {"start": 1795168802, "end": 1795168803},
}

_SCORER: dict[str, object] = {
    "id": "p-score",
    "span_id": "p-score",
    "root_span_id": "p-root",
    "span_parents": ["p-root"],
    "created": "2026-11-20T10:00:09Z",
    "span_attributes": {"name": "Brevity", "type": "score", "purpose": "scorer"},
    "scores": {"Brevity": 0.25},
    "metrics": {"start": 1795168809, "end": 1795168809.2},
}

PLANTED = [_AGENT, _CALL, _TOOL, _SCORER]
