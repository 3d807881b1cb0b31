"""LangSmith: its SDKs send runs as OpenTelemetry spans, with ``langsmith.*`` beside a few attributes of GenAI."""

from __future__ import annotations

import base64
import binascii

from btql_server.otlp.draft import Draft, structured
from btql_storage.json_text import JsonValue

ROOTS = frozenset({"langsmith"})
"""How names begin that this convention knows."""
TYPES = {
    "llm": "llm",
    "embedding": "llm",
    "tool": "tool",
    "chain": "task",
    "retriever": "function",
    "prompt": "function",
    "parser": "function",
}
"""``langsmith.span.kind`` to the type of a span. ``gen_ai.operation.name`` says less: of a retriever `embeddings`."""
FIELDS = {"gen_ai.prompt": "input", "gen_ai.completion": "output"}
"""Attributes that are all of the input or output, as JSON; as bytes, too."""
_METADATA = "langsmith.metadata"
_TAGS = "langsmith.span.tags"


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    draft.fill_type(TYPES.get(str(draft.rest.get("langsmith.span.kind")).lower()))
    for name, field in FIELDS.items():
        draft.fill(field, _value(draft.take(name)))
    draft.spread(_METADATA)
    for key, value in draft.take_below(f"{_METADATA}.").items():
        draft.metadata.setdefault(key, value)
    tags = draft.rest.get(_TAGS)
    if isinstance(tags, str):
        # However many there are, they come as one text.
        draft.rest[_TAGS] = [tag for tag in map(str.strip, tags.split(",")) if tag]
    if _TAGS in draft.rest:
        draft.move_to_tags(_TAGS)


def _value(value: JsonValue) -> JsonValue:
    found = structured(value)
    if isinstance(found, str):
        # Newer exporters keep the bytes of its JSON as bytes, which are base64 here.
        try:
            text = base64.b64decode(found, validate=True).decode()
        except (binascii.Error, ValueError):
            return found
        decoded = structured(text)
        return found if isinstance(decoded, str) else decoded
    return found
