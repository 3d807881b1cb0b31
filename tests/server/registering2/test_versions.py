"""Versions in both forms, and texts that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from btql_server.http.errors import HttpError
from btql_server.http.versions import parse_version, pretty_version
from btql_storage.transactions import PREFIX

xact_ids = st.integers(0, 0xFFFF_FFFF_FFFF).map(lambda low: PREFIX | low)


@given(xact_ids)
def test_both_forms_name_the_same_transaction(xact_id):
    assert parse_version(str(xact_id)) == xact_id
    assert parse_version(pretty_version(xact_id)) == xact_id
    assert parse_version(pretty_version(xact_id).upper()) == xact_id


def test_the_pretty_form_is_the_one_that_clients_make():
    assert pretty_version(1000197156530206022) == "596e2e411addcf96"
    assert parse_version("596e2e411addcf96") == 1000197156530206022
    assert parse_version("0") == 0


@pytest.mark.parametrize(
    "text", ["", "-1", "x", "1.5", "9" * 19, "9" * 20, "١٢٣", " 1", "1 ", "0x12", "zzzzzzzzzzzzzzzz", "1\x00", "f" * 17]
)
def test_anything_else_is_refused_with_a_reason(text):
    with pytest.raises(HttpError, match="is no version") as caught:
        parse_version(text)
    assert caught.value.status == 400
