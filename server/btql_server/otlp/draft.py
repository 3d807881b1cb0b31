"""An event in the making: what conventions have found in a span's attributes, and the attributes that are left."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TypeGuard

from btql_server.otlp.span import Attributes, SpanEvent
from btql_server.writing.rows import is_number
from btql_storage.ingest.number_range import is_too_large
from btql_storage.json_text import JsonValue, parse

DEPTH_MAX = 32
"""Pieces of a dotted name; what follows is one piece."""
_NUMBER = re.compile(r"[0-9]{1,9}")


def _empty() -> Attributes:
    return {}


@dataclass(slots=True)
class Draft:
    """What is known so far. Whatever is there is not replaced: the first convention that knows something wins."""

    rest: Attributes
    """Attributes that no convention has taken."""
    events: list[SpanEvent]
    """Events of the span that no convention has taken."""
    fields: Attributes = field(default_factory=_empty)
    """``input``, ``output``, ``expected``, ``tags``, ``context`` and ``origin``."""
    metadata: Attributes = field(default_factory=_empty)
    metrics: Attributes = field(default_factory=_empty)
    scores: Attributes = field(default_factory=_empty)
    span_attributes: Attributes = field(default_factory=_empty)

    def take(self, *names: str) -> JsonValue:
        """Remove attributes of one meaning, and return the first that has a value."""
        found: JsonValue = None
        for name in names:
            value = self.rest.pop(name, None)
            found = value if found is None else found
        return found

    def take_below(self, prefix: str) -> Attributes:
        """Remove all attributes whose name begins so, and return them by the rest of their name."""
        names = [name for name in self.rest if name.startswith(prefix)]
        return {name.removeprefix(prefix): self.rest.pop(name) for name in names}

    def take_numbered(self, prefix: str) -> list[JsonValue]:
        """Remove attributes such as ``<prefix>0.role`` and return the objects that they describe, in order.

        A value whose name has others below it, as ``<prefix>0`` then has, is part of no object and is left.
        """
        names = [name for name in self.rest if name.startswith(prefix)]
        if not names:
            return []
        short = [name.removeprefix(prefix) for name in names]
        numbered = [name for name in short if _NUMBER.fullmatch(name.partition(".")[0])]
        above = _names_above(numbered)
        found = with_lists(nested({name: self.rest.pop(prefix + name) for name in numbered if name not in above}))
        return found if isinstance(found, list) else []

    def fill(self, name: str, value: JsonValue) -> None:
        """Say what a field is, unless that is known."""
        if value is not None:
            self.fields.setdefault(name, value)

    def fill_type(self, kind: str | None) -> None:
        """Say what type of span this is, unless that is known."""
        if kind is not None:
            self.span_attributes.setdefault("type", kind)

    def spread(self, name: str) -> None:
        """Move the keys of an object, or of the JSON of one, to ``metadata``; anything else stays where it is."""
        value = structured(self.rest.get(name))
        if isinstance(value, dict):
            del self.rest[name]
            self.metadata = {**value, **self.metadata}

    def move_to_metadata(self, names: Mapping[str, str]) -> None:
        """Move attributes to keys of ``metadata``; what says something else than is there stays where it is."""
        for name, key in names.items():
            value = self.rest.get(name)
            if value is not None and self.metadata.setdefault(key, value) == value:
                del self.rest[name]

    def move_to_tags(self, name: str) -> None:
        """Move texts, one text, or the JSON of texts, to ``tags``; anything else stays where it is."""
        value = structured(self.rest.get(name))
        tags: JsonValue = [value] if isinstance(value, str) and value else value
        if isinstance(tags, list) and all(isinstance(tag, str) for tag in tags):
            del self.rest[name]
            self.fields.setdefault("tags", tags)

    def move_usage(self, names: Mapping[str, str]) -> None:
        """Move counts of tokens to ``metrics``, where the span is a call of a model.

        Spans around such calls often repeat the counts: in the sums of a trace they would count twice. A span of no
        known type is a call where it says of which model.
        """
        kind = self.span_attributes.get("type")
        if kind == "llm" or (kind is None and "model" in self.metadata):
            self.move_to_metrics(names)

    def move_to_metrics(self, names: Mapping[str, str]) -> None:
        """Move numbers to ``metrics``; what is no number, or another one than is there, stays where it is."""
        for name, key in names.items():
            value = self.rest.get(name)
            if is_metric(value) and self.metrics.setdefault(key, value) == value:
                del self.rest[name]


def is_metric(value: JsonValue) -> TypeGuard[int | float]:
    """Whether a value may be a metric: a number that can be added to a fraction, which one of 400 digits cannot."""
    return is_number(value) and not is_too_large(value)


def structured(value: JsonValue) -> JsonValue:
    """Return what a text that holds a JSON object or array stands for, and any other value as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return parsed(value, value)
    return value


def parsed(text: str, otherwise: JsonValue = None) -> JsonValue:
    """Return the value of a JSON text."""
    try:
        return parse(text.encode())
    except ValueError:
        return otherwise


def nested(flat: Mapping[str, JsonValue], start: Attributes | None = None) -> Attributes:
    """Return dotted names as objects within objects, beside what is there to start with.

    A name below one that has a value stays as it is.
    """
    tree = {} if start is None else start
    for name, value in sorted(flat.items(), key=lambda pair: pair[0].count(".")):
        *way, last = name.split(".", DEPTH_MAX)
        place = tree
        for step in way:
            below = place.setdefault(step, {})
            if not isinstance(below, dict):
                tree[name] = value
                break
            place = below
        else:
            place[last] = value
    return tree


def _names_above(names: Iterable[str]) -> Collection[str]:
    """Return the names that others are below of, as :func:`nested` takes them apart."""
    ways = (name.split(".", DEPTH_MAX)[:-1] for name in names)
    return {name for way in ways for name in accumulate(way, "{}.{}".format)}


def with_lists(tree: JsonValue) -> JsonValue:
    """Return objects that have only numbers as keys as arrays, in the order of the numbers."""
    if not isinstance(tree, dict):
        return tree
    values = {key: with_lists(value) for key, value in tree.items()}
    if values and all(map(_NUMBER.fullmatch, values)):
        return [value for _, value in sorted(values.items(), key=lambda item: int(item[0]))]
    return values
