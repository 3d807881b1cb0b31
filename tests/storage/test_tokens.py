from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from btql_storage.json_text import parse
from btql_storage.text.tokens import GAP, RECORD, TOKEN_CHARS_MAX, index_text, index_texts, matches, texts_of, tokenize

# Letters that are easily taken for others are here on purpose.
SCRIPTS = st.text(st.sampled_from("aAzZ09_ -.,\n\x01ßéİςΣσ東京カナがア한국語مرحباَ٣हिन्दी😀👨‍👩‍👧²½𠮷"), max_size=40)  # noqa: RUF001
TEXTS = st.one_of(st.text(max_size=60), SCRIPTS)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | TEXTS,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(TEXTS, children, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Müller's e-mail", ["müller", "s", "e", "mail"]),
        ("snake_case v1.2", ["snake", "case", "v1", "2"]),
        ("东京2024年", ["东", "京", "2024", "年"]),
        ("カタカナ・ひらがな", list("カタカナひらがな")),
        ("안녕 세계", ["안", "녕", "세", "계"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("ok👍🏽fine", ["ok", "fine"]),
        ("\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03bf\u03c2", ["\u03bf\u03b4\u03bf\u03c3"] * 2),
        ("a\x01b", ["a", "b"]),
        ("", []),
        ("👍 -- _", []),
    ],
)
def test_tokens(text, tokens):
    assert tokenize(text) == tokens


def test_a_long_run_is_cut():
    assert [len(token) for token in tokenize(f"a {'b' * 600} c")] == [1, 255, 255, 90, 1]
    assert [len(token) for token in tokenize("é" * 256 + " " + "x" * 255)] == [255, 1, 255]


@settings(deadline=None)
@given(TEXTS)
def test_tokens_are_runs_of_letters_and_digits(text):
    """Against the plain definition, character by character."""
    spread = "".join(f" {c} " if tokenize(c) == [c] and tokenize(c + c) == [c, c] else c for c in text.lower())
    plain = [run[i : i + TOKEN_CHARS_MAX] for run in re.findall(r"[^\W_]+", spread) for i in range(0, len(run), 255)]

    assert tokenize(text) == [token.replace("ς", "\N{GREEK SMALL LETTER SIGMA}") for token in plain]


@settings(deadline=None)
@given(TEXTS)
def test_tokens_of_tokens_are_themselves(text):
    tokens = tokenize(text)

    assert tokenize(" ".join(tokens)) == tokens
    assert GAP not in tokens


def test_texts_are_keys_and_leaves_in_order():
    value = {"b": [1, 1.5, "x", None, {"k": False}], "a": -3, "e": {}}

    assert texts_of(value) == ["b", "1", "1.5", "x", "k", "false", "a", "-3", "e"]
    assert texts_of("x") == ["x"]
    assert texts_of(None) == []


def test_a_phrase_stays_inside_one_text():
    value = [{"role": "user", "content": "the quick brown fox"}, "jumps"]

    assert matches(value, tokenize("Quick BROWN"))
    assert matches(value, tokenize("quick-brown"))
    assert not matches(value, tokenize("brown quick"))
    assert not matches(value, tokenize("fox jumps"))
    assert not matches(value, tokenize("user content"))
    assert not matches(value, tokenize("quic"))
    assert not matches(value, [])


def test_any_part_of_a_chinese_text_is_a_phrase():
    assert matches("我想去北京旅游", tokenize("北京"))
    assert not matches("我想去北京旅游", tokenize("京北"))


def test_a_long_phrase_is_sought_without_a_pattern_as_long():
    words = [f"word{number}" for number in range(20_000)]
    text = "-".join(words)
    matches(text, words[:1])
    tracemalloc.start()
    try:
        found = matches([text], words), matches([text], [*words[:-1], "word"]), matches([text], words[:33])
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found == (True, False, True)
    assert most < 10 << 20


@settings(deadline=None)
@given(VALUES, TEXTS)
def test_matches_is_what_a_plain_search_says(value, query):
    wanted = tokenize(query)
    texts = [tokenize(text) for text in texts_of(value)]
    found = any(text[i : i + len(wanted)] == wanted for text in texts for i in range(len(text)))

    assert matches(value, wanted) == (found and bool(wanted))


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=5))
def test_texts_are_parted_by_one_gap_each(texts):
    pieces = " ".join(index_text(texts).split(" ")).split(GAP)

    assert [piece.split() for piece in pieces] == ([tokenize(text) for text in texts] or [[]])


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"1e999", float("inf")),
        (b"[-1e999, 18446744073709551615, 18446744073709551616]", [float("-inf"), 2**64 - 1, float(2**64)]),
        (b"1" + b"0" * 6000, float("inf")),
        (b' {"a": "\\u00e9"} ', {"a": "é"}),
    ],
)
def test_every_json_number_can_be_read(raw, value):
    assert parse(raw) == value


@pytest.mark.parametrize(
    "raw", [b"NaN", b"Infinity", b'"\\ud80"', b'[1e999, "\\ud80"]', b"\xff", b"", b"[" * 100_000, b"{"]
)
def test_what_is_not_json_is_refused(raw):
    with pytest.raises(ValueError):
        parse(raw)


@given(
    st.lists(st.lists(st.one_of(TEXTS, st.sampled_from([GAP, RECORD, f"a{RECORD}b", "ΣΑΣ"])), max_size=4), max_size=6)
)
def test_preparing_values_together_changes_nothing(values: list[list[str]]) -> None:
    assert index_texts(values) == [index_text(texts) for texts in values]
