"""Functions of JSON: arrays, objects, and texts that spell them.

``json_`` and ``jsonb_`` are the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner import sql_text, types
from btql_planner.expressions import Expression
from btql_planner.functions.call import ArgumentError, written_text
from btql_planner.functions.declare import Any, Anything, Integer, List, Node, Text, dynamic_type, form, scalar
from btql_planner.functions.function import Binder
from btql_planner.postgres_arrays import texts_of
from btql_planner.spelling import as_json, from_json
from btql_planner.types import Kind, Type
from btql_planner.value import SIZE_BITS, Value, of
from btql_storage import json_text as stored_json


@scalar(returns=dynamic_type, python=True)
def json_extract(value: Any, key: Text) -> Any:
    """Return what a text of JSON has under one key: a literal key, dots and all. Null where it is no JSON.

    >>> json_extract('{"user.theme": "dark"}', 'user.theme')
    'dark'
    """
    if written_text(key) is None:
        raise ArgumentError("json_extract takes a key that is written in the query", 1)
    text, structure = value.parts.get(Kind.TEXT), value.parts.get(Kind.JSON)
    terms = [sql for sql in (text, structure) if sql is not None]
    document = terms[0] if len(terms) == 1 else f"coalesce({', '.join([*terms, sql_text.null(Kind.TEXT)])})"
    return from_json(f"btql_json_get({document}, '[' || btql_json_quote({key}) || ']')")


@form(aliases=("json_extract_path",))
def jsonb_extract_path(binder: Binder, span: Span, value: Node, *keys: Node) -> Anything:
    """Return what is under one key after the other; digits are the index of an array.

    >>> jsonb_extract_path({a: [5, 6]}, 'a', '1')
    6
    """
    found = value
    for key in keys:
        found = tree.JsonOperator("->", found, key, span=span)
    return binder.bind(found)


@form(aliases=("json_extract_path_text",))
def jsonb_extract_path_text(binder: Binder, span: Span, value: Node, *keys: Node) -> Anything:
    """Return what is under one key after the other, as a text.

    >>> jsonb_extract_path_text({a: [5, 6]}, 'a', '1')
    '6'
    """
    return binder.bind(tree.Call("to_string", (tree.Call("jsonb_extract_path", (value, *keys), span=span),), span=span))


@form(aliases=("json_build_array",))
def jsonb_build_array(binder: Binder, span: Span, *items: Node) -> Anything:
    """Return an array of the items; the same as ``[a, b]``.

    >>> jsonb_build_array(1, 'a', null)
    [1, 'a', None]
    """
    return binder.bind(tree.Array(tuple(items), span=span))


@form(aliases=("json_build_object",))
def jsonb_build_object(binder: Binder, span: Span, *items: Node) -> Anything:
    """Return an object of keys and values in turn; the same as ``{key: value}``.

    >>> jsonb_build_object('a', 1, 'b', [true])
    {'a': 1, 'b': [True]}
    """
    keys, members = items[::2], items[1::2]
    written = [key.value for key in keys if isinstance(key, tree.Literal) and isinstance(key.value, str)]
    if len(written) == len(keys) == len(members):
        return binder.bind(tree.Object(tuple(zip(written, members, strict=True)), span=span))
    return _object_of_pairs(binder, span, items)


def _object_of_pairs(binder: Binder, span: Span, items: Sequence[tree.Expression]) -> Expression:
    padded = [*items, *([tree.Literal(None, span=span)] if len(items) % 2 else [])]
    return binder.apply("object_of_pairs", padded, span)


def _same_type(arguments: Sequence[Type]) -> Type:
    (argument,) = arguments
    return argument


@scalar(aliases=("to_json",), returns=_same_type)
def to_jsonb(value: Any) -> Any:
    """Return ``value`` as it is: everything here is a value of JSON already.

    >>> to_jsonb('a')
    'a'
    """
    return value


@scalar(aliases=("json_typeof",))
def jsonb_typeof(value: Any) -> Text:
    """Return what kind of value this is: ``object``, ``array``, ``string``, ``number`` or ``boolean``; null for null.

    >>> jsonb_typeof([1, 2])
    'array'
    """
    names = {
        Kind.BOOLEAN: "boolean", Kind.INTEGER: "number", Kind.FLOAT: "number", Kind.BIG: "number", Kind.LIST: "array",
    }  # fmt: skip
    whens: list[str] = []
    for kind, sql in value.parts.items():
        name = f"'{names.get(kind, 'string')}'"
        if kind is Kind.JSON:
            name = f"CASE WHEN starts_with({sql}, '[') THEN 'array' ELSE 'object' END"
        whens.append(f"WHEN {sql} IS NOT NULL THEN {name}")
    return f"CASE {' '.join(whens)} END" if whens else sql_text.null(Kind.TEXT)


@scalar(aliases=("json_array_length",), python=True, bits=SIZE_BITS)
def jsonb_array_length(value: Any) -> Integer:
    """Return the number of elements of an array; null for anything else.

    >>> jsonb_array_length([1, 2])
    2
    """
    return array_size(value)


def array_size(value: Value) -> str:
    """Return the number of elements as SQL."""
    terms: list[str] = []
    if Kind.LIST in value.parts:
        sql = value.parts[Kind.LIST]
        terms.append(f"CAST(coalesce(array_length({sql}), CASE WHEN {sql} IS NOT NULL THEN 0 END) AS BIGINT)")
    if Kind.JSON in value.parts:
        terms.append(f"btql_array_length({value.parts[Kind.JSON]})")
    return terms[0] if len(terms) == 1 else f"coalesce({', '.join([*terms, sql_text.null(Kind.INTEGER)])})"


@scalar(aliases=("json_object_keys",), python=True)
def jsonb_object_keys(value: Any) -> List:
    """Return the keys of an object as a sorted list; null for anything else.

    >>> jsonb_object_keys({b: 1, a: 2})
    ['a', 'b']
    """
    return f"btql_json_keys({value.get(Kind.JSON)})"


@scalar(python=True)
def jsonb_pretty(value: Any) -> Text:
    r"""Return JSON as a text of several lines.

    >>> jsonb_pretty([1])
    '[\n    1\n]'
    """
    return f"btql_json_pretty({as_json(value)})"


@scalar(aliases=("json_strip_nulls",), returns=dynamic_type, python=True)
def jsonb_strip_nulls(value: Any) -> Any:
    """Return JSON without the keys whose value is null, at any depth.

    >>> jsonb_strip_nulls({a: 1, b: null})
    {'a': 1}
    """
    return from_json(f"btql_json_strip_nulls({as_json(value)})")


@scalar(returns=dynamic_type, python=True)
def jsonb_set(value: Any, path: Any, new: Any) -> Any:
    """Return JSON with the value at a path, a list of keys, replaced or added; null takes it away.

    Digits are the index of an array, and one beyond its end adds an element there. A new value in quotes that spells
    JSON is what it spells: ``'"a"'`` is the text ``a``, and ``'7'`` a number.

    >>> jsonb_set({a: {b: 1}}, ['a', 'b'], 2)
    {'a': {'b': 2}}
    """
    keys = texts_of(written_text(path.get(Kind.TEXT)) or "")
    if keys is not None and None not in keys:
        path = of(Kind.JSON, sql_text.text(stored_json.canonical(keys)))
    if not path.type & (types.LIST | types.JSON):
        raise ArgumentError("jsonb_set takes a list of keys: `jsonb_set(metadata, ['a', 'b'], 1)`", 1)
    return from_json(f"btql_json_set({as_json(value)}, {as_json(path)}, coalesce({as_json(new)}, 'null'))")


@scalar(returns=dynamic_type, python=True)
def jsonb_delete(value: Any, keys: Any) -> Any:
    """Return an object without a key, or without each of a list of keys; an array without those texts.

    Also written ``value - 'key'``.

    >>> jsonb_delete({a: 1, b: 2}, 'a')
    {'b': 2}
    """
    return from_json(f"btql_json_delete({as_json(value)}, {as_json(keys)})")


@scalar
def json_text(value: Any) -> Text:
    """Return any value as JSON text: texts in quotes, too.

    >>> json_text(['a', 1])
    '["a",1]'
    """
    return as_json(value)
