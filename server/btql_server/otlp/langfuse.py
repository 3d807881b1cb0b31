"""Langfuse: its SDKs send OpenTelemetry spans, with all that they know of an observation in ``langfuse.*``."""

from __future__ import annotations

from btql_server.otlp.draft import Draft, structured

ROOTS = frozenset({"langfuse"})
"""How names begin that this convention knows."""
TYPES = {
    "generation": "llm",
    "embedding": "llm",
    "tool": "tool",
    "agent": "task",
    "chain": "task",
    "retriever": "function",
    "guardrail": "function",
    "evaluator": "score",
}
"""``langfuse.observation.type`` to the type of a span."""
FIELDS = {
    "langfuse.observation.input": "input",
    "langfuse.observation.output": "output",
    "langfuse.trace.input": "input",
    "langfuse.trace.output": "output",
}
"""Attributes that are all of the input or output, as JSON or as text; those of a trace are at its root."""
METADATA = {"langfuse.observation.model.name": "model"}
USAGE, COST = "langfuse.observation.usage_details", "langfuse.observation.cost_details"
"""Each is the JSON of an object with numbers."""
METRICS = {
    f"{USAGE}.input": "prompt_tokens",
    f"{USAGE}.prompt_tokens": "prompt_tokens",
    f"{USAGE}.input_tokens": "prompt_tokens",
    f"{USAGE}.output": "completion_tokens",
    f"{USAGE}.completion_tokens": "completion_tokens",
    f"{USAGE}.output_tokens": "completion_tokens",
    f"{USAGE}.total": "tokens",
    f"{USAGE}.total_tokens": "tokens",
    f"{USAGE}.input_cached_tokens": "prompt_cached_tokens",
    f"{USAGE}.cache_read_input_tokens": "prompt_cached_tokens",
    f"{USAGE}.input_cache_read": "prompt_cached_tokens",
    f"{USAGE}.cache_creation_input_tokens": "prompt_cache_creation_tokens",
    f"{USAGE}.input_cache_creation": "prompt_cache_creation_tokens",
    f"{USAGE}.output_reasoning_tokens": "completion_reasoning_tokens",
    f"{USAGE}.output_reasoning": "completion_reasoning_tokens",
    f"{COST}.total": "estimated_cost",
}
_OBJECTS = ("langfuse.observation.metadata", "langfuse.trace.metadata", "langfuse.observation.model.parameters")
"""Attributes whose keys are keys of ``metadata``: as one JSON, or as attributes of their own."""


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    draft.fill_type(TYPES.get(str(draft.rest.get("langfuse.observation.type")).lower()))
    for name, field in FIELDS.items():
        # What a trace says may differ from what its root does, and is then kept.
        if field not in draft.fields:
            draft.fill(field, structured(draft.take(name)))
    for name in _OBJECTS:
        draft.spread(name)
        for key, value in draft.take_below(f"{name}.").items():
            draft.metadata.setdefault(key, structured(value))
    for name in (USAGE, COST):
        details = structured(draft.rest.get(name))
        if isinstance(details, dict):
            del draft.rest[name]
            draft.rest |= {f"{name}.{key}": value for key, value in details.items()}
    draft.move_to_metadata(METADATA)
    draft.move_to_tags("langfuse.trace.tags")
    if draft.rest.get("langfuse.observation.level") == "ERROR":
        draft.fill("error", draft.take("langfuse.observation.status_message") or "error")
