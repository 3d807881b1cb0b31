"""Functions of text. Positions count characters from 1, as in SQL."""

from __future__ import annotations

from btql_planner import sql_text
from btql_planner.functions.call import written_number, written_text
from btql_planner.functions.declare import Any, Boolean, Integer, Text, has, scalar
from btql_planner.types import Kind
from btql_planner.value import SIZE_BITS, Value

CHARS_MAX = 65_536
"""What repeats and pads makes texts of at most so many characters; beyond it the result is null."""
_COUNT_MAX = 2**31 - 1


def small(count: str) -> str:
    """Return a whole number cut to what the engine takes for a number of characters."""
    written = written_number(count)
    if written is not None and abs(written) <= _COUNT_MAX:
        return count
    return clamped(count, -_COUNT_MAX, _COUNT_MAX)


def clamped(number: str, low: int, high: int) -> str:
    """Return a number moved into a range; ``least`` and ``greatest`` would make something of null."""
    return f"CASE WHEN {number} < {low} THEN {low} WHEN {number} > {high} THEN {high} ELSE {number} END"


@scalar
def lower(value: Text) -> Text:
    """Return ``value`` in lower case.

    >>> lower('ÀB')
    'àb'
    """
    return f"lower({value})"


@scalar
def upper(value: Text) -> Text:
    """Return ``value`` in upper case.

    >>> upper('àb')
    'ÀB'
    """
    return f"upper({value})"


@scalar
def initcap(value: Text) -> Text:
    """Return ``value`` with the first letter of each word in upper case and the others in lower case.

    >>> initcap('hello WORLD')
    'Hello World'
    """
    return f"initcap({value})"


@scalar(aliases=("btrim",))
def trim(value: Text, characters: Text = "") -> Text:
    """Return ``value`` without spaces, or the characters that are named, at its ends.

    >>> trim('xxabx', 'x')
    'ab'
    """
    return f"btrim({value}{', ' + characters if characters else ''})"


@scalar
def ltrim(value: Text, characters: Text = "") -> Text:
    """Return ``value`` without spaces, or the characters that are named, at its beginning.

    >>> ltrim('  ab ')
    'ab '
    """
    return f"ltrim({value}{', ' + characters if characters else ''})"


@scalar
def rtrim(value: Text, characters: Text = "") -> Text:
    """Return ``value`` without spaces, or the characters that are named, at its end.

    >>> rtrim('  ab ')
    '  ab'
    """
    return f"rtrim({value}{', ' + characters if characters else ''})"


@scalar(aliases=("char_length", "character_length"), bits=SIZE_BITS)
def length(value: Text) -> Integer:
    """Return the number of characters in ``value``.

    >>> length('naïve')
    5
    """
    return f"CAST(character_length({value}) AS BIGINT)"


@scalar(bits=SIZE_BITS)
def octet_length(value: Text) -> Integer:
    """Return the number of UTF-8 bytes in ``value``.

    >>> octet_length('naïve')
    6
    """
    return f"CAST(octet_length({value}) AS BIGINT)"


@scalar(aliases=("substr",))
def substring(value: Text, start: Integer, count: Integer = "") -> Text:
    """Return ``count`` characters of ``value`` from number ``start``; all that follow without ``count``.

    SQL also takes a pattern, ``substring(value FROM '[a-z]+')``: the first group that matches, or the whole match.

    >>> substring('abcdef', 2, 3)
    'bcd'
    """
    if not count:
        return f"substr({value}, {small(start)})"
    return f"substr({value}, {small(start)}, CASE WHEN {count} >= 0 THEN {small(count)} END)"


@scalar
def left(value: Text, count: Integer) -> Text:
    """Return the first ``count`` characters of ``value``; all but the last ones where it is negative.

    >>> left('abcdef', 2)
    'ab'
    """
    return f"left({value}, {small(count)})"


@scalar
def right(value: Text, count: Integer) -> Text:
    """Return the last ``count`` characters of ``value``; all but the first ones where it is negative.

    >>> right('abcdef', 2)
    'ef'
    """
    return f"right({value}, {small(count)})"


def _pad(name: str, value: str, length: str, fill: str) -> str:
    bounded = f"CASE WHEN {length} <= {CHARS_MAX} THEN greatest({length}, 0) END"
    return f"{name}({value}, {bounded}{', ' + fill if fill else ''})"


@scalar
def lpad(value: Text, length: Integer, fill: Text = "") -> Text:
    """Return ``value`` filled up to ``length`` characters on the left, or cut to them.

    >>> lpad('7', 3, '0')
    '007'
    """
    return _pad("lpad", value, length, fill)


@scalar
def rpad(value: Text, length: Integer, fill: Text = "") -> Text:
    """Return ``value`` filled up to ``length`` characters on the right, or cut to them.

    >>> rpad('7', 3, '0')
    '700'
    """
    return _pad("rpad", value, length, fill)


@scalar
def repeat(value: Text, count: Integer) -> Text:
    """Return ``value`` ``count`` times, one after the other; null beyond 65,536 bytes.

    >>> repeat('ab', 2)
    'abab'
    """
    fits = f"CAST(octet_length({value}) AS DOUBLE) * {count} <= {CHARS_MAX}"
    return f"repeat(CASE WHEN {fits} THEN {value} END, greatest(least({count}, {CHARS_MAX}), 0))"


@scalar
def reverse(value: Text) -> Text:
    """Return the characters of ``value`` from the last to the first.

    >>> reverse('añ')
    'ña'
    """
    return f"reverse({value})"


@scalar
def replace(value: Text, old: Text, new: Text) -> Text:
    """Return ``value`` with every ``old`` replaced by ``new``.

    >>> replace('a-b-c', '-', '+')
    'a+b+c'
    """
    found, put = written_text(old), written_text(new)
    grows = not found or put is None or len(put.encode()) > len(found.encode())
    # The engine counts no memory for what its own makes.
    return f"{'btql_replace' if grows else 'replace'}({value}, {old}, {new})"


@scalar
def translate(value: Text, old: Text, new: Text) -> Text:
    """Return ``value`` with each character of ``old`` replaced by the one at its place in ``new``, or left out.

    >>> translate('12345', '143', 'ax')
    'a2x5'
    """
    return f"translate({value}, {old}, {new})"


@scalar
def split_part(value: Text, separator: Text, number: Integer) -> Text:
    """Return part ``number`` of ``value`` between separators, counted from 1; negative from the end.

    >>> split_part('a,b,c', ',', 2)
    'b'
    """
    return f"split_part({value}, {separator}, nullif({small(number)}, 0))"


@scalar(bits=SIZE_BITS)
def strpos(value: Text, part: Text) -> Integer:
    """Return where ``part`` begins in ``value``, counted from 1; 0 where it does not occur.

    >>> strpos('abc', 'c')
    3
    """
    return f"CAST(strpos({value}, {part}) AS BIGINT)"


@scalar(bits=SIZE_BITS)
def position(part: Text, value: Text) -> Integer:
    """Return where ``part`` begins in ``value``; SQL also writes ``position(part IN value)``.

    >>> position('c' IN 'abc')
    3
    """
    return strpos(value, part)


@scalar
def starts_with(value: Text, beginning: Text) -> Boolean:
    """Return whether ``value`` begins with ``beginning``.

    >>> starts_with('abc', 'ab')
    True
    """
    return f"starts_with({value}, {beginning})"


@scalar
def ends_with(value: Text, end: Text) -> Boolean:
    """Return whether ``value`` ends with ``end``.

    >>> ends_with('abc', 'bc')
    True
    """
    return f"ends_with({value}, {end})"


@scalar(name="chr")
def chr_(code: Integer) -> Text:
    """Return the character with a number of Unicode; null where there is none.

    >>> chr(228)
    'ä'
    """
    exists = f"{code} BETWEEN 1 AND 55295 OR {code} BETWEEN 57344 AND 1114111"
    return f"chr(CASE WHEN {exists} THEN {code} END)"


@scalar(name="ascii", bits=SIZE_BITS)
def ascii_(value: Text) -> Integer:
    """Return the number of the first character of ``value`` in Unicode; 0 for an empty text.

    >>> ascii('ä')
    228
    """
    return f"CAST(ascii({value}) AS BIGINT)"


@scalar(name="len", python=has(Kind.JSON), bits=SIZE_BITS)
def len_(value: Any) -> Integer:
    """Return the number of elements of an array or object, or of characters of a text.

    >>> len('naïve')
    5
    """
    return _length(value)


def _length(value: Value) -> str:
    counted = {
        Kind.TEXT: "CAST(character_length({}) AS BIGINT)",
        Kind.LIST: "CAST(coalesce(array_length({0}), CASE WHEN {0} IS NOT NULL THEN 0 END) AS BIGINT)",
        Kind.JSON: "btql_json_length({})",
    }
    terms = [counted[kind].format(sql) for kind, sql in value.parts.items() if kind in counted]
    return terms[0] if len(terms) == 1 else f"coalesce({', '.join([*terms, sql_text.null(Kind.INTEGER)])})"
