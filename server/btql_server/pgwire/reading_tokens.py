"""Reads the statements of a session, token by token."""

from __future__ import annotations

from btql_server.pgwire.failure import Failure, wrong_syntax
from btql_server.pgwire.scanning import Token

_DIGITS_MAX = 10


class Reading:
    """The tokens of one statement, from the first word on."""

    def __init__(self, tokens: list[Token], length: int) -> None:
        self._tokens = tokens
        self._length = length
        self._at = 0

    @property
    def token(self) -> Token | None:
        """The next token; None at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    @property
    def before(self) -> Token:
        """The token that was taken last."""
        return self._tokens[self._at - 1]

    @property
    def place(self) -> int:
        """Where the next token begins."""
        return self._length if self.token is None else self.token.start

    @property
    def is_done(self) -> bool:
        """Whether nothing is left."""
        return self.token is None

    def follows(self, kind: str) -> bool:
        """Whether the token behind the next one is of a kind."""
        return self._at + 1 < len(self._tokens) and self._tokens[self._at + 1].kind == kind

    def take(self, *words: str) -> bool:
        """Take these words, if they are next."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if [each.upper or each.text for each in ahead] != list(words):
            return False
        self._at += len(words)
        return True

    def take_any(self, *words: str) -> str | None:
        """Take one of these words, if it is next."""
        return next((word for word in words if self.take(word)), None)

    def expect(self, *words: str) -> None:
        """Take these words."""
        if not self.take(*words):
            raise self.wrong()

    def next(self) -> Token:
        """Take any token."""
        token = self.token
        if token is None:
            raise self.wrong()
        self._at += 1
        return token

    def name(self) -> str:
        """Take a name."""
        token = self.token
        if token is None or token.kind not in ("word", "quoted"):
            raise self.wrong()
        return self.next().value

    def dotted(self) -> str:
        """Take a name that may have dots in it."""
        found = self.name()
        while self.take("."):
            found += f".{self.name()}"
        return found

    def number(self) -> int:
        """Take a whole number, which may have a sign."""
        sign = -1 if self.take("-") else 1
        self.take("+")
        token = self.token
        if token is None or token.kind != "number" or not token.text.isdecimal() or len(token.text) > _DIGITS_MAX:
            raise self.wrong()
        return sign * int(self.next().text)

    def end(self) -> None:
        """Make sure that nothing is left."""
        if not self.is_done:
            raise self.wrong()

    def wrong(self, hint: str | None = None) -> Failure:
        """Return the error for the next token."""
        return wrong_syntax("" if self.token is None else self.token.text, self.place, hint)
