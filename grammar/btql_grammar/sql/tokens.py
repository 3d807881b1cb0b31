"""SQL text to tokens.

One pattern finds the next token. Every word is a plain word here: which ones are
keywords depends on where they stand, and the parser knows that. Quotes, escapes,
numbers and comments are the same as in BTQL. There is one token more than there is
text: the end.
"""

from __future__ import annotations

import re
from typing import Literal as Choice
from typing import NamedTuple

from btql_grammar.scan import DOUBLE_QUOTED, SPACE, STRING
from btql_grammar.span import Span

Kind = Choice["word", "number", "string", "quoted", "symbol", "end"]

NUMBER = r"(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SYMBOL = (
    r"<!=>|<=>|->>|->|\#>>|\#>|\#-|@>|<@|\?\||\?&|==|=>|=<|=~|!~~\*|!~~|~~\*|~~|!~\*|!~|~\*|<=|>=|<>|!=|::|:=|\|\||&&|\*\*"
    r"|//|<<|>>|[^'\"]"
)
_TOKEN = re.compile(
    rf"""(?:{SPACE})*+(?:
    (?P<word>[^\W\d][\w$]*)
    |(?P<number>{NUMBER}[\w.]*)
    |(?P<string>{STRING})
    |(?P<quoted>{DOUBLE_QUOTED})
    |(?P<symbol>{_SYMBOL})
    )?""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A piece of the text."""

    kind: Kind
    word: str
    """In lower case; empty for numbers and for what stands in quotes."""
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start, self.end)


def cut(text: str) -> list[Token]:
    """Return the tokens of ``text``, the end as the last."""
    found: list[Token] = []
    add, match_at, offset = found.append, _TOKEN.match, 0
    while True:
        match = match_at(text, offset)
        assert match is not None, "the pattern matches the empty text"
        kind: Kind | None = match.lastgroup  # type: ignore[assignment]
        if kind is None:
            end = len(text.rstrip())
            add(Token("end", "", end, end))
            return found
        start, offset = match.span(kind)
        add(Token(kind, match[kind].lower() if kind in ("word", "symbol") else "", start, offset))
