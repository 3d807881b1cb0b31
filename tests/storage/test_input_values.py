"""Values of inputs in pieces are those of the whole texts, and what rows have in common is one object."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import orjson
import pytest
from storage_support.delta_rows import row_of, some_rows, written

from btql_storage.json_text import canonical, parse
from btql_storage.part import input_values
from btql_storage.part.deltas import CHAIN_MAX, DeltaBases, DeltaFinder, Pieces
from btql_storage.part.input_values import InputValues
from btql_storage.part.whole_inputs import BaseTexts

FILL = "some words that are long enough to be worth it " * 100
MARK = '"the array goes on here"'


def in_pieces(*texts: str) -> list[Pieces | None]:
    """Return texts that go on from each other as they are stored."""
    finder = DeltaFinder()
    rows = [row_of(number, text.encode()) for number, text in enumerate(texts)]
    deltas = [finder.find(row) for row in rows]
    known = BaseTexts(DeltaBases.of([None if delta is None else delta.base for delta in deltas]))
    stored = [row.fields["input"] if delta is None else delta.text for row, delta in zip(rows, deltas, strict=True)]
    return [known.pieces(number, text) for number, text in enumerate(stored)]


@pytest.mark.parametrize("seed", range(4))
def test_values_are_those_of_the_texts(tmp_path: Path, seed: int):
    rows = some_rows(seed)
    part = written(tmp_path / "9", rows)
    rnd = random.Random(seed)
    for chosen in (list(range(300)), list(range(299, -1, -1)), rnd.choices(range(300), k=100)):
        pieces = part.input_pieces(np.array(chosen))
        texts = [rows[number].fields.get("input") for number in chosen]
        assert [None if each is None else b"".join(each) for each in pieces] == texts
        assert max(len(each) for each in pieces if each is not None) > 5
        found = InputValues(pieces)
        wanted = [None if text is None else parse(text) for text in texts]
        assert found.values == wanted
        assert [b"".join(found.canonical(row)).decode() for row in range(len(chosen))] == [
            canonical(value) for value in wanted
        ]


@pytest.mark.parametrize("around", ["[{}]", '{{"model":"x","messages":[{}]}}', '{{"z":1,"messages":[{}]}}'])
@pytest.mark.parametrize(
    "added",
    [
        "1.0,2e3,12345678901234567890123",
        '"\\ud800",{"b":1,"a":2.0,"a":3}',
        '[1],[[2]],{"c":[3]}',
        "[1]",
        f"{MARK},{MARK}",
        f"[{MARK}]",
        f'{{"messages":[{MARK}]}}',
        "[ ], { }, null",
    ],
)
def test_whatever_is_said_is_read_as_in_the_whole_text(around: str, added: str):
    texts = [around.format(f'"{FILL}"' + f",{added}" * count) for count in range(4)]
    pieces = in_pieces(*texts, texts[3], texts[0])
    found = InputValues(pieces)
    wanted = [parse(text.encode()) for text in (*texts, texts[3], texts[0])]
    assert found.values == wanted
    assert [b"".join(found.canonical(row)).decode() for row in range(6)] == [canonical(value) for value in wanted]


@pytest.mark.parametrize(
    "text",
    [
        f'{{"more":[{MARK}],"messages":["{FILL}"]}}',
        f'{{"more":{MARK},"messages":["{FILL}"]}}',
        f'{{"messages":1,"model":[1],"messages":["{FILL}"]}}',
        f'{{"more":{{"messages":["{FILL}"]}}}}',
        f'[["{FILL}"]]',
        f'"{FILL}"',
    ],
)
def test_whatever_is_around_is_read_as_in_the_whole_text(text: str):
    end = text[len(text.rstrip("}").rstrip("]")) :]
    longer = text if not end else f'{text[: -len(end)]},{{"a":1.0}}{end}'
    found = InputValues(in_pieces(text, longer, longer))
    wanted = [parse(each.encode()) for each in (text, longer, longer)]
    assert found.values == wanted
    assert [b"".join(found.canonical(row)).decode() for row in range(3)] == [canonical(value) for value in wanted]


def test_each_message_is_parsed_once(monkeypatch: pytest.MonkeyPatch):
    parsed: list[int] = []
    monkeypatch.setattr(input_values, "parse", lambda raw: parsed.append(len(raw)) or parse(raw))
    calls = [orjson.dumps([FILL, *range(100_000, 100_000 + count)]).decode() for count in range(CHAIN_MAX)]
    found = InputValues(in_pieces(*calls))
    assert found.values == [parse(call.encode()) for call in calls]
    assert sum(parsed) < 2 * len(calls[-1])
    assert {id(value[1]) for value in found.values[1:]} == {id(found.values[1][1])}  # type: ignore[index]
