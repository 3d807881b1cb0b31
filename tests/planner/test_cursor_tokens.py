"""The text form of cursors."""

from __future__ import annotations

import pytest

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner.clauses.cursor import Paging, decode, encode, key_number, key_text

NEWEST_FIRST = Paging("key", descending=True)


def test_a_recorded_token_reads_as_its_key() -> None:
    (number,) = decode("aQJI5+sNAAA", NEWEST_FIRST, Span(0, 0))

    assert number == 0x690248E7EB0D0000
    assert encode(number) == "aQJI5+sNAAA"
    assert key_number(key_text(number)) == number
    assert key_text(1) == "p00000000000000000001"


@pytest.mark.parametrize("by", ["key", "transaction", "trace"])
@pytest.mark.parametrize("descending", [False, True])
def test_tokens_read_back(by: str, descending: bool) -> None:
    paging = Paging(by, descending)  # type: ignore[arg-type]
    first = 0x0DE1 << 48 | 7 if by == "transaction" else 2**64 - 1
    numbers = (first, 0)[: paging.numbers]

    assert decode(encode(*numbers), paging, Span(0, 0)) == numbers


@pytest.mark.parametrize("by", ["transaction", "trace"])
def test_tokens_of_two_numbers_are_told_apart(by: str) -> None:
    key, transaction = 0x690248E7EB0D0000, 0x0DE1 << 48 | 7
    other = encode(key, key) if by == "transaction" else encode(transaction, key)
    with pytest.raises(BtqlError) as caught:
        decode(other, Paging(by, descending=True), Span(0, 0))  # type: ignore[arg-type]

    assert caught.value.code == "B0411"


@pytest.mark.parametrize(
    "token", ["", "abc", "aQJI5+sNAA", "aQJI5+sNAAB", "not a token!", "aQJI5+sNAABpAkjn6w0AAA", "日本"]
)
def test_other_texts_are_refused(token: str) -> None:
    with pytest.raises(BtqlError) as caught:
        decode(token, NEWEST_FIRST, Span(0, 0))

    assert caught.value.code == "B0411"
