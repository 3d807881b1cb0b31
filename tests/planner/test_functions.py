"""Every function's example is true on the real engine, and the page of functions is current."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support.evaluate import evaluate

from btql_planner.functions import functions
from btql_planner.functions.declare import Text as SqlText
from btql_planner.functions.declare import scalar
from btql_planner.functions.page import functions_page
from btql_planner.functions.registry import REGISTRY

PUBLIC = sorted(name for name, function in functions().items() if not function.hidden)
PAGE = Path(__file__).parents[2] / "docs" / "functions.md"


@pytest.mark.parametrize("name", [name for name in PUBLIC if functions()[name].alias_of is None])
def test_example(name: str) -> None:
    lines = functions()[name].documentation.splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(">>>"))
    expected = ast.literal_eval(lines[place + 1])

    (value,) = evaluate(lines[place].removeprefix(">>> "))

    assert value == expected
    assert type(value) is type(expected)


def test_a_function_cannot_be_declared_twice() -> None:
    with pytest.raises(TypeError, match="declared twice"):

        @scalar
        def lower(value: SqlText) -> SqlText:
            """Return nothing new.

            >>> lower('A')
            'a'
            """
            return value


def test_a_function_needs_an_example() -> None:
    with pytest.raises(TypeError, match="no example"):

        @scalar
        def unheard_of(value: SqlText) -> SqlText:
            """Return nothing."""
            return value

    assert "unheard_of" not in REGISTRY


def test_the_page_of_functions_is_current(update: bool) -> None:
    if update:
        PAGE.write_text(functions_page())
    assert PAGE.read_text() == functions_page()
