"""The table of kinds in ``docs/dynamic-values.md`` is what comparisons do."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from support.evaluate import evaluate

from btql_grammar.diagnostic import BtqlError

PAGE = Path(__file__).parents[2] / "docs" / "dynamic-values.md"
SAMPLES = {
    # Values that only the engine knows the kind of, smaller and larger.
    "boolean": ("parse_json('false')", "parse_json('true')"),
    "number": ("parse_json('2')", "parse_json('10.5')"),
    "text": ("parse_json('\"B\"')", "parse_json('\"a\"')"),
    "time": ("to_datetime(parse_json('\"2026-01-01\"'))", "now()"),
    "interval": ("interval 1 day", "interval 1 month"),
    "array": ("parse_json('[1]')", "parse_json('[2]')"),
    "object": ("parse_json('{\"a\": 1}')", "parse_json('{\"a\": 2}')"),
}
MEETING = {
    "as numbers": ("parse_json('\"2.0\"')", "2", "parse_json('\"10\"')", "11"),
    "as times": ("parse_json('\"2026-01-01\"')", "to_datetime('2026-01-01')", "parse_json('\"2025-01-01\"')", "now()"),
    "as intervals": (
        "parse_json('\"1 day 00:00:00\"')",
        "interval 1 day",
        "parse_json('\"1 hour\"')",
        "interval 1 day",
    ),
}
ORDERED = ("false first", "by size", "by code point", "by instant", "by length")


def table() -> dict[tuple[str, str], str]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    start = next(number for number, line in enumerate(lines) if line.startswith("| | boolean"))
    heads = [cell.strip() for cell in lines[start].strip("|").split("|")][1:]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start + 1 : start + 1 + len(heads)]]
    return {(row[0], head): cell for row in rows for head, cell in zip(heads, row[1:], strict=True)}


def test_the_table_is_whole_and_symmetric() -> None:
    cells = table()

    assert set(cells) == set(product(SAMPLES, SAMPLES))
    assert all(cell == cells[other, one] for (one, other), cell in cells.items())


def expected(pair: tuple[str, str], cell: str) -> dict[str, bool | None]:
    """Return comparisons and what they give where the table says ``cell``."""
    (small, large), (other, _) = SAMPLES[pair[0]], SAMPLES[pair[1]]
    if cell in MEETING:
        same, same_other, less, more = MEETING[cell]
        return {f"{same} = {same_other}": True, f"{less} < {more}": True, f"{more} > {less}": True}
    if cell == "different":
        return {f"{small} = {other}": False, f"{small} != {other}": True, f"{small} < {other}": None}
    assert cell in (*ORDERED, "by content")
    order = True if cell in ORDERED else None
    return {f"{small} = {small}": True, f"{small} = {large}": False, f"{small} < {large}": order}


def test_every_pair_of_kinds() -> None:
    cells = {pair: cell for pair, cell in table().items() if set(pair) != {"time", "interval"}}
    cases = [case for pair, cell in cells.items() for case in expected(pair, cell).items()]

    for start in range(0, len(cases), 30):
        part = cases[start : start + 30]
        answers = evaluate(*(text for text, _ in part))
        for (text, wanted), answer in zip(part, answers, strict=True):
            assert answer is wanted, text


def test_times_and_intervals_are_not_compared_at_all() -> None:
    with pytest.raises(BtqlError, match="cannot compare time with interval"):
        evaluate("now() = interval 1 day")
