"""Highlighting of BTQL and SQL for the shell, as a Pygments lexer.

It colours words and never judges them: a query that cannot be parsed is coloured
as well as it goes while it is being typed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import Comment, Keyword, Name, Number, Operator, Punctuation, String, Token, Whitespace

from btql.cli.words import BTQL_KEYWORDS, CLAUSES, OBJECT_KINDS, OPERATORS, SHAPES, SQL_KEYWORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

_CONSTANTS = ("true", "false", "null")
_BEFORE_BRACKETS = ("as", "cube", "exists", "filter", "from", "lateral", "over", "rollup", "sets", "using", "values")
"""Keywords that a parenthesis makes no function of."""


class BtqlLexer(RegexLexer):
    """Colours both languages; clause names count only before their colon."""

    name = "BTQL"
    aliases: ClassVar[Sequence[str]] = ["btql"]
    filenames: ClassVar[Sequence[str]] = ["*.btql"]
    url = ""
    flags = re.IGNORECASE | re.DOTALL  # Keywords may be in any case, comments on several lines.

    tokens: ClassVar[dict[str, list[tuple[object, ...]]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"--[^\n]*", Comment.Single),
            (r"/\*.*?(?:\*/|\Z)", Comment.Multiline),
            (r"\\\w+", Keyword.Pseudo),
            (words(CLAUSES, prefix=r"\b", suffix=r"(?=\s*:)"), Keyword),
            (r"'(?:''|\\.|[^'\\])*'?", String.Single),
            (r'"(?:""|\\.|[^"\\])*"?', String.Double),
            (r"(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?%?", Number),
            (r"(::)(\s*)([^\W\d]\w*)", bygroups(Operator, Whitespace, Keyword.Type)),  # type: ignore[no-untyped-call]
            # A piece of a path is never a keyword: metadata.from is a field.
            (r"(\.)(?=[^\W\d])", Punctuation, "piece"),
            (words(_CONSTANTS, prefix=r"\b", suffix=r"\b"), Keyword.Constant),
            (words(OPERATORS, prefix=r"\b", suffix=r"\b"), Operator.Word),
            (words(OBJECT_KINDS, prefix=r"\b", suffix=r"(?=\s*\()"), Name.Class),
            (words(SHAPES, prefix=r"\b", suffix=r"\b"), Name.Decorator),
            (words(_BEFORE_BRACKETS, prefix=r"\b", suffix=r"(?=\s*\()"), Keyword),
            (r"[^\W\d]\w*(?=\s*\()", Name.Function),
            (words((*SQL_KEYWORDS, *BTQL_KEYWORDS), prefix=r"\b", suffix=r"\b"), Keyword),
            (r"[^\W\d]\w*", Name),
            (r"<!?=>|->>?|#>>?|@>|<@|\|\||=>|<>|[<>!]=|[=<>+\-*/%?:~]", Operator),
            (r"[|,;()\[\]{}.]", Punctuation),
            (r".", Token.Text),
        ],
        "piece": [(r"[^\W\d]\w*", Name.Attribute, "#pop")],
    }
