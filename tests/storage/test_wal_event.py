"""Events as they come out of the log: their fields one by one, and those of many at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_support.wal_events import XACT, documents, events_of

from btql_storage.ingest.accept import accept
from btql_storage.wal import event as wal_event
from btql_storage.wal.event import EventFields
from btql_storage.wal.reader import WalFile


@given(st.lists(documents, max_size=8), st.sampled_from([1, 16, 1_000]))
def test_fields_of_events_are_those_of_each(written: list[dict[str, Any]], few: int):
    """Lines with fields that are not known are read one by one, or all lines are, where there are many."""
    events = events_of(accept([json.dumps(each).encode() for each in written]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wal_event, "_FEW", few)
        fields = EventFields(events)
    names = {name for each in events for name in each.fields}

    assert fields.names() == names
    for name in {*names, "output", "nobody"}:
        assert fields.texts(name) == [each.fields.get(name) for each in events]
        assert bool(fields.shapes(name)) == (name in names)


def test_events_of_requests_that_leave_out_different_keys_are_read_together():
    line = b'{"id":"a","project_id":"p","input":1}'
    events = [*events_of(accept([line], leave_out=frozenset({"project_id"}))), *events_of(accept([line]))]

    assert EventFields(events).texts("project_id") == [None, b'"p"']
    assert EventFields(events).texts("input") == [b"1", b"1"]


def test_a_key_that_is_left_out_is_no_field_also_where_it_is_known():
    events = events_of(accept([b'{"id":"a","origin":{"x":1},"input":1}'], leave_out=frozenset({"origin"})))

    assert EventFields(events).names() == {"input"}


@pytest.mark.parametrize("version", [1, 2])
def test_events_of_older_files_have_no_lines_to_take_apart(version: int):
    file = WalFile(Path(__file__).parent / "old_files" / f"wal-{version}.arrow", XACT)
    events = list(file.events(np.arange(file.rows)))
    fields = EventFields(events)

    assert fields.names() == {name for each in events for name in each.fields} > {"input", "odd"}
    for name in fields.names():
        assert fields.texts(name) == [each.fields.get(name) for each in events]
