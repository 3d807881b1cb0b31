r"""Halves of surrogate pairs in JSON and in texts of Python: ``json`` reads both, and says what has to come out."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from storage_support.wal_events import events_of

from btql_storage.errors import BadEvent
from btql_storage.ingest.accept import accept
from btql_storage.surrogates import mended, mended_text, mended_value

PIECES = [
    r"\ud83d", r"\ude00", r"\uD83D", r"\uDBFF", r"\udFFF", r"\ud7ff", r"\ue000", r"\u00e9", r"\\", r"\n", r"\"",
    "a", "ud83d", "\U0001f600",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=8))
@example([r"\ud83d", r"\ud83d", r"\ude00", r"\ude00"])
@example([r"\\", r"\ud83d"])
@example([r"\\", "ud83d", r"\ude00"])
@example([r"\ud83d", r"\\", "ude00"])
def test_json_is_mended_exactly_where_it_cannot_be_decoded(pieces: list[str]):
    text = ('{"%s":["%s",1]}' % (("".join(pieces),) * 2)).encode()
    wanted = mended_value(json.loads(text))
    whole = mended(text)

    try:
        assert (orjson.loads(text), whole) == (wanted, None)
    except orjson.JSONDecodeError:
        assert whole is not None
        assert (orjson.loads(whole), len(whole)) == (wanted, len(text))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("cut \ud83d", "cut \ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ud83d\ud83d\ude00\U0001f984", "\ufffd\U0001f600\U0001f984"),
    ],
)
def test_texts_of_python_are_mended(text: str, wanted: str):
    assert mended_text(text) == wanted
    assert mended_value({text: [(text,), 1, None]}) == {wanted: [[wanted], 1, None]}


@pytest.mark.parametrize(
    "text", [rb'"\ud83', rb'"\ud83"', rb'"\ud83g"', rb'"\ud83d', rb'"\ud83d\u00"', b'"\xed\xa0\xbd"']
)
def test_what_is_wrong_otherwise_stays_wrong(text: bytes):
    with pytest.raises(BadEvent):
        accept([b'{"id":"a","input":%b}' % text])


@pytest.mark.parametrize("half", [r"\ud83d", r"\uDE00"])
def test_an_event_with_half_a_pair_anywhere_is_taken(half: str):
    line = r'{"id":"?","created":"2026-01-01T00:00:00Z","tags":["?"],"metadata":{"?":{"x":"?y"}},"?":1,"comment":"?"}'
    other = rb'{"id":"\\ud83d","input":"\ud83d\ude00"}'
    first, second = events_of(accept([line.replace("?", half).encode(), other]))

    assert first.id == "\ufffd"
    told = {key: json.loads(value) for key, value in first.fields.items()}
    assert told == {"tags": ["\ufffd"], "metadata": {"\ufffd": {"x": "\ufffdy"}}, "\ufffd": 1, "comment": "\ufffd"}
    assert (second.id, second.fields) == (r"\ud83d", {"input": rb'"\ud83d\ude00"'})


def test_instructions_and_comments_are_mended():
    lines = [
        rb'{"id":"a","_is_merge":true,"_merge_paths":[["\ud83d"]],"_audit_metadata":{"k":"\ud83d"},"_audit_source":"api"}',
        rb'{"id":"c","comment":{"text":"\ud83d"},"origin":{"id":"\ud83d"}}',
    ]
    first, second = events_of(accept(lines))

    assert first.control is not None
    assert first.control.merge_paths == [["\ufffd"]]
    assert second.id == "\ufffd"
    assert second.control is not None
    assert second.control.comment is not None
    assert json.loads(bytes(second.control.comment.comment)) == {"text": "\ufffd"}


def test_what_is_wrong_beside_half_a_pair_is_told_as_ever():
    with pytest.raises(BadEvent, match="keys must be str"):
        accept([{"id": "a", "input": ["\ud83d", {("x",): 1}]}])


def test_mappings_are_mended_and_nothing_else_changes():
    event = {"id": "a\ud83d", "input": {"\ude00": ["\ud83d", 2**70]}, "x": ("\ud83d\ude00",)}
    small = {"id": "b", "input": "\ud83d", "n": float("nan")}

    first, second = events_of(accept([event, small]))
    assert first.id == "a\ufffd"
    assert json.loads(first.fields["input"]) == {"\ufffd": ["\ufffd", 2**70]}
    assert json.loads(first.fields["x"]) == ["\U0001f600"]
    assert (json.loads(second.fields["input"]), second.fields["n"]) == ("\ufffd", b"null")
