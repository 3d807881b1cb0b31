"""Numbers of any length, read from JSON and written again."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from btql_storage import json_text

NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1), json_text.dumps(value)):
        assert json_text.parse(text.encode()) == value


@given(VALUES)
def test_a_canonical_text_says_the_same(value: object) -> None:
    text = json_text.canonical(value)

    assert json_text.parse(text.encode()) == value
    assert json_text.canonical(json_text.parse(text.encode())) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775809", -(2**63) - 1),
        ("18446744073709551616", 2**64),
        ("[1,12345678901234567890123]", [1, 12345678901234567890123]),
        ("1e999", math.inf),
        ("0.12345678901234567890123", 0.12345678901234568),
        ("12345678901234567890123.5", 1.2345678901234568e22),
        (f"1{'0' * 3999}", 10**3999),
        (f"1{'0' * 5000}", math.inf),
    ],
)
def test_numbers(text: str, value: object) -> None:
    read = json_text.parse(text.encode())

    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a":1,"b":2}', '{"b": 2.0, "a": 1}'),
        ("[1.0]", "[1]"),
        ("[1e2]", "[100]"),
        ('{"a":{"b":[2.0]}}', '{"a":{"b":[2]}}'),
        (f'["{"long " * 1_000}",1.0]', f'["{"long " * 1_000}",1]'),
        (f'["{"long " * 1_000}",2e18]', f'["{"long " * 1_000}",2000000000000000000]'),
    ],
)
def test_equal_values_have_one_text(one: str, other: str) -> None:
    assert json_text.canonical(json_text.parse(one.encode())) == json_text.canonical(json_text.parse(other.encode()))


@pytest.mark.parametrize("others", [[], [2**70]])
def test_what_json_has_no_number_for_is_null_whatever_is_beside_it(others: list[object]) -> None:
    value = {"a": [math.inf, -math.inf, math.nan, 1.5, *others]}

    assert json_text.parse(json_text.dumps(value).encode()) == {"a": [None, None, None, 1.5, *others]}
    assert json_text.canonical(value) == json_text.dumps(value)


@pytest.mark.parametrize("text", ["", "nul", "NaN", "[1,]", '"\\ud80"', "1" * 30 + "x"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        json_text.parse(text.encode())


@pytest.mark.parametrize("text", [r'["\ud83d"]', r'["\ud83d", 12345678901234567890123]'])
def test_half_of_a_surrogate_pair_is_read_as_the_character_for_none(text: str) -> None:
    wanted = json.loads(text.replace(r"\ud83d", r"\ufffd"))
    assert json_text.parse(text.encode()) == wanted
    assert json_text.parse_all([text.encode(), b"1"]) == [wanted, 1]
    assert json.loads(json_text.dumps(json.loads(text))) == wanted


TEXTS = [
    None, b'"x"', b"1.50", b"[1]", b"1e999", b'{"a": null}', b"12345678901234567890", b'"1234567890123456789012"',
    b"[9223372036854775808, 1]", b"0.1234567890123456789012", b"1234567890123456789012345678901234567890",
]  # fmt: skip


@given(st.lists(st.sampled_from(TEXTS)))
def test_many_texts_are_read_as_each_of_them_is(texts: list[bytes | None]) -> None:
    assert json_text.parse_all(texts) == [None if raw is None else json_text.parse(raw) for raw in texts]
