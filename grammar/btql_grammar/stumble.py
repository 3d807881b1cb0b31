"""Where the parser of BTQL stumbled, seen from the places that explain it.

A rule is a function from a :class:`Stumble` to the error that it makes of it, or
None where the mistake is another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from btql_grammar.diagnostic import BtqlError, shorten
from btql_grammar.lalr import Unexpected
from btql_grammar.lexer import Token
from btql_grammar.span import Span
from btql_grammar.tables import END

OPERAND = frozenset({"NAME", "INTEGER", "STRING"})
"""Terminals that stand for: an expression may begin here."""


@dataclass(frozen=True, slots=True)
class Stumble:
    """The token that fits nowhere, and what was read before it."""

    text: str
    unexpected: Unexpected

    @property
    def token(self) -> Token:
        """The token that fits nowhere."""
        return self.unexpected.token

    @property
    def word(self) -> str:
        """The text of the token in lower case."""
        return self.token.text.lower()

    @property
    def expected(self) -> set[str]:
        """The terminals that would have fitted."""
        return self.unexpected.expected

    @property
    def at_end(self) -> bool:
        """Whether the text ends too early."""
        return self.token.type == END

    @property
    def wants_operand(self) -> bool:
        """Whether an expression should have begun here."""
        return self.expected >= OPERAND

    @property
    def wants_clause(self) -> bool:
        """Whether a clause could have begun here."""
        return "SELECT_HEAD" in self.expected

    @property
    def wants_operator(self) -> bool:
        """Whether an expression could have gone on here."""
        return "_AND" in self.expected

    @property
    def is_word(self) -> bool:
        """Whether the token is a word of some kind."""
        return self.token.type in ("NAME", "WORD", "ANY_NAME")

    @property
    def span(self) -> Span:
        """Where the token is; the end of the query is right behind its last character."""
        if not self.at_end:
            return self.token.span
        end = len(self.text.rstrip())
        return Span(end, end)

    def before(self, distance: int = 1) -> Token | None:
        """Return the token so many steps before, unless it has been joined into a part already."""
        read = self.unexpected.read
        found = read[-distance] if len(read) >= distance else None
        return found if isinstance(found, Token) else None

    def follows(self, *types: str) -> bool:
        """Tell whether the tokens right before are of these types, the nearest last."""
        found = [self.before(distance) for distance in range(len(types), 0, -1)]
        return all(token is not None and token.type == name for token, name in zip(found, types, strict=True))

    def head(self) -> Token | None:
        """Return the head of the clause that is being read."""
        heads = [part for part in self._tokens() if part.type.endswith("_HEAD")]
        return heads[-1] if heads else None

    def has_read(self, *types: str) -> bool:
        """Tell whether the clause being read has one of these tokens that is not yet joined into a part."""
        tokens = self._tokens()
        start = max((i for i, part in enumerate(tokens) if part.type.endswith("_HEAD")), default=0)
        return any(part.type in types for part in tokens[start:])

    def fault(self, message: str, label: str, help_: str | None, span: Span | None = None) -> BtqlError:
        """Return the error for text that cannot go on like this."""
        return BtqlError.of("B0101", message, span or self.span, label, help=help_)

    def misfit(self, message: str, label: str, help_: str | None) -> BtqlError:
        """Return the error for a clause with a body of the wrong kind."""
        label = "the query ends here" if self.at_end else label
        return BtqlError.of("B0109", message, self.span, label, help=help_)

    def found(self) -> str:
        """Say what stands here."""
        return "the query ends here" if self.at_end else f"found `{shorten(self.token.text)}`"

    def _tokens(self) -> list[Token]:
        return [part for part in self.unexpected.read if isinstance(part, Token)]


Rule = Callable[[Stumble], BtqlError | None]
