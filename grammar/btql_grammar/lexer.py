"""Characters to tokens, for BTQL.

The lexer is contextual: the parser asks for the next token and says which
terminals it could use. One pattern finds the next lexeme; what it is called
depends on that. ``match`` is an operator after an operand and a name where an
operand is expected, and ``filter:`` is the head of a clause only where a clause
may begin, so it does not disturb ``a ? filter : b``.

A lexeme that fits nowhere still becomes a token, named for what it most likely
is, so that the error can say what was found.
"""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

from btql_grammar.scan import DOUBLE_QUOTED, SPACE, STRING
from btql_grammar.span import Span

_HEADS = {
    "select": "SELECT_HEAD", "unpivot": "UNPIVOT_HEAD", "infer": "INFER_HEAD", "sort": "SORT_HEAD", "from": "FROM_HEAD",
    "preview_length": "PREVIEW_HEAD", "cursor": "CURSOR_HEAD", "sample": "SAMPLE_HEAD",
    **dict.fromkeys(("dimensions", "measures", "pivot", "final_dimensions", "final_measures"), "ITEMS_HEAD"),
    **dict.fromkeys(("weighted_scores", "custom_columns"), "ITEMS_HEAD"),
    **dict.fromkeys(("filter", "span_filter", "trace_filter", "final_filter", "comparison_key"), "EXPRESSION_HEAD"),
    **dict.fromkeys(("limit", "offset", "inference_budget"), "COUNT_HEAD"),
}  # fmt: skip
CLAUSES = (
    "select", "dimensions", "measures", "from", "filter", "sort", "limit", "offset", "cursor", "sample",
    "pivot", "unpivot", "infer", "span_filter", "trace_filter", "final_filter", "final_dimensions", "final_measures",
    "comparison_key", "weighted_scores", "custom_columns", "preview_length", "inference_budget",
)  # fmt: skip
"""Every clause, the common ones first: the order in which messages list them."""
_WORDS: dict[str, tuple[str, ...]] = {
    "and": ("_AND",), "or": ("_OR",), "not": ("NOT",), "in": ("IN",), "is": ("IS",), "between": ("BETWEEN",),
    "as": ("_AS",), "null": ("NULL",), "true": ("TRUE",), "false": ("FALSE",),
    "case": ("CASE",), "when": ("_WHEN",), "then": ("_THEN",), "else": ("ELSE",), "end": ("END",),
    "like": ("TEXT_OPERATOR",), "ilike": ("TEXT_OPERATOR",), "match": ("TEXT_OPERATOR",),
    "includes": ("TEXT_OPERATOR",), "contains": ("TEXT_OPERATOR",),
    "isnull": ("NULL_TEST",), "isnotnull": ("NULL_TEST",),
    "asc": ("DIRECTION",), "desc": ("DIRECTION",), "nulls": ("NULLS",), "first": ("FIRST",), "last": ("LAST",),
    "spans": ("SHAPE",), "traces": ("SHAPE",), "summary": ("SHAPE",),
    "distinct": ("DISTINCT",), "interval": ("INTERVAL",), "seed": ("SEED",),
    **dict.fromkeys(("precision", "varying", "with", "without", "time", "zone"), ("TYPE_WORD",)),
    "replace": ("_REPLACE",), "exclude": ("_EXCLUDE",),
}  # fmt: skip
RESERVED = frozenset(
    "and or not in is like ilike between as null true false case when then else".split()  # noqa: SIM905
)
"""Words that name a field only after a dot or in double quotes."""

_SYMBOLS: dict[str, tuple[str, ...]] = {
    "+": ("PLUS",), "-": ("MINUS",), "*": ("TIMES", "STAR"), "/": ("TIMES",), "%": ("TIMES",),
    "(": ("LPAR",), ")": ("RPAR",), "[": ("_LSQB", "LSQB"), "]": ("RSQB",), "{": ("LBRACE",), "}": ("RBRACE",),
    "|": ("_PIPE",), ";": ("_SEMICOLON",), ",": ("_COMMA",), ".": ("_DOT",), ":": ("_COLON",), "::": ("_CAST",),
    "?": ("_QUESTION",),
} | dict.fromkeys(("<!=>", "<=>", "<=", ">=", "<>", "!=", "=", "<", ">"), ("COMPARE",))  # fmt: skip

_LEXEME = re.compile(
    rf"""(?:{SPACE})*+(?:
    (?P<word>[^\W\d][\w$]*)(?=(?P<colon>\s*+:(?!:))?)
    |(?P<number>(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?P<junk>[\w.]*)
    |(?P<string>{STRING})
    |(?P<quoted>{DOUBLE_QUOTED})
    |(?P<symbol><!=>|<=>|===?|!==|=>|=<|=~|!~|~\*|<=|>=|<>|!=|::|\|\||&&|->>?|\#>>?|@>|<@|\*\*|//|[^'"])
    )?""",
    re.VERBOSE,
)
_PARAMETER_MARKS = ("?", "$", ":")
_PARAMETER = re.compile(r"\?|\$[0-9]+|:[^\W\d]\w*")
_OPERATOR_WORDS = (
    "(?:and|or|not|in|is|like|ilike|match|includes|contains|between|as|asc|desc|nulls|isnull|isnotnull|notnull"
    "|when|then|else|end|from|where|group|having|order|limit|offset)"
)
_GAP = rf"(?:{SPACE})"
# `50% and x` is a percentage, `n % 2` and `50 % n` are remainders: the sign decides by what follows it.
_OPERAND_AHEAD = re.compile(
    rf"{_GAP}*+(?:[\d\"'(\[{{.]|(?!{_OPERATOR_WORDS}\b|\w++\s*+:(?!:))[^\W\d])|-\d", re.IGNORECASE
)
# `distinct` and `interval` are words only before what they apply to, so that fields may be called so.
_DISTINCT_AHEAD = re.compile(
    rf"{_GAP}++(?:(?!{_OPERATOR_WORDS}\b|\w++\s*+:(?!:))[\w\"'{{\[(]"
    rf"|\*{_GAP}*+(?:\Z|[,|;]|\w++\s*+:|(?:replace|exclude)\b))",
    re.IGNORECASE,
)
_EMPTY_BRACKETS = re.compile(rf"\[{_GAP}*+\]")
_INTERVAL_AHEAD = re.compile(rf"{_GAP}++(?:-?\.?[0-9]|['\"])")


class Token(NamedTuple):
    """A piece of the text with the name of its terminal."""

    type: str
    text: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start, self.end)


class Lexer:
    """Gives one token at a time, fitted to what the parser can use."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0

    def next(self, usable: Container[str]) -> Token:
        """Return the next token; ``$END`` after the last."""
        match = _LEXEME.match(self._text, self._offset)
        assert match is not None, "the pattern matches the empty text"
        kind = match.lastgroup
        self._offset = end = match.end()
        if kind is None:
            return Token("$END", "", end, end)
        if kind in ("word", "colon"):
            return self._word(match["word"], match, usable)
        if kind in ("number", "junk"):
            return self._number(match, usable)
        lexeme, start = match[kind], match.start(kind)
        if lexeme == "[" and "BRACKETS" in usable and (empty := _EMPTY_BRACKETS.match(self._text, start)):
            self._offset = empty.end()
            return Token("BRACKETS", "[]", start, empty.end())
        if kind == "string":
            return Token("STRING", lexeme, start, end)
        if kind == "quoted":
            return Token("DOUBLE_QUOTED", lexeme, start, end)
        if lexeme in _PARAMETER_MARKS and "PARAMETER" in usable and (named := _PARAMETER.match(self._text, start)):
            self._offset = named.end()
            return Token("PARAMETER", named[0], start, named.end())
        candidates = _SYMBOLS.get(lexeme, ("UNKNOWN",))
        return Token(_first(candidates, usable), lexeme, start, end)

    def _word(self, word: str, match: re.Match[str], usable: Container[str]) -> Token:
        start, end = match.span("word")
        lower = word.lower()
        head = _HEADS.get(lower, "UNKNOWN_HEAD") if match["colon"] is not None else ""
        if head in usable:
            self._offset = match.end("colon")
            return Token(head, word, start, end)
        for candidate in _WORDS.get(lower, ()):
            if candidate in usable and self._applies(candidate, end):
                return Token(candidate, word, start, end)
        if "NAME" in usable and lower not in RESERVED:
            return Token("NAME", word, start, end)
        if "ANY_NAME" in usable:
            return Token("ANY_NAME", word, start, end)
        return Token(head or "WORD", word, start, end)

    def _applies(self, terminal: str, end: int) -> bool:
        if terminal == "DISTINCT":
            return _DISTINCT_AHEAD.match(self._text, end) is not None
        if terminal == "INTERVAL":
            return is_interval(self._text, end)
        return True

    def _number(self, match: re.Match[str], usable: Container[str]) -> Token:
        text, start = match["number"], match.start("number")
        if match["junk"]:
            return Token("BAD_NUMBER", text + match["junk"], start, match.end())
        end = match.end()
        # Where no decimal number may stand, as in `sample: 25% seed 42`, the sign cannot be a remainder.
        sample = "PERCENT" in usable and "FLOAT" not in usable and self._text.startswith("%", end)
        if sample or is_percent(self._text, end):
            self._offset = end + 1
            return Token("PERCENT", text + "%", start, end + 1)
        return Token("INTEGER" if text.isdigit() else "FLOAT", text, start, end)


def is_plain_after_distinct(text: str) -> bool:
    """Tell whether ``distinct`` before ``text`` is the word and not a field of that name."""
    return _DISTINCT_AHEAD.match(f" {text}") is not None


def is_interval(text: str, offset: int) -> bool:
    """Tell whether ``interval``, which ends at ``offset``, is the word and not a field of that name."""
    return _INTERVAL_AHEAD.match(text, offset) is not None


def is_percent(text: str, offset: int) -> bool:
    """Tell whether the number that ends at ``offset`` is followed by a percent sign of its own."""
    return text.startswith("%", offset) and not _OPERAND_AHEAD.match(text, offset + 1)


_UNITS = {"s": "second", "m": "minute", "h": "hour", "d": "day"}


def number_meant(written: str) -> str:
    """Return what to do about something that begins like a number and is none."""
    if re.fullmatch(r"[0-9]{1,40}\.", written):
        return f"write `{written}0`"
    if re.fullmatch(r"[0-9_]{1,40}(\.[0-9_]{1,40})?", written):
        return f"write `{written.replace('_', '')}`"
    if re.fullmatch(r"0[xXoObB]\w+", written):
        return "numbers are written in base 10"
    length = re.fullmatch(r"([0-9]{1,40})([smhd])", written)
    if length is not None:
        return f"write `interval {length[1]} {_UNITS[length[2]]}`"
    return "texts and ids are written in quotes"


def _first(candidates: tuple[str, ...], usable: Container[str]) -> str:
    return next((name for name in candidates if name in usable), candidates[0])
