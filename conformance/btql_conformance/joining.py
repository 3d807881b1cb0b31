"""What ``||`` makes of values, which depends on how the query spells them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import cast

from btql_conformance.functions_all import FUNCTIONS
from btql_conformance.values import Value
from btql_grammar import tree

ARRAYS_OF_TEXTS = ("tags", "span_parents")
"""Fields of which LIKE looks at each element; of any other array at its JSON text. `||` adds elements to them alone."""


def joined(nodes: Sequence[tree.Expression], items: Sequence[Value]) -> Value:
    """Return ``||``: a text that the query spells is the array or object in it where all others are such.

    Beside the lists of a row it is an element where it spells none.
    """
    beside_list = any(isinstance(item, list) for item in items)
    read = [_document(node, item, beside_list=beside_list) for node, item in zip(nodes, items, strict=True)]
    if any(isinstance(node, tree.Identifier) and node.path[-1] in ARRAYS_OF_TEXTS for node in nodes):
        read = [_element(node, item) for node, item in zip(nodes, read, strict=True)]
        items = read
    computed = [item for node, item in zip(nodes, items, strict=True) if not isinstance(node, tree.Literal)]
    documents = bool(computed) and all(isinstance(item, list | dict) for item in (*computed, *read))
    return FUNCTIONS["textcat"](read if documents else items)


def _element(node: tree.Expression, item: Value) -> Value:
    """Return a text that is one by how it is written as an array of itself."""
    is_text = isinstance(node, tree.Literal | tree.Cast) and isinstance(item, str)
    return [item] if is_text else item


def _document(node: tree.Expression, item: Value, *, beside_list: bool) -> Value:
    if not isinstance(node, tree.Literal) or not isinstance(item, str):
        return item
    try:
        return cast("Value", json.loads(item))
    except ValueError:
        # Beside an array it is one as Postgres spells them, of plain words.
        spelled = beside_list and re.fullmatch(r"\{\w+(,\w+)*\}", item)
        return cast("Value", item[1:-1].split(",")) if spelled else item
