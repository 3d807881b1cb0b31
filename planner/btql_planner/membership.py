"""Membership: ``IN`` and ``INCLUDES``, with the equality of ``compare.py``.

``IN`` is an OR of equalities, of which the engine plans each by itself and all of them in a time that grows with the
square of their number. So in a long list the literals become one term for each of their kinds, which the engine looks
up in a hash table; what is left over stays an equality each.
"""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner import compare, sql_text, types
from btql_planner.types import Kind
from btql_planner.value import Value, single
from btql_storage import json_text

_SHORT = 8
"""Up to so many items stay equalities, which the engine can hold against the bounds of a part."""
_LISTED = (Kind.INTEGER, Kind.FLOAT, Kind.TEXT, Kind.BIG)


def is_in(needle: Value, items: Sequence[Value], *, exact: bool) -> str:
    """Return whether a value is one of the items or, being a list or an array, has one as an element."""
    if len(items) <= _SHORT:
        return sql_text.any_of([_is_item(needle, item, exact=exact) for item in items])
    if _are_texts(needle, items):
        return f"({single(needle)} IN ({', '.join(single(item) for item in items)}))"
    listed: dict[Kind, list[Value]] = {}
    found: list[str] = []
    for item in items:
        kind = None if Kind.INTERVAL in needle.parts else _literal_kind(item)
        if kind is None:
            found.append(_is_item(needle, item, exact=exact))
        else:
            listed.setdefault(kind, []).append(item)
    found += [_is_listed(needle, kind, alike, exact=exact) for kind, alike in listed.items()]
    return sql_text.any_of(found)


def _are_texts(needle: Value, items: Sequence[Value]) -> bool:
    """Whether both sides are texts, literals or not, which the engine's own IN compares as we do."""
    return needle.type == types.TEXT and not needle.marker and all(item.type == types.TEXT for item in items)


def _literal_kind(item: Value) -> Kind | None:
    """Return the kind of a literal that may stand in a list, None for any other value."""
    if len(item.parts) != 1 or item.marker:
        return None
    ((kind, sql),) = item.parts.items()
    is_literal = sql_text.is_text(sql) or sql_text.numeral(sql) is not None
    return kind if kind in _LISTED and is_literal else None


def _is_item(needle: Value, item: Value, *, exact: bool) -> str:
    return _either(terms(needle, item, "btql_array_includes"), compare.equal(needle, item, exact=exact), exact=exact)


def _is_listed(needle: Value, kind: Kind, items: Sequence[Value], *, exact: bool) -> str:
    """Return whether a value is one of several literals of one kind, or has one as an element."""
    literals = [single(item) for item in items]
    spelled = [sql_text.unquoted(sql) if sql_text.is_text(sql) else sql_text.numeral(sql) or "" for sql in literals]
    if kind is Kind.TEXT:
        spelled = [json_text.dumps(each) for each in spelled]
    array = sql_text.text(f"[{','.join(spelled)}]")
    elements = [f"btql_array_includes_any({each}, {array})" for each in _arrays(needle, items[0])]
    if Kind.LIST in needle.parts and kind is Kind.TEXT:
        elements.append(f"array_has_any({needle.parts[Kind.LIST]}, make_array({', '.join(literals)}))")
    return _either(elements, compare.among(needle, items, exact=exact), exact=exact)


def _either(elements: list[str], equal: str, *, exact: bool) -> str:
    if exact:
        elements = [f"coalesce({term}, FALSE)" for term in elements]
    return sql_text.any_of([*elements, *([] if equal == "FALSE" else [equal])])


def terms(haystack: Value, needle: Value, on_json: str) -> list[str]:
    """Return the terms that say whether a list, or JSON by the function ``on_json``, has an element."""
    found: list[str] = []
    if Kind.LIST in haystack.parts and Kind.TEXT in needle.parts:
        found.append(f"array_has({haystack.parts[Kind.LIST]}, {needle.parts[Kind.TEXT]})")
    for array in _arrays(haystack, needle):
        found += [
            f"{on_json}({array}, '{kind}', CAST({sql} AS VARCHAR))"
            for kind, sql in needle.parts.items()
            if kind in types.ANY
        ]
    return found


def _arrays(haystack: Value, needle: Value) -> list[str]:
    """Return the haystack as JSON, from each of its kinds whose elements are to be compared by their contents."""
    arrays = [haystack.parts[Kind.JSON]] if Kind.JSON in haystack.parts else []
    if Kind.LIST in haystack.parts and needle.type & types.NUMERIC:
        # A text that spells the number is equal to it.
        arrays.append(f"btql_json_list({haystack.parts[Kind.LIST]})")
    return arrays
