"""Data of cases: write events with the object each goes to, one JSON object a line.

    {"project_logs:odd": {"id": "a", "created": "2026-11-01T00:00:00Z", "input": "hello"}}
    {"dataset:golden": {"id": "q1", "_is_merge": true, "expected": 42}}

Neighbours that go to the same object are written in one request, so the order of lines is the order of rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import cast

from btql_conformance.documents import Document, documents_after


@dataclass(frozen=True, slots=True)
class Event:
    """One write to one object."""

    target: str
    """Kind and name: ``project_logs:odd``."""
    document: Document


@dataclass(frozen=True, slots=True)
class DataSet:
    """All the data that a case file is about."""

    events: tuple[Event, ...]

    def objects(self) -> dict[str, list[Document]]:
        """Return the documents of every object after all events, newest first."""
        targets = dict.fromkeys(event.target for event in self.events)
        numbered = [(number, event) for number, event in enumerate(self.events)]
        return {
            target: documents_after([(number, event.document) for number, event in numbered if event.target == target])
            for target in targets
        }


def read_events(text: str) -> list[Event]:
    """Read lines of JSON."""
    events: list[Event] = []
    for line in text.splitlines():
        if line.strip():
            ((target, document),) = cast("dict[str, Document]", json.loads(line)).items()
            events.append(Event(target, document))
    return events


def read_data(paths: Sequence[Path], inline: str = "") -> DataSet:
    """Read the named files of events, and those in a case file itself, in this order."""
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return DataSet(tuple(event for text in [*texts, inline] for event in read_events(text)))


def requests(events: Sequence[Event]) -> list[tuple[str, list[Document]]]:
    """Return events as requests: an object, and documents to write to it together."""
    return [
        (target, [event.document for event in members]) for target, members in groupby(events, lambda each: each.target)
    ]
