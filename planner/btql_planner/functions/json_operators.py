"""Operators over arrays and objects that the binder makes of ``->``, ``@>``, ``?``, ``[…]`` and ``{…}``."""

from __future__ import annotations

from collections.abc import Sequence

from btql_planner import compare, types
from btql_planner.functions.declare import dynamic_type, operator
from btql_planner.spelling import as_json, as_member, as_text, from_json
from btql_planner.types import Kind
from btql_planner.value import Value, boolean, condition, of, single


@operator("array", types.JSON)
def array(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``[a, b]``."""
    members = " || ',' || ".join(map(as_member, values))
    return of(Kind.JSON, f"('[' || {members} || ']')")


@operator("object", types.JSON)
def object_(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``{key: value}``: keys are texts of the query, in their order."""
    members: list[str] = []
    for key, value in zip(values[::2], values[1::2], strict=True):
        members.append(f"btql_json_quote({single(key)}) || ':' || {as_member(value)}")
    listed = " || ',' || ".join(members)
    return of(Kind.JSON, f"('{{' || {listed} || '}}')")


@operator("text_or_document", types.TEXT | types.JSON)
def text_or_document(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """A text of the query and the JSON that it spells: both, for what chooses between them."""
    text, document = values
    return Value({Kind.TEXT: single(text), Kind.JSON: single(document)})


@operator("json_get", dynamic_type, python=True)
def json_get(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``value -> path``: the path is an array of keys and indexes."""
    return from_json(f"btql_json_get({as_json(values[0])}, {as_json(values[1])})")


@operator("json_contains", types.BOOLEAN, python=True)
def json_contains(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``@>``."""
    return boolean(f"btql_json_contains({as_json(values[0])}, {as_json(values[1])})")


@operator("json_equals", types.BOOLEAN, scalars_only=True)
def json_equals(values: Sequence[Value], *, exact: bool) -> Value:
    """A member of ``@>``: equal, and of the same kind."""
    return boolean(compare.alike(values[0], values[1], exact=exact))


@operator("if_present", types.BOOLEAN, scalars_only=True)
def if_present(values: Sequence[Value], *, exact: bool) -> Value:
    """A condition that is null where the value it looks into is: presence, condition.

    There the condition itself is false, which will do for a filter.
    """
    present, inside = map(condition, values)
    return boolean(f"CASE WHEN {present} THEN {inside} END" if exact else inside)


@operator("json_has_keys", types.BOOLEAN, python=True)
def json_has_keys(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``?``, ``?|`` and ``?&``."""
    value, keys, quantifier = values
    return boolean(f"btql_json_has_keys({as_json(value)}, {as_json(keys)}, {as_text(quantifier)})")


@operator("quantified", types.BOOLEAN, python=True)
def quantified(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """``left op ANY (array)`` and ALL: left, array, op, quantifier."""
    left, items, op, quantifier = values
    # Null too is compared with each element: with ALL of none, it is as true of null as of anything.
    needle = f"coalesce({as_json(left)}, 'null')"
    arguments = (as_json(items), as_text(op), as_text(quantifier), needle)
    return boolean(f"btql_json_quantified({', '.join(arguments)})")


@operator("object_of_pairs", types.JSON, python=True)
def object_of_pairs(values: Sequence[Value], *, exact: bool) -> Value:  # noqa: ARG001
    """An object whose keys are computed."""
    pairs = zip(values[::2], values[1::2], strict=True)
    members = " || ',' || ".join(
        f"btql_json_quote({as_text(key)}) || ':' || {as_member(value)}" for key, value in pairs
    )
    return of(Kind.JSON, f"btql_json_canonical('{{' || {members} || '}}')")
