"""Numbers for the texts of a column."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from btql_storage.part.code_book import NO_CODE, CodeBook

TEXTS = st.lists(st.none() | st.sampled_from(["", "a", "é", "東京", "it's", "a" * 300]), max_size=30)


def encoded(book: CodeBook, texts: list[str | None]) -> pa.Array:
    return book.encode(pa.array(texts, pa.string()).dictionary_encode())


@given(st.lists(TEXTS, max_size=5))
def test_numbers_stand_for_texts_one_for_one(batches: list[list[str | None]]) -> None:
    book = CodeBook()
    codes = [encoded(book, batch) for batch in batches]

    assert [book.decode(each).to_pylist() for each in codes] == batches
    pairs = {
        (text, code)
        for batch, each in zip(batches, codes, strict=True)
        for text, code in zip(batch, each.to_pylist(), strict=True)
    }
    assert len({text for text, _ in pairs}) == len({code for _, code in pairs}) == len(pairs)


def test_a_text_that_no_row_has_gets_no_number() -> None:
    book = CodeBook()
    encoded(book, ["a", None])
    assert book.code("a") != NO_CODE
    assert book.code("b") == NO_CODE
    assert book.code("b") == NO_CODE


def test_it_tells_how_large_it_is() -> None:
    book = CodeBook()
    encoded(book, ["a" * 1_000])
    once = book.nbytes
    encoded(book, ["a" * 1_000] * 50)
    assert book.nbytes == once > 2_000
    encoded(book, ["b" * 1_000])
    assert book.nbytes == 2 * once


def test_threads_agree_on_numbers() -> None:
    book = CodeBook()
    texts = [str(number) for number in range(5_000)]
    with ThreadPoolExecutor(4) as pool:
        shifted = [texts[start:] + texts[:start] for start in range(0, 5_000, 1_250)]
        codes = list(pool.map(lambda each: encoded(book, each), shifted))
    assert [book.decode(each).to_pylist() for each in codes] == shifted
    assert len({code for each in codes for code in each.to_pylist()}) == 5_000
