"""What is asked about rows to know what a name means."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import pytest
from support.fields import SPANS, WrittenFields, bound

from btql_planner.catalog import Path


@dataclass(frozen=True)
class AskedFields(WrittenFields):
    asked: set[Path] = field(default_factory=set)

    def keys_below(self, above: Path) -> Collection[str]:
        self.asked.add(above)
        return super().keys_below(above)


@pytest.mark.parametrize(
    ("query", "is_asked"),
    [
        ("select: id, metadata.model, created | filter: is_root and metadata.user = 'x'", False),
        ("measures: count(1) as n | dimensions: project_id", False),
        ("select: odd", True),
        ("select: model", True),
        ("select: *", True),
    ],
)
def test_other_fields_are_asked_for_only_where_a_name_may_be_one(query: str, is_asked: bool):
    fields = AskedFields({**SPANS.kinds, "odd": "t"})

    assert not bound(f"{query} | from: project_logs('x')", fields).warnings
    assert (() in fields.asked) == is_asked
