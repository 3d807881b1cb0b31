"""The tokens of sqlglot, as the rest of our SQL dialect looks at them.

:class:`Cursor` is sqlglot's parser with a few plain questions added: what word
comes next, step over it, where are we. Texts and names are taken from the query
itself, not from the tokens, so that quotes and escapes mean the same as in BTQL.
"""

from __future__ import annotations

import re
from typing import NoReturn

from sqlglot.expressions.core import Expression
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenType

from btql_grammar import build
from btql_grammar.diagnostic import BtqlError
from btql_grammar.lexer import RESERVED
from btql_grammar.span import Span

SQL_RESERVED = RESERVED | {"select", "from", "where", "having", "limit", "offset", "distinct", "group by", "order by"}
"""Words that name a field only after a dot or in double quotes."""
QUOTED = (TokenType.STRING, TokenType.IDENTIFIER)
WORD = re.compile(r"[^\W\d][\w$]*")

_OTHER_OPERATORS = {"==": "=", "&&": "AND", "=>": ">=", "=<": "<=", "=~": "MATCH", "~": "MATCH", "!": "NOT"}
_OTHER_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "`": '"'}


class Built(Expression):
    """A node of our tree on its way through sqlglot's."""

    arg_types = {"node": True}  # noqa: RUF012 - declared so by sqlglot


def span_of(token: Token) -> Span:
    """Return where ``token`` stands; sqlglot's tokens name their last character."""
    return Span(token.start, token.end + 1)


class Cursor(Parser):
    """Looks at the tokens one by one."""

    _seen: Token | None = None
    _seen_word: str = ""

    def word(self) -> str:
        """Return the current token in lower case if it is a word or a symbol, or an empty text."""
        token = self._curr
        if token is not self._seen:
            self._seen = token
            is_word = token.token_type not in QUOTED and token.token_type != TokenType.NUMBER
            # The token behind the last one is false, but has a text.
            self._seen_word = token.text.lower() if is_word and token else ""
        return self._seen_word

    def step(self) -> None:
        """Step over the current token; at the end there is nowhere to go."""
        if self._curr:
            self._advance()

    def accept(self, word: str) -> bool:
        """Step over ``word`` if it comes next."""
        if self.word() != word:
            return False
        self._advance()
        return True

    def require(self, word: str) -> Token:
        """Step over ``word``, which has to come next, and return it."""
        if not self.accept(word):
            self.fail(f"`{word.upper()}`")
        return self._prev

    def text_of(self, token: Token) -> str:
        """Return the token as written; nothing for the one behind the last."""
        return "" if not token else self.sql[token.start : token.end + 1]

    def here(self) -> Span:
        """Return where the current token stands, or the end of the text."""
        if self._curr:
            return span_of(self._curr)
        end = len(self.sql.rstrip())
        return Span(end, end)

    def fail(self, expected: str, help_: str | None = None) -> NoReturn:
        """Raise: something else was expected here."""
        if not self._curr:
            raise BtqlError.of(
                "B0101", f"expected {expected}, but the query ends", self.here(), "the query ends here", help=help_
            )
        found = self.text_of(self._curr)
        if help_ is None and self._prev.token_type == TokenType.COMMA:
            help_ = "remove the comma before it, or add what is missing"
        if found[:1] in _OTHER_QUOTES:
            message, label = f"`{found[0]}` is not a quote here", "found this"
            help_ = f"write a straight `{_OTHER_QUOTES[found[0]]}`"
        elif found.lower() in _OTHER_OPERATORS:
            message, label = f"there is no operator `{found}`", "unknown operator"
            help_ = f"write `{_OTHER_OPERATORS[found.lower()]}`"
        else:
            found = found if len(found) <= 40 else f"{found[:37]}..."
            message, label = f"expected {expected}, found `{found}`", f"found `{found}`"
        raise BtqlError.of("B0101", message, self.here(), label, help=help_)

    def read_name(self) -> str:
        """Return the name that comes next: a word of any kind, or what double quotes hold."""
        token = self._curr
        if token.token_type == TokenType.IDENTIFIER:
            self._advance()
            return build.double_quoted(self.text_of(token), token.start)
        if not WORD.fullmatch(self.text_of(token)):
            self.fail("a name")
        self._advance()
        return self.text_of(token)
