"""The ``braintrust.*`` attributes: they set fields of the event directly, and win over all other conventions.

What does not fit its field stays in ``metadata`` under the attribute's own name, so that nobody loses it.
"""

from __future__ import annotations

from collections.abc import Callable

from btql_server.otlp.draft import Draft, is_metric, nested, parsed, structured
from btql_server.otlp.span import Attributes
from btql_storage.json_text import JsonValue

ROOTS = frozenset({"braintrust"})
"""How names begin that this convention knows."""
PREFIX = "braintrust."
PARENT = PREFIX + "parent"
"""Where a span belongs; it stays in the metadata."""
PRESERVE = PREFIX + "otel.preserve_attributes"
"""True keeps all attributes in the metadata, also those that were turned into fields."""
_VALUES = ("input", "output", "expected")
_OBJECTS = ("context", "origin")


def apply(draft: Draft) -> None:
    """Take the attributes of this convention."""
    for name in _VALUES:
        draft.fill(name, _take_json(draft, f"{PREFIX}{name}_json"))
        draft.fill(name, draft.take(PREFIX + name))
    for name in _OBJECTS:
        value = _take_json(draft, f"{PREFIX}{name}_json", only=dict)
        draft.fill(name, value if value is not None else _take_object(draft, PREFIX + name) or None)
    draft.metadata |= _take_tree(draft, PREFIX + "metadata")
    draft.span_attributes |= _take_tree(draft, PREFIX + "span_attributes")
    _take_numbers(draft, "metrics", draft.metrics, is_metric)
    _take_numbers(draft, "scores", draft.scores, _is_score)
    draft.move_to_tags(PREFIX + "tags")


def _take_json(draft: Draft, name: str, only: type | None = None) -> JsonValue:
    """Remove an attribute that holds JSON and return its value; what is none is left."""
    text = draft.rest.get(name)
    value = parsed(text) if isinstance(text, str) else text
    if value is None or (only is not None and not isinstance(value, only)):
        return None
    del draft.rest[name]
    return value


def _take_object(draft: Draft, name: str) -> Attributes:
    """Remove an attribute that is an object, or the JSON of one; empty where it is not."""
    value = structured(draft.rest.get(name))
    if not isinstance(value, dict):
        return {}
    del draft.rest[name]
    return value


def _take_tree(draft: Draft, name: str) -> Attributes:
    """Remove an object, and what is said of it by dotted names."""
    return nested(draft.take_below(name + "."), _take_object(draft, name))


def _take_numbers(draft: Draft, field: str, into: Attributes, fits: Callable[[JsonValue], bool]) -> None:
    """Move numbers to a field; what does not fit there is put back."""
    name = PREFIX + field
    found = {**_take_object(draft, name), **draft.take_below(name + ".")}
    for key, value in found.items():
        if fits(value):
            into[key] = value
        else:
            draft.rest[f"{name}.{key}"] = value


def _is_score(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
