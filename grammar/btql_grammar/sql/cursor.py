"""Walks over the tokens of an SQL text, one by one.

:class:`Cursor` answers the plain questions that every part of the parser asks: what
word comes next, step over it, where are we. Texts and names are taken from the query
itself, so that quotes and escapes mean the same as in BTQL.
"""

from __future__ import annotations

from typing import NoReturn

from btql_grammar import build, quotes, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.lexer import RESERVED
from btql_grammar.span import Span
from btql_grammar.sql.tokens import Token

SQL_RESERVED = RESERVED | {"select", "from", "where", "having", "limit", "offset", "distinct"}
"""Words that name a field only after a dot or in double quotes."""

_PLACEHOLDERS = ("%", "@")
"""How drivers of other databases begin a parameter: `%s`, `@name`."""
_OTHER_OPERATORS = {
    "==": "=", "=>": ">=", "=<": "<=", "=~": "MATCH", "!": "NOT", ":=": "=", "**": "power(a, b)", "//": "floor(a / b)",
    "&": "AND", "<<": "a * power(2, b)", ">>": "floor(a / power(2, b))", "#-": "jsonb_set(a, ['key', 'key'], null)",
    "~~": "LIKE", "~~*": "ILIKE", "!~~": "NOT LIKE", "!~~*": "NOT ILIKE",
}  # fmt: skip
_OTHER_WORDS = {"regexp": "~", "rlike": "~", "regex": "~", "glob": "LIKE", "matches": "MATCH"}
_OTHER_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "`": '"'}


class Cursor:
    """Looks at the tokens one by one; the last one, the end, is never left."""

    def __init__(self, sql: str, tokens: list[Token]) -> None:
        self.sql = sql
        self.tokens = tokens
        self.index = 0
        self.token = tokens[0]
        """The token that comes next."""

    @property
    def word(self) -> str:
        """The token that comes next, in lower case, if it is a word or a symbol; or an empty text."""
        return self.token.word

    def at(self, *words: str) -> bool:
        """Tell whether one of ``words`` comes next."""
        return self.token.word in words

    def step(self) -> Token:
        """Step over the token that comes next, and return it."""
        token = self.token
        if token.kind != "end":
            self.index += 1
            self.token = self.tokens[self.index]
        return token

    def ahead(self, count: int = 1) -> Token:
        """Return the token ``count`` behind the one that comes next."""
        index = self.index + count
        return self.tokens[index] if index < len(self.tokens) else self.tokens[-1]

    def previous(self) -> Token:
        """Return the token that was stepped over last."""
        return self.tokens[max(self.index - 1, 0)]

    def accept(self, *words: str) -> bool:
        """Step over ``words`` if they come next, all of them."""
        if self.token.word != words[0]:
            return False
        if len(words) > 1 and any(self.ahead(i).word != word for i, word in enumerate(words)):
            return False
        for _ in words:
            self.step()
        return True

    def require(self, *words: str) -> Token:
        """Step over ``words``, which have to come next, and return the last."""
        for word in words:
            if not self.at(word):
                self.fail(f"`{word.upper()}`")
            self.step()
        return self.previous()

    def text_of(self, token: Token) -> str:
        """Return the token as written."""
        return self.sql[token.start : token.end]

    def here(self) -> Span:
        """Return where the token that comes next stands, or the end of the text."""
        return self.token.span

    def since(self, start: Span) -> Span:
        """Return the span from ``start`` to the last token that was stepped over."""
        end = self.tokens[self.index - 1].end if self.index else 0
        return Span(start.start, max(start.end, end))

    def is_name(self, token: Token) -> bool:
        """Tell whether ``token`` is a word of any kind, or stands in double quotes."""
        return token.kind in ("word", "quoted")

    def read_name(self, what: str = "a name") -> str:
        """Return the name that comes next: a word of any kind, or what double quotes hold."""
        token = self.token
        if token.kind == "quoted":
            self.step()
            return quotes.unquoted_double(self.text_of(token), token.start)
        if token.kind != "word":
            single = token.kind == "string"
            self.fail(what, 'names stand in double quotes: `"my name"`' if single else None)
        self.step()
        return self.text_of(token)

    def read_count(self, what: str, help_: str | None = None, *, quoted: bool = False) -> int:
        """Return the whole number that comes next; with ``quoted`` it may be a text, as some drivers write values."""
        token = self.token
        text = self.text_of(token)
        is_text = quoted and token.kind == "string"
        if is_text:
            text = quotes.unquoted(text, token.start).strip()
        if not (is_text or token.kind == "number") or not (text.isascii() and text.isdigit()):
            raise BtqlError.of(
                "B0109", f"{what} takes a whole number", self.here(), "not a whole number",
                help=help_ or f"write `{what} 10`",
            )  # fmt: skip
        self.step()
        return build.count(text, what, token.span)

    def read_parameter(self) -> tree.Parameter | None:
        """Return ``?``, ``$1`` or ``:name`` if that comes next."""
        mark, behind = self.token, self.ahead()
        if mark.word == "?":
            self.step()
            return tree.Parameter(None, span=mark.span)
        wanted = {"$": "number", ":": "word"}.get(mark.word)
        if wanted is None or behind.kind != wanted or behind.start != mark.end:
            return None
        self.step()
        self.step()
        return build.parameter(self.sql[mark.start : behind.end], self.since(mark.span))

    def fail(self, expected: str, help_: str | None = None) -> NoReturn:
        """Raise: something else was expected here."""
        token = self.token
        if token.kind == "end":
            raise BtqlError.of(
                "B0101", f"expected {expected}, but the query ends", self.here(), "the query ends here", help=help_
            )
        found = self.text_of(token)
        if help_ is None and self.index and self.previous().word == ",":
            help_ = "remove the comma before it, or add what is missing"
        if help_ is None and found == ",":
            help_ = "remove the comma, or add what is missing before it"
        if found[:1] in _OTHER_QUOTES:
            message, label = f"`{found[0]}` is not a quote here", "found this"
            help_ = f"write a straight `{_OTHER_QUOTES[found[0]]}`"
        elif found in _OTHER_OPERATORS:
            message, label = f"there is no operator `{found}`", "unknown operator"
            help_ = f"write `{_OTHER_OPERATORS[found]}`"
        elif found.lower() in _OTHER_WORDS and self.ahead().kind == "string":
            message, label = f"there is no operator `{found}`", "unknown operator"
            help_ = f"write `{_OTHER_WORDS[found.lower()]}`"
        elif found == "&&":
            message, label = "there is no operator `&&`", "unknown operator"
            help_ = "write `AND`; whether two lists share a value is asked by `tags ?| ['a', 'b']`"
        elif found == ":" and self.index and self.previous().end == token.start and self.ahead().start == token.end:
            message, label = "a path has dots", "found `:`"
            help_ = f"write `{self.text_of(self.previous())}.{self.text_of(self.ahead())}`"
        elif found == "$":
            message, label = "a `$` begins a parameter, and no number follows", "found this"
            help_ = "write a parameter `$1`, and a text in single quotes"
        elif found in _PLACEHOLDERS and expected == "an expression":
            message, label = "this is not how a parameter is written", f"found `{found}`"
            help_ = "a value that is given beside the query is written `?`, `$1` or `:name`"
        else:
            found = found if len(found) <= 40 else f"{found[:37]}..."
            message, label = f"expected {expected}, found `{found}`", f"found `{found}`"
        raise BtqlError.of("B0101", message, self.here(), label, help=help_)


def unsupported(what: str, span: Span, way_out: str) -> BtqlError:
    """Return the error for ``what``, which is SQL but not here, at ``span``."""
    return BtqlError.of("B0111", f"{what} is not supported", span, "not supported", help=way_out)
