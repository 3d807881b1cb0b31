"""Well-known mistakes in expressions: operators of other languages, quotes, intervals, words out of place."""

from __future__ import annotations

from btql_grammar import build
from btql_grammar.diagnostic import BtqlError, shorten
from btql_grammar.lexer import RESERVED, number_meant
from btql_grammar.stumble import Rule, Stumble

_COMPARISONS = frozenset({"COMPARE", "TEXT_OPERATOR", "IN", "IS", "BETWEEN", "NULL_TEST"})
_MATCH = "write `match` for words, or call `regexp_like(a, 'x')`"
_PATTERNS = frozenset({"regexp", "rlike", "regex"})
_SIGNS = {
    "==": "write `=`", "===": "write `=`", "!==": "write `!=`",
    "&&": "write `and`", "||": "write `or`", "!": "write `not`",
    "=<": "write `<=`", "=>": "write `>=`", "=!": "write `!=`",
    "=~": _MATCH, "~": _MATCH, "~*": _MATCH, "!~": f"{_MATCH}, with `not` before it",
    "&": "write `and`", "^": "write a product: `a * a`", "**": "write a product: `a * a`",
    "//": "write `/` to divide; a comment begins with `--`", "#": "a comment begins with `--`",
    "->": "write a path: `metadata.a`", "->>": "write a path: `metadata.a`", "#>": "write a path: `metadata.a.b`",
    "#>>": "write a path: `metadata.a.b`", "@>": "write `includes`", "<@": "write `includes` the other way round",
}  # fmt: skip
"""Operators of other languages, and what to do instead."""
_WORDS = {
    "matches": "match", "similar": "like", "glob": "like",
    "has": "includes", "include": "includes", "contain": "contains", "containing": "contains",
    "starts": "like 'start%'", "startswith": "like 'start%'", "begins": "like 'start%'",
    "ends": "like '%end'", "endswith": "like '%end'",
    "equals": "=", "equal": "=", "equalto": "=", "eq": "=", "ne": "!=", "gt": ">", "lt": "<", "ge": ">=", "le": "<=",
    "gte": ">=", "lte": "<=", "mod": "%", "div": "/", "plus": "+", "minus": "-", "xor": "!=", "isnot": "is not",
    "notin": "not in", "notnull": "is not null", "exists": "is not null",
}  # fmt: skip
"""Words used as operators elsewhere, and ours."""
_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00b4": "'", "`": '"'}
_PLACEHOLDERS = (":", "$", "%", "@", "{")


# Operators.


def _sign(place: Stumble) -> BtqlError | None:
    """Operators that BTQL does not have."""
    written = place.word
    if written == "!" and place.follows("COMPARE"):
        equals = place.before()
        if equals is not None and equals.text == "=" and equals.end == place.token.start:
            span = equals.span.to(place.span)
            return place.fault("there is no operator `=!`", "unknown operator", _SIGNS["=!"], span)
    if place.token.type != "UNKNOWN" or written not in _SIGNS or (place.wants_clause and not place.wants_operator):
        return None
    return place.fault(f"there is no operator `{written}`", "unknown operator", _SIGNS[written])


def _word(place: Stumble) -> BtqlError | None:
    """Words used as operators, and two operands in a row."""
    if not place.is_word or not place.wants_operator:
        return None
    number = place.before()
    if number is not None and number.type == "INTEGER" and place.word.removesuffix("s") in build.UNITS:
        help_ = f"write `interval {number.text} {place.word}`"
        return place.fault("a length of time begins with `interval`", "a unit", help_, number.span.to(place.span))
    if number is not None and number.text.lower() == "interval" and place.word.removesuffix("s") in build.UNITS:
        help_ = f"write `interval 1 {place.word}`"
        span = number.span.to(place.span)
        return BtqlError.of("B0106", "an interval has no amount", span, "not an interval", help=help_)
    if number is not None and number.text.lower() == "if":
        help_ = "a choice is written `condition ? value : other value`"
        return place.fault("there is no `if` before a condition", "unknown word", help_, number.span)
    if place.word in _PATTERNS:
        return place.fault(f"there is no operator `{place.word}`", "unknown operator", _MATCH)
    if place.word in _WORDS:
        return place.fault(f"there is no operator `{place.word}`", "unknown operator", f"write `{_WORDS[place.word]}`")
    if "_AS" not in place.expected or place.has_read("UNPIVOT_HEAD"):
        return None
    written = shorten(place.token.text)
    help_ = f"for another name write `as {written}`; texts are written in quotes"
    return place.fault(f"expected an operator, found `{written}`", "found a name", help_)


def _chain(place: Stumble) -> BtqlError | None:
    """``a < b < c``."""
    if place.token.type not in _COMPARISONS or not place.wants_operator:
        return None
    help_ = "write two comparisons joined by `and`, or put one of them in parentheses"
    return place.fault("comparisons cannot be chained", "a second comparison", help_)


def _negation(place: Stumble) -> BtqlError | None:
    """``a not null``, ``a is not in (...)``."""
    last = place.before()
    if last is None or last.type != "NOT":
        return None
    if place.word == "null":
        return place.fault("`not null` needs `is`", "here", "write `is not null`", last.span.to(place.span))
    if place.follows("IS", "NOT") and place.token.type in ("WORD", "TEXT_OPERATOR", "IN", "BETWEEN"):
        first = place.before(2)
        assert first is not None, "it has just been looked at"
        help_ = f"write `not {place.word}`"
        return place.fault(f"`is not {place.word}` is one word too many", "here", help_, first.span.to(place.span))
    return None


def _list(place: Stumble) -> BtqlError | None:
    """``a in 'x', 'y'``."""
    if place.token.type != "_COMMA" or place.wants_operand or not place.has_read("IN"):
        return None
    help_ = "write the list in parentheses: `in ('x', 'y')`"
    return place.fault("the list behind `in` has no parentheses", "a second value", help_)


# Operands.


def _number(place: Stumble) -> BtqlError | None:
    """``12ab``."""
    if place.token.type != "BAD_NUMBER":
        return None
    written = place.token.text
    message = f"`{shorten(written)}` is not a number"
    return BtqlError.of("B0105", message, place.span, "not a number", help=number_meant(written))


def _quote(place: Stumble) -> BtqlError | None:
    """Typographic quotes and backticks."""
    right = _QUOTES.get(place.token.text)
    if right is None:
        return None
    return place.fault(f"`{place.token.text}` is not a quote here", "found this", f"write a straight `{right}`")


def _interval(place: Stumble) -> BtqlError | None:
    """``interval 7``."""
    if not (place.follows("INTERVAL", "INTEGER") or place.follows("INTERVAL", "MINUS", "INTEGER")):
        return None
    amount = place.before()
    help_ = f"write `interval {amount.text if amount else 7} day`"
    return BtqlError.of("B0106", "an interval has no unit of time", place.span, "expected a unit", help=help_)


def _placeholder(place: Stumble) -> BtqlError | None:
    """``a = %s``, ``a = @name``, ``{{name}}``, and a lone ``$`` or ``:``."""
    braces = place.token.text == "{" and place.follows("LBRACE")
    if not braces and not (place.wants_operand and place.token.text in _PLACEHOLDERS):
        return None
    if place.token.text == "$" and place.text.startswith("$.", place.token.start):
        return place.fault("a path does not begin with `$`", "found `$`", "begin with the field: `metadata.a`")
    help_ = "a value that is given beside the query is written `?`, `$1` or `:name`"
    return place.fault("this is not how a parameter is written", f"found `{place.token.text}`", help_)


def _subscript(place: Stumble) -> BtqlError | None:
    """``tags[]``, ``tags[1:2]``, ``tags.0``."""
    if place.token.type == "FLOAT" and place.token.text.startswith("."):
        help_ = f"write `[{shorten(place.token.text[1:])}]`"
        return place.fault("an element of an array is taken with brackets", "found a number", help_)
    if place.follows("_LSQB") and place.token.type == "RSQB":
        return place.fault("the brackets are empty", "expected an index", "write `tags[0]`, or `scores['a key']`")
    if place.token.type == "_COLON" and "RSQB" in place.expected and place.has_read("_LSQB"):
        help_ = "take one element: `tags[0]`, `tags[-1]`"
        return BtqlError.of("B0111", "a slice of an array is not supported", place.span, "not supported", help=help_)
    return None


def _reserved(place: Stumble) -> BtqlError | None:
    """Words of the language where an operand is expected."""
    if place.word not in RESERVED or not place.wants_operand:
        return None
    help_ = f'complete the expression before it; a field of this name is written `"{place.token.text}"`'
    return place.fault(f"expected an expression, found `{place.token.text}`", "found a word of the language", help_)


RULES: tuple[Rule, ...] = (
    _negation, _sign, _chain, _list, _interval, _word, _number, _quote, _placeholder, _subscript, _reserved,
)  # fmt: skip
"""Tried in this order."""
