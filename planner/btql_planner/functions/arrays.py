"""Functions of arrays. Elements count from 1 here, as in SQL; ``tags[0]`` counts from 0.

An array is a list of texts, as ``tags`` is, or any array of JSON; what is neither gives null.
"""

from __future__ import annotations

from btql_planner.functions.call import ArgumentError, written_number
from btql_planner.functions.declare import Any, Boolean, Integer, List, Text, scalar
from btql_planner.functions.declare import Json as JsonText
from btql_planner.functions.json import array_size
from btql_planner.spelling import as_json, as_member
from btql_planner.types import Kind
from btql_planner.value import SIZE_BITS, Value

_SIZE_MAX = 2**31 - 1
"""No list has more elements, and at an index beyond the engine ends the query."""


def _array(value: Value) -> str:
    """Return an array as JSON text; it may be an object, too."""
    return as_json(Value({kind: sql for kind, sql in value.parts.items() if kind in (Kind.LIST, Kind.JSON)}))


def _only_array(value: Value) -> str:
    """Return an array as JSON text, null for an object."""
    text = _array(value)
    return f"CASE WHEN starts_with({text}, '[') THEN {text} END" if Kind.JSON in value.parts else text


@scalar(python=True, bits=SIZE_BITS)
def array_length(value: Any, dimension: Integer = "") -> Integer:
    """Return the number of elements of an array.

    With the dimension, 1, null of an empty one, as in Postgres.

    >>> array_length(['a', 'b'])
    2
    """
    if dimension and dimension != "1":
        raise ArgumentError("arrays have one dimension here: write 1, or leave it out", 1)
    size = array_size(value)
    return f"nullif({size}, 0)" if dimension else size


@scalar(python=True, bits=SIZE_BITS)
def cardinality(value: Any) -> Integer:
    """Return the number of elements of an array.

    >>> cardinality([1, 2, 3])
    3
    """
    return array_size(value)


@scalar
def element(items: List, index: Integer) -> Text:
    """Return element number ``index`` of a list of texts, counted from 0; negative from the end. ``tags[0]``.

    >>> element(['a', 'b'], -1)
    'b'
    """
    written = written_number(index)
    if written is None or abs(written) >= _SIZE_MAX:
        index = f"CASE WHEN {index} > {-_SIZE_MAX} AND {index} < {_SIZE_MAX} THEN {index} END"
    return f"array_element({items}, CASE WHEN {index} < 0 THEN {index} ELSE {index} + 1 END)"


@scalar(python=True)
def array_append(array: Any, item: Any) -> JsonText:
    """Return an array with one more element at its end.

    >>> array_append(['a'], 'b')
    ['a', 'b']
    """
    return f"btql_json_merge({_only_array(array)}, '[' || {as_member(item)} || ']')"


@scalar(python=True)
def array_prepend(item: Any, array: Any) -> JsonText:
    """Return an array with one more element at its beginning.

    >>> array_prepend('a', ['b'])
    ['a', 'b']
    """
    return f"btql_json_merge('[' || {as_member(item)} || ']', {_only_array(array)})"


@scalar(aliases=("array_concat",), python=True)
def array_cat(one: Any, other: Any) -> JsonText:
    """Return the elements of two arrays in one; also written ``one || other``.

    >>> array_cat([1], [2, 3])
    [1, 2, 3]
    """
    return f"btql_json_merge({_only_array(one)}, {_only_array(other)})"


@scalar(python=True, bits=SIZE_BITS)
def array_position(array: Any, item: Any) -> Integer:
    """Return the place of the first element that is equal to ``item``, counted from 1; null where none is.

    >>> array_position(['a', 'b'], 'b')
    2
    """
    return f"btql_array_position({_array(array)}, {as_json(item)})"


@scalar(aliases=("array_has",), python=True)
def array_contains(array: Any, item: Any) -> Boolean:
    """Return whether an array has an element that is equal to ``item``.

    >>> array_contains([1, 2], 2)
    True
    """
    items = _array(array)
    place = f"btql_array_position({items}, {as_json(item)})"
    return f"CASE WHEN {items} IS NOT NULL AND {as_json(item)} IS NOT NULL THEN {place} IS NOT NULL END"


@scalar(python=True)
def array_remove(array: Any, item: Any) -> JsonText:
    """Return an array without every element that is equal to ``item``, or is null where ``item`` is.

    >>> array_remove([1, 2, 1], 1)
    [2]
    """
    return f"btql_array_remove({_array(array)}, coalesce({as_json(item)}, 'null'))"


@scalar(python=True)
def array_distinct(array: Any) -> JsonText:
    """Return the elements of an array, each once.

    >>> array_distinct([2, 1, 2])
    [2, 1]
    """
    return f"btql_array_distinct({_array(array)})"


@scalar(python=True)
def array_sort(array: Any) -> JsonText:
    """Return an array in the order of a sort.

    >>> array_sort([2, 'a', 1])
    [1, 2, 'a']
    """
    return f"btql_array_sort({_array(array)}, 'ASC NULLS LAST')"


@scalar(python=True)
def array_slice(array: Any, first: Integer, last: Integer) -> JsonText:
    """Return the elements from number ``first`` to number ``last``, counted from 1.

    >>> array_slice(['a', 'b', 'c'], 2, 3)
    ['b', 'c']
    """
    return f"btql_array_slice({_array(array)}, {first}, {last})"


@scalar(python=True)
def array_to_string(array: Any, separator: Text, null: Text = "") -> Text:
    """Return the elements of an array as one text; nulls are left out, or written as ``null`` says.

    >>> array_to_string(['a', null, 'b'], '-', '*')
    'a-*-b'
    """
    for_null = null or "''"
    return f"btql_array_text({_array(array)}, {separator}, {for_null})"


@scalar
def string_to_array(value: Text, separator: Text) -> List:
    """Return the parts of a text between separators.

    >>> string_to_array('a,b', ',')
    ['a', 'b']
    """
    return f"string_to_array({value}, {separator})"
