"""MLflow: its SDKs send what they know of a span as ``mlflow.*``, each value as JSON, texts with their quotes."""

from __future__ import annotations

from btql_server.otlp.draft import Draft, parsed, structured
from btql_storage.json_text import JsonValue

ROOTS = frozenset({"mlflow"})
"""How names begin that this convention knows."""
TYPES = {
    "llm": "llm",
    "chat_model": "llm",
    "embedding": "llm",
    "tool": "tool",
    "agent": "task",
    "chain": "task",
    "workflow": "task",
    "task": "task",
    "retriever": "function",
    "reranker": "function",
    "parser": "function",
    "memory": "function",
    "guardrail": "function",
    "evaluator": "score",
}
"""``mlflow.spanType``, in lower case, to the type of a span."""
FIELDS = {"mlflow.spanInputs": "input", "mlflow.spanOutputs": "output"}
METADATA = {"mlflow.llm.model": "model", "mlflow.llm.provider": "provider"}
USAGE, COST = "mlflow.chat.tokenUsage", "mlflow.llm.cost"
"""Each is an object with numbers."""
METRICS = {
    f"{USAGE}.input_tokens": "prompt_tokens",
    f"{USAGE}.output_tokens": "completion_tokens",
    f"{USAGE}.total_tokens": "tokens",
    f"{USAGE}.cache_read_input_tokens": "prompt_cached_tokens",
    f"{USAGE}.cache_creation_input_tokens": "prompt_cache_creation_tokens",
    f"{COST}.total_cost": "estimated_cost",
}


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    for name in [name for name in draft.rest if name.startswith("mlflow.")]:
        draft.rest[name] = _value(name, draft.rest[name])
    draft.fill_type(TYPES.get(str(draft.rest.get("mlflow.spanType")).lower()))
    for name, field in FIELDS.items():
        if field not in draft.fields:
            draft.fill(field, draft.take(name))
    for name in (USAGE, COST):
        numbers = draft.rest.get(name)
        if isinstance(numbers, dict):
            del draft.rest[name]
            draft.rest |= {f"{name}.{key}": value for key, value in numbers.items()}
    draft.move_to_metadata(METADATA)


def _value(name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, str) and (name in FIELDS or value.startswith('"')):
        return parsed(value, value)
    return structured(value)
