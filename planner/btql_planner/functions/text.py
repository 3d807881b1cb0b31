"""Functions of text. Positions count characters from 1, as in SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence

from btql_planner import sql_text, types
from btql_planner.functions.call import written_number, written_text
from btql_planner.functions.declare import Any, Boolean, Integer, Text, has, scalar
from btql_planner.spelling import as_json, as_text
from btql_planner.types import Kind, Type
from btql_planner.value import SIZE_BITS, Value, choose, of, structure

CHARS_MAX = 65_536
"""What repeats and pads makes texts of at most so many characters; beyond it the result is null."""
_COUNT_MAX = 2**31 - 1
_NAME = re.compile(sql_text.NAME)


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


def _joined_type(arguments: Sequence[Type]) -> Type:
    if not all(argument & types.CONTENTS for argument in arguments):
        return types.TEXT
    joins = all(argument <= types.CONTENTS for argument in arguments)
    return types.JSON if joins else types.JSON | types.TEXT


def _bounded(form: str, between: str, texts: Sequence[str]) -> str:
    """Return the SQL of texts that become one.

    Where a column is in it twice, and again in what is made of it, texts double with every step, and the engine counts
    no memory for them: so it is counted beforehand.
    """
    joined = form.format(between.join(texts))
    columns = [name for text in texts for name in {*_NAME.findall(text)}]
    if len(columns) == len({*columns}):
        return joined
    size = " + ".join(f"coalesce(CAST(octet_length({text}) AS BIGINT), 0)" for text in texts)
    return f"CASE WHEN btql_bytes_fit({size}) THEN {joined} END"


@scalar
def concat(*items: Any) -> Text:
    """Return the items as texts, one after the other; nulls are left out.

    >>> concat('a', 1, null, true)
    'a1true'
    """
    return _bounded("concat({})", ", ", [as_text(item) for item in items])


@scalar(returns=_joined_type)
def textcat(*items: Any) -> Any:
    """Return the items as texts, one after the other, and null where any of them is; SQL writes it ``||``.

    Arrays and objects alone make one longer array or one larger object; beside them, a text of the query that spells
    one is one.

    >>> textcat('a', 1, true)
    'a1true'
    """
    kinds = _joined_type([item.type for item in items])
    text = of(Kind.TEXT, sql_text.null(Kind.TEXT))
    if Kind.TEXT in kinds:
        text = of(Kind.TEXT, _bounded("({})", " || ", [as_text(item) for item in items]))
    if Kind.JSON not in kinds:
        return text
    documents = [document for item in items if (document := structure(item)) is not None]
    joined, *others = documents
    for other in others:
        joined = f"btql_json_merge({joined}, {other})"
    if kinds == types.JSON:
        return of(Kind.JSON, joined)
    are_documents = sql_text.all_of([f"{document} IS NOT NULL" for document in documents])
    return choose([(are_documents, of(Kind.JSON, joined))], text)


@scalar
def concat_ws(separator: Text, *items: Any) -> Text:
    """Return the items as texts with a separator between them; nulls are left out.

    >>> concat_ws('-', 'a', null, 1)
    'a-1'
    """
    texts = [as_text(item) for item in items] or [sql_text.null(Kind.TEXT)]
    if not any(_NAME.search(text) for text in texts) and _NAME.search(separator):
        # Of nulls alone, between which there is a column, the engine makes a plan that it then refuses.
        texts[0] = sql_text.varying(texts[0])
    return _bounded("concat_ws({})", ", ", [separator, *texts])


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


@scalar(python=True, name="format")
def format_(pattern: Text, *items: Any) -> Text:
    """Return ``pattern`` with each ``%s`` replaced by the next item, and ``%2$s`` by item 2.

    ``%L`` puts the item in quotes as a text of SQL, ``%I`` as a name, and ``%%`` is a per cent sign.

    >>> format('%s is %s%%', 'a', 5)
    'a is 5%'
    """
    members = " || ',' || ".join(f"coalesce({as_json(item)}, 'null')" for item in items)
    listed = f"'[' || {members} || ']'" if members else "'[]'"
    return f"btql_format({pattern}, {listed})"


@scalar
def quote_literal(value: Any) -> Text:
    """Return ``value`` as a text of SQL, in single quotes.

    >>> quote_literal('it''s')
    "'it''s'"
    """
    return f"('''' || replace({as_text(value)}, '''', '''''') || '''')"


@scalar
def quote_ident(value: Text) -> Text:
    """Return ``value`` as a name of SQL, in double quotes.

    >>> quote_ident('my field')
    '"my field"'
    """
    return f"""('"' || replace({value}, '"', '""') || '"')"""


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
