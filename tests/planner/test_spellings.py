"""Spellings that mean one thing make one plan, and what is known beforehand is computed beforehand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.evaluate import evaluate
from support.fields import SPANS, WrittenCatalogs

from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner.binding.bind import bind
from btql_planner.explain import plan_text
from btql_planner.lowering.lower import lower
from btql_planner.options import QueryOptions
from btql_planner.rules import apply_rules

NOW = datetime(2026, 11, 25, 13, 45, 56, 789000, tzinfo=UTC)


def plan(condition: str, options: QueryOptions | None = None) -> str:
    """Return the rewritten plan of a condition in SQL."""
    text = f"SELECT id FROM project_logs('p') WHERE {condition}"
    bound = bind(parse(text), Source(text), WrittenCatalogs(SPANS), options or QueryOptions(now=NOW))
    rewritten = apply_rules(bound.plan)
    assert lower(rewritten).select.render()
    return plan_text(rewritten)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("metadata -> 'model' = 'x'", "metadata.model = 'x'"),
        ("metadata #> '{model}' = 'x'", "metadata.model = 'x'"),
        ("metadata #> ['model'] = 'x'", "metadata.model = 'x'"),
        ("(metadata -> 'model') = 'x'", "metadata.model = 'x'"),
        ("jsonb_extract_path(metadata, 'model') = 'x'", "metadata.model = 'x'"),
        ("metadata ->> 'model' = 'x'", "to_string(metadata.model) = 'x'"),
        ("metadata.model::text = 'x'", "to_string(metadata.model) = 'x'"),
        ("cast(metadata.cost as integer) = 1", "to_integer(metadata.cost) = 1"),
        ("metadata ? 'model'", "metadata.model IS NOT NULL"),
        ("metadata.model = ANY (['a', 'b'])", "metadata.model = 'a' OR metadata.model = 'b'"),
        ("(metadata.model, metadata.user) = ('a', 'b')", "metadata.model = 'a' AND metadata.user = 'b'"),
        ("created > now() - interval 1 day", "created > '2026-11-24T13:45:56.789Z'"),
        ("created > date_trunc('day', now())", "created > '2026-11-25T00:00:00Z'"),
        ("created > week(now()) - interval '2 months'", "created > '2026-09-23T00:00:00Z'"),
        ("created > current_date", "created > '2026-11-25'"),
        ("mod(metrics.tokens, 2) = 1", "remainder(metrics.tokens, 2) = 1"),
        ("includes(tags, 'a')", "contains(tags, 'a')"),
    ],
)
def test_two_spellings(one: str, other: str) -> None:
    assert plan(one) == plan(other)


def test_a_part_of_an_object_is_looked_for_in_columns() -> None:
    text = plan("""metadata @> '{"model": "x", "cost": 2}'""")

    assert "Fetch" not in text
    assert "json_equals(metadata.model, 'x')" in text
    assert "json_equals(metadata.cost, 2)" in text


def test_what_only_documents_have_is_fetched() -> None:
    assert "Fetch" in plan("metadata @> '{\"list\": [1]}'")
    assert "Fetch" in plan("json_extract(input, 'a') = 1")


def test_the_clock_of_tz_offset() -> None:
    pacific = QueryOptions(tz_offset=480)
    texts = (
        "day('2026-11-25T05:00:00Z')",
        "hour('2026-11-25T05:30:00Z')",
        "date_trunc('week', '2026-11-23T05:00:00Z')",
    )

    assert evaluate(*texts, options=pacific) == [
        "2026-11-24T08:00:00.000Z",
        "2026-11-25T05:00:00.000Z",
        "2026-11-16T08:00:00.000Z",
    ]
    kathmandu = QueryOptions(tz_offset=-345)
    assert evaluate(
        "hour('2026-11-25T05:30:00Z')", "date_trunc('6 hours', '2026-11-25T05:30:00Z')", options=kathmandu
    ) == [
        "2026-11-25T05:15:00.000Z",
        "2026-11-25T00:15:00.000Z",
    ]


def test_now_is_one_instant() -> None:
    options = QueryOptions(now=NOW)

    assert evaluate("now()", "current_timestamp", "now() - current_date", options=options) == [
        "2026-11-25T13:45:56.789Z",
        "2026-11-25T13:45:56.789Z",
        "13:45:56.789",
    ]
    assert evaluate("current_date()", options=QueryOptions(now=NOW, tz_offset=-720)) == ["2026-11-25T12:00:00.000Z"]


@pytest.mark.parametrize(
    "text",
    [
        "'2024-02-29'::timestamp + interval 1 year",
        "to_datetime('2024-01-31') - interval 1 month",
        "to_datetime('2026-11-25') + interval 90 minutes",
        "year('2026-11-25')",
        "week('2026-11-29T23:59:59Z')",
        "month('2024-02-29')",
        "second('2026-11-25T13:45:56.789Z')",
    ],
)
def test_constants_are_computed_as_the_engine_does(text: str) -> None:
    computed = text.replace("'2024", "lower('2024").replace("'2026", "lower('2026")
    computed = computed.replace("'::", "')::") if "'::" in computed else computed.replace("')", "'))")

    assert evaluate(text) == evaluate(computed)
