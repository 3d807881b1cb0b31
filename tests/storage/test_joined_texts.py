"""Texts that come in pieces: one column, the same as that of whole texts."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from btql_storage import arrow
from btql_storage.arrow import joined_texts

_TEXTS = st.lists(st.none() | st.lists(st.text(max_size=5).map(str.encode), max_size=3), max_size=20)


@given(_TEXTS)
def test_pieces_are_joined(texts: list[list[bytes] | None]) -> None:
    """Nulls, texts of no pieces and pieces of no bytes, in any order."""
    wanted = [None if pieces is None else b"".join(pieces).decode() for pieces in texts]
    found = joined_texts(texts)
    found.validate(full=True)
    assert found.equals(pa.array(wanted, pa.utf8()))
    assert found.null_count == wanted.count(None)


def test_more_than_an_array_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What offsets of 32 bits cannot count is left to Arrow, which makes several arrays of it."""
    monkeypatch.setattr(arrow, "_TEXT_BYTES_MAX", 3)
    assert joined_texts([[b"ab", b"cd"], None]).to_pylist() == ["abcd", None]
