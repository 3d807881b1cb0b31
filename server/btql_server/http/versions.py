"""Versions as clients write them: a transaction id in decimal, or in its short "pretty" form.

The pretty form is the id times a fixed odd number, modulo 2**64, as 16 hexadecimal digits: ids of neighbouring
transactions look nothing alike. Ids have 19 decimal digits, so a text of 16 characters is always the pretty form.
"""

from __future__ import annotations

import re

from btql_server.http.errors import HttpError
from btql_storage.transactions import PREFIX

_FACTOR = 205891132094649
_MODULUS = 1 << 64
_INVERSE = pow(_FACTOR, -1, _MODULUS)
_DECIMAL = re.compile("[0-9]{1,19}", re.ASCII)
_PRETTY = re.compile("[0-9a-fA-F]{16}", re.ASCII)
_LARGEST = (1 << 63) - 1


def parse_version(text: str, what: str = "version") -> int:
    """Return the transaction id that a version names; 400 for a text that is none.

    >>> parse_version("1000197156530206022") == parse_version(pretty_version(1000197156530206022))
    True
    """
    if _PRETTY.fullmatch(text):
        # A pretty form may have been made without the bits that all ids share.
        found = int(text, 16) * _INVERSE % _MODULUS | PREFIX
    else:
        found = int(text) if _DECIMAL.fullmatch(text) else -1
    if not 0 <= found <= _LARGEST:
        raise HttpError(
            400,
            f"Invalid request: `{what}` is no version: `{text[:80]}`; send a transaction id (`_xact_id` of a row)"
            " in decimal, or its 16 hexadecimal digits",
        )
    return found


def pretty_version(xact_id: int) -> str:
    """Return a transaction id in its pretty form."""
    return f"{xact_id * _FACTOR % _MODULUS:016x}"
