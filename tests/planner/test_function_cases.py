"""Each function with null, kinds it does not take, Unicode and boundary inputs: tables in ``functions/*.cases``.

A line is an expression of SQL, ``=>`` and its value in Python, or ``!!`` and a part of the error.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from support.evaluate import evaluate

from btql_grammar.diagnostic import BtqlError
from btql_planner.functions import functions

FILES = sorted((Path(__file__).parent / "functions").glob("*.cases"))


def cases(file: Path) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for line in file.read_text().splitlines():
        if line and not line.startswith("# "):
            sign = "=>" if " => " in line else "!!"
            text, _, expected = line.partition(f" {sign} ")
            found.append((text, sign, expected))
    return found


def test_every_function_has_cases() -> None:
    texts = "\n".join(text for file in FILES for text, _, _ in cases(file))
    public = [name for name, function in functions().items() if not function.hidden]

    # SQL writes this one without parentheses.
    assert [name for name in public if f"{name}(" not in texts] == ["current_timestamp"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_values(file: Path) -> None:
    table = [(text, ast.literal_eval(expected)) for text, sign, expected in cases(file) if sign == "=>"]

    for start in range(0, len(table), 25):
        part = table[start : start + 25]
        values = evaluate(*(text for text, _ in part))
        for (text, expected), value in zip(part, values, strict=True):
            assert value == expected, text
            assert type(value) is type(expected), text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_errors(file: Path) -> None:
    for text, sign, expected in cases(file):
        if sign == "!!":
            with pytest.raises(BtqlError) as caught:
                evaluate(text)
            assert expected in str(caught.value), text
