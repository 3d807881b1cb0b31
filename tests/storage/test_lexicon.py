"""The dictionary of a text index, looked through by pieces of terms; and probes against a plain look at the tokens."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from btql_storage.text import opened as text_index
from btql_storage.text import query as text_query
from btql_storage.text.index import TextIndex
from btql_storage.text.probe import AllOf, AnyOf, Phrase, Piece, TextProbe, Without, Word
from btql_storage.text.tokens import TOKEN_CHARS_MAX, _fold, index_character, index_text, matches
from btql_storage.text.writer import TextIndexWriter

TEXTS = [
    "the rainbow over the hill", "Rainbows", "a bow", "train", "x" * 253 + "rainbow", "東京 rainbow", "over the top",
    "rain", "stra\u00dfe", "b" * 300, "te\u017ft test", "", "the the", "bowl of rain",
]  # fmt: skip


def build(folder: Path, texts: Sequence[str]) -> TextIndex:
    writer = TextIndexWriter(folder)
    for row, text in enumerate(texts):
        writer.add(row, 1, {"input": [text]})
    writer.finish()
    return TextIndex(folder)


def has(text: str, probe: TextProbe) -> bool:
    """Return what a probe says of a text, by its tokens."""
    match probe:
        case Phrase():
            return matches(text, probe.tokens)
        case Word():
            tokens = index_text([text]).split()
            return any(_fits(token, piece) for token in tokens for piece in probe.pieces)
        case Without():
            return not has(text, probe.phrase)
        case AllOf():
            return all(has(text, each) for each in probe.probes)
        case AnyOf():
            return any(has(text, each) for each in probe.probes)


def _fits(token: str, piece: Piece) -> bool:
    inside = "".join(f"[{letters}]" for letters in piece.letters)
    whole = re.compile(("" if piece.starts else ".*") + inside + ("" if piece.ends else ".*"), re.DOTALL)
    if whole.fullmatch(token):
        return True
    if len(token) < TOKEN_CHARS_MAX or piece.starts:
        return False
    beginnings = ("".join(f"[{letters}]" for letters in piece.letters[:end]) for end in range(1, len(piece.letters)))
    return any(re.search(beginning + r"\Z", token) for beginning in beginnings)


def a_probe(rnd: random.Random, depth: int = 0) -> TextProbe:
    match rnd.randint(0, 5 if depth < 2 else 3):
        case 0 | 1:
            tokens = index_text([rnd.choice(TEXTS)]).split() or ["rain"]
            start = rnd.randrange(len(tokens))
            return Phrase("input", tuple(tokens[start : start + rnd.randint(1, 2)]))
        case 2 | 3:
            token = rnd.choice([*index_text(TEXTS).replace("\x01", "").split(), "absent"])
            start = rnd.randint(0, len(token) - 1)
            letters = tuple({"s": "s\u017f"}.get(each, each) for each in token[start : start + rnd.randint(1, 9)])
            return Word("input", (Piece(letters, starts=rnd.random() < 0.4, ends=rnd.random() < 0.3),))
        case 4:
            probes = [a_probe(rnd, depth + 1) for _ in range(rnd.randint(1, 3))]
            without = (Without(Phrase("input", (rnd.choice(["the", "rain", "over"]),))),) if rnd.random() < 0.5 else ()
            return AllOf((*probes, *without))
        case _:
            return AnyOf(tuple(a_probe(rnd, depth + 1) for _ in range(rnd.randint(1, 3))))


def test_probes_find_what_a_look_at_the_tokens_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_query, "FEW_ROWS", -1)
    index = build(tmp_path / "text", TEXTS)
    rnd = random.Random(3)
    for _ in range(120):
        probe = a_probe(rnd)
        found = index.find(probe)
        expected = [row for row, text in enumerate(TEXTS) if has(text, probe)]
        assert found.rows is not None
        assert found.rows.tolist() == expected, str(probe)
        assert len(expected) <= found.rows_max
        assert index.count(probe) == len(expected)


def test_of_few_rows_words_are_not_sought(tmp_path: Path) -> None:
    index = build(tmp_path / "text", TEXTS)
    probe = AllOf((Phrase("input", ("over", "the")), Word("input", (Piece(tuple("ainb"), starts=False, ends=False),))))
    found = index.find(probe)
    assert found.rows is not None
    assert found.rows.tolist() == [0, 6], "the second is left to whoever checks"
    assert not text_index._open_indexes[index].lexicons


def test_what_may_be_too_much_is_not_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = build(tmp_path / "text", TEXTS)
    the = Phrase("input", ("the",))
    assert index.find(the, rows_max=2).rows is None
    assert index.find(the, rows_max=3).rows is not None
    monkeypatch.setattr(text_query, "TERMS_MAX", 1)
    rain = Word("input", (Piece(tuple("rain"), starts=False, ends=False),))
    assert index.find(rain).rows is None
    assert index.find(AnyOf((the, rain))).rows is None
    assert index.count(rain) is None
    found = index.find(AllOf((the, rain)))
    assert found.rows is not None
    assert found.rows.tolist() == [0, 6, 12], "what is known of the rest bounds the rows"


def test_a_probe_says_what_it_asks() -> None:
    word = Word("input", (Piece(("r", "s\u017f"), starts=False, ends=True), Piece(("x",), starts=True, ends=False)))
    probe = AnyOf((Phrase("output", ("a", "b")), AllOf((word, Phrase("tags", ("c",))))))
    assert str(probe) == "output MATCH 'a b' or (input LIKE *rs or x* and tags MATCH 'c')"


def test_a_character_alone_becomes_what_it_becomes_in_a_text() -> None:
    characters = "".join(map(chr, range(0x3300))) + "\u0130\uac00\uff66\uff21\U0001f600\U00010400\U000323af"
    folded = "".join(map(chr, _fold(characters).tolist()))
    for character, expected in zip(characters, folded, strict=True):
        if character not in "\x01\x02\u0130":
            assert index_character(character).strip() == expected.strip(), ascii(character)
    for character in "aÄ東\u0130 _\u0301ς":
        assert index_character(character) == index_text([character])
