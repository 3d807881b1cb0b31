"""The JSON form of a query as a text, for doors that take texts only; places of errors are those in BTQL."""

from __future__ import annotations

import json

from btql_grammar.json_form.form import from_json
from btql_grammar.printing.printer import print_btql


def as_btql(text: str) -> str:
    """Return a query in BTQL; BtqlError where the JSON is none."""
    return print_btql(from_json(json.loads(text)))
