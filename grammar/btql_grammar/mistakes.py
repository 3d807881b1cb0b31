"""What to say when BTQL text cannot be parsed.

The parser only knows which token it stumbled over and which it could have used.
:func:`explain` makes an error of that: it first looks for a well-known mistake,
which gets its own words and the text to write instead, and otherwise says what
was expected and what was found.
"""

from __future__ import annotations

from difflib import get_close_matches

from btql_grammar.diagnostic import BtqlError, shorten
from btql_grammar.lalr import Unexpected
from btql_grammar.lexer import CLAUSES, RESERVED, Token
from btql_grammar.span import Span
from btql_grammar.tables import END

_OPERAND = frozenset({"NAME", "INTEGER", "STRING"})
_COMPARISONS = frozenset({"COMPARE", "TEXT_OPERATOR", "IN", "IS", "BETWEEN", "NULL_TEST"})
_OTHER_NAMES = {
    "where": "filter", "having": "final_filter", "order": "sort", "group": "dimensions", "group_by": "dimensions",
    "order_by": "sort", "offset": "offset", "by": "sort", "aggregate": "measures", "columns": "select",
}  # fmt: skip
_OTHER_OPERATORS = {
    "==": "=", "&&": "and", "||": "or", "!": "not", "=<": "<=", "=~": "match", "!~": "not match", "~": "match",
}  # fmt: skip
_DIRECTIONS = {"descending": "desc", "ascending": "asc"}
_QUOTES = {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "`": '"'}
_CATEGORIES = (
    ("_COLON", "`:`"),
    ("RPAR", "`)`"),
    ("RSQB", "`]`"),
    ("RBRACE", "`}`"),
    ("_WHEN", "`when`"),
    ("_THEN", "`then`"),
    ("END", "`end`"),
    ("_COMMA", "`,`"),
    ("LPAR", "`(`"),
    ("FIRST", "`first`"),
    ("LAST", "`last`"),
    ("INTEGER", "a whole number"),
)


def explain(text: str, unexpected: Unexpected) -> BtqlError:
    """Return the error for the token that fits nowhere."""
    token = unexpected.token
    known = _clause(text, unexpected) or _operator(unexpected) or _operand(text, unexpected)
    if known is not None:
        return known
    found = "the query ends here" if token.type == END else f"found `{shorten(token.text)}`"
    if token.type == END:
        message = f"expected {_expected(unexpected)}, but the query ends"
    else:
        message = f"expected {_expected(unexpected)}, found `{shorten(token.text)}`"
    return BtqlError.of("B0101", message, _span(text, token), found, help=_hint(unexpected))


# Clauses.


def _clause(text: str, unexpected: Unexpected) -> BtqlError | None:
    """Mistakes about what clauses there are and how they begin."""
    token, read = unexpected.token, unexpected.read
    last = unexpected.last
    if token.type == "_COLON" and last is not None and last.type == "NAME":
        # Where an operand is expected, the head of the next clause reads as a name.
        if last.text.lower() in CLAUSES:
            return _fault(
                f"expected an expression, found the clause `{last.text}`",
                last.span,
                "the clause before ends too early" if read[:-1] else "a clause",
                "remove the comma or operator before it, or complete the expression"
                if read[:-1]
                else f"an expression alone has no clauses, leave `{last.text}:` out",
            )
        return None
    if token.type not in ("UNKNOWN_HEAD", "NAME", "WORD"):
        return None
    name = token.text.lower()
    begins = "SELECT_HEAD" in unexpected.expected
    if token.type == "UNKNOWN_HEAD":
        return _unknown_clause(name, token.span) if begins or not read else None
    if not begins:
        return None
    rest = text[token.end :].lstrip()
    other = _OTHER_NAMES.get(name)
    if name in CLAUSES and not rest.startswith(":"):
        return _fault(f"clause `{name}` has no colon", token.span, "expected a colon after this", f"write `{name}:`")
    if other is not None:
        return _unknown_clause(name, _phrase(token, rest))
    if "_AND" not in unexpected.expected and get_close_matches(name, CLAUSES, n=1, cutoff=0.7):
        return _unknown_clause(name, token.span)
    return None


def _phrase(token: Token, rest: str) -> Span:
    """Return the span of the word, with the BY of ``order by``."""
    if rest[:2].lower() == "by":
        return Span(token.start, token.end + 1 + 2)
    return token.span


def _unknown_clause(name: str, span: Span) -> BtqlError:
    close = get_close_matches(name, CLAUSES, n=1, cutoff=0.6)
    meant = _OTHER_NAMES.get(name) or (close[0] if close else None)
    help_ = f"write `{meant}:`" if meant else "the clauses are " + ", ".join(CLAUSES)
    return BtqlError.of("B0103", f"there is no clause `{name}`", span, "unknown clause", help=help_)


# Operators.


def _operator(unexpected: Unexpected) -> BtqlError | None:
    """Mistakes about operators, after a complete operand."""
    token, read = unexpected.token, unexpected.read
    written = token.text.lower()
    if token.type == "UNKNOWN" and written in _OTHER_OPERATORS:
        right = _OTHER_OPERATORS[written]
        return _fault(f"there is no operator `{token.text}`", token.span, "unknown operator", f"write `{right}`")
    if written == "=>":
        if "RPAR" in unexpected.expected and _reads_source(read):
            return _fault(
                "the shape of a source has no name", token.span, "found `=>`",
                "write the shape after the source: `from: project_logs('x') traces`",
            )  # fmt: skip
        return _fault("there is no operator `=>`", token.span, "unknown operator", "write `>=`")
    if token.type in _COMPARISONS and "_AND" in unexpected.expected:
        return _fault(
            "comparisons cannot be chained",
            token.span,
            "a second comparison",
            "write two comparisons joined by `and`, or put one of them in parentheses",
        )
    if written == "null" and unexpected.last is not None and unexpected.last.type == "NOT":
        return _fault("`not null` needs `is`", unexpected.last.span.to(token.span), "here", "write `is not null`")
    if token.type in ("NAME", "WORD") and "_AS" in unexpected.expected and "_AND" in unexpected.expected:
        return _fault(
            f"expected an operator, found `{token.text}`",
            token.span,
            "found a name",
            f"for another name write `as {token.text}`; texts are written in quotes",
        )
    return None


def _reads_source(read: list[object]) -> bool:
    return any(isinstance(part, Token) and part.type == "FROM_HEAD" for part in read[-5:])


# Operands.


def _operand(text: str, unexpected: Unexpected) -> BtqlError | None:
    """Mistakes in or instead of an operand."""
    token, read = unexpected.token, unexpected.read
    if token.type == "BAD_NUMBER":
        return BtqlError.of(
            "B0105", f"`{shorten(token.text)}` is not a number", token.span, "not a number",
            help="texts and ids are written in quotes",
        )  # fmt: skip
    if token.text in _QUOTES:
        return _fault(
            f"`{token.text}` is not a quote here", token.span, "found this", f"write a straight `{_QUOTES[token.text]}`"
        )
    if token.text in (".", "[") and unexpected.follows("RPAR"):
        return _fault(
            "only a field can be followed by a path",
            token.span,
            "this follows a call or a parenthesis",
            "take the part from the field first: `metadata.a.b`, `tags[0]`",
        )
    if unexpected.last is not None and unexpected.follows("COUNT_HEAD"):
        clause = unexpected.last.text.lower()
        return BtqlError.of(
            "B0109",
            f"{clause} takes a whole number",
            _span(text, token),
            "not a whole number" if token.type != END else "the query ends here",
            help=f"write `{clause}: 10`",
        )
    if "STRING" in unexpected.expected and "INTEGER" not in unexpected.expected and _reads_source(read):
        return BtqlError.of(
            "B0109",
            "the names in a source are texts in quotes",
            _span(text, token),
            "not a text",
            help=f"write `'{shorten(token.text)}'`" if token.type in ("NAME", "WORD", "INTEGER") else None,
        )
    if token.text.lower() in RESERVED and unexpected.expected >= _OPERAND:
        return _fault(
            f"expected an expression, found `{token.text}`",
            token.span,
            "found a word of the language",
            f'complete the expression before it; a field of this name is written `"{token.text}"`',
        )
    return None


# In general.


def _expected(unexpected: Unexpected) -> str:
    expected = unexpected.expected
    if expected >= _OPERAND:
        others = ["`*`"] if "STAR" in expected else []
        others += ["`)`"] if "RPAR" in expected else ["`]`"] if "RSQB" in expected else []
        return " or ".join(["an expression", *others])
    if "ANY_NAME" in expected:
        return "a name"
    if "STRING" in expected:
        return "a number or a text in quotes" if "INTEGER" in expected else "a text in quotes"
    if expected == {"NAME"}:
        return "a source such as `project_logs('name')`"
    found = [words for terminal, words in _CATEGORIES if terminal in expected]
    if "`(`" in found and len(found) > 1:
        found.remove("`(`")  # Any field could be a call instead.
    if expected & {"COMPARE", "PLUS", "_AND"}:
        found.append("an operator")
    elif "TEXT_OPERATOR" in expected:
        found.append("`in`, `like`, `ilike`, `match`, `includes`, `between`")
    if "SHAPE" in expected:
        found.append("a shape")
    if "SELECT_HEAD" in expected:
        found.append("a clause")
    if END in expected:
        found.append(
            "the end of the query" if expected & {"SELECT_HEAD", "_SEMICOLON"} else "the end of the expression"
        )
    found = found or ["something else"]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"


def _hint(unexpected: Unexpected) -> str | None:
    token, read = unexpected.token, unexpected.read
    if unexpected.follows("_COMMA"):
        return "remove the comma before it, or add what is missing"
    if unexpected.follows("_SEMICOLON"):
        return "send the queries one by one"
    if "ANY_NAME" in unexpected.expected and token.type == "STRING":
        return f'a name is written without quotes, or in double ones: `"{token.text[1:-1]}"`'
    if token.type == "FLOAT" and token.text.startswith("."):
        return f"an element of an array is written `[{token.text[1:]}]`"
    if "SHAPE" in unexpected.expected and get_close_matches(token.text.lower(), ("spans", "traces"), n=1):
        return "the shapes are spans and traces"
    if "INTEGER" in unexpected.expected and "STRING" in unexpected.expected and "NAME" not in unexpected.expected:
        return f"write `['{token.text}']` for a key, `[0]` for an element"
    if not read and "SELECT_HEAD" in unexpected.expected:
        return "a query is written `select: * from: project_logs('name')`"
    if token.text.lower() in _DIRECTIONS:
        return f"write `{_DIRECTIONS[token.text.lower()]}`"
    if "_COLON" in unexpected.expected and any(isinstance(p, Token) and p.type == "_QUESTION" for p in read):
        return "a choice is written `condition ? value : other value`"
    if token.type == END and "END" in unexpected.expected:
        return "a case ends with `end`"
    return None


def _fault(message: str, span: Span, label: str, help_: str) -> BtqlError:
    return BtqlError.of("B0101", message, span, label, help=help_)


def _span(text: str, token: Token) -> Span:
    """Return where the token is; the end of the query is right behind its last character."""
    if token.type != END:
        return token.span
    end = len(text.rstrip())
    return Span(end, end)
