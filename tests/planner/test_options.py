"""Options: their bounds, and how the text of a query overrides them."""

from __future__ import annotations

import pytest

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_planner.options import QueryOptions, settled


@pytest.mark.parametrize(
    "wrong",
    [
        {"tz_offset": 1081},
        {"tz_offset": True},
        {"lint": "loud"},
        {"preview_length": -2},
        {"default_limit": -1},
        {"version": "latest"},
        {"version": "9" * 30},
        {"inference_budget": 0},
    ],
)
def test_a_wrong_option_is_refused_by_name(wrong: dict[str, object]) -> None:
    with pytest.raises(BtqlError) as caught:
        QueryOptions(**wrong)  # type: ignore[arg-type]

    assert caught.value.code == "B0410"
    (name,) = wrong
    written = {"lint": "lint_mode", "default_limit": "limit"}.get(name, name)
    assert f"`{written}` cannot be" in str(caught.value)


def test_the_text_wins_over_the_caller() -> None:
    query = tree.Query(
        settings=(("TZ_offset", 480), ("lint_mode", "STRICT"), ("version", 7)), preview_length=10, cursor="abc"
    )

    options = settled(QueryOptions(tz_offset=60, preview_length=5, default_limit=9), query)

    assert options == QueryOptions(
        tz_offset=480, lint="strict", version="7", preview_length=10, cursor="abc", default_limit=9
    )


def test_an_unknown_setting_is_an_error_that_knows_better() -> None:
    with pytest.raises(BtqlError) as caught:
        settled(QueryOptions(), tree.Query(settings=(("preview_lenght", 5),)))

    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "B0410"
    assert diagnostic.help == "did you mean `preview_length`?"
