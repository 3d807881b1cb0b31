"""What to say when BTQL text cannot be parsed.

The parser only knows which token it stumbled over and which it could have used.
:func:`explain` makes an error of that. It first asks the rules about well-known
mistakes, which know the text to write instead: those about clauses in
``mistakes_clauses.py``, those about expressions in ``mistakes_expressions.py``.
What none of them knows is told as what was expected and what was found.
"""

from __future__ import annotations

from difflib import get_close_matches

from btql_grammar import mistakes_clauses, mistakes_expressions
from btql_grammar.diagnostic import BtqlError, shorten
from btql_grammar.lalr import Unexpected
from btql_grammar.stumble import Stumble
from btql_grammar.tables import END

_DIRECTIONS = {
    "descending": "desc", "down": "desc", "reverse": "desc", "ascending": "asc", "up": "asc",
}  # fmt: skip
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
    ("_AS", "`as`"),
    ("INTEGER", "a whole number"),
)


def explain(text: str, unexpected: Unexpected) -> BtqlError:
    """Return the error for the token that fits nowhere."""
    place = Stumble(text, unexpected)
    for rule in (*mistakes_clauses.RULES, *mistakes_expressions.RULES):
        known = rule(place)
        if known is not None:
            return known
    found = "but the query ends" if place.at_end else f"found `{shorten(place.token.text)}`"
    return place.fault(f"expected {_expected(place)}, {found}", place.found(), _hint(place))


def _expected(place: Stumble) -> str:
    expected = place.expected
    if place.wants_operand:
        others = ["`*`"] if "STAR" in expected else []
        others += ["`)`"] if "RPAR" in expected else ["`]`"] if "RSQB" in expected else []
        return " or ".join(["an expression", *others])
    if "ANY_NAME" in expected:
        return "a name"
    if "STRING" in expected:
        return "a number or a text in quotes" if "INTEGER" in expected else "a text in quotes"
    if "NAME" in expected:
        return "a field or `*`" if "STAR" in expected else "a source such as `project_logs('name')`"
    found = [words for terminal, words in _CATEGORIES if terminal in expected]
    if len(found) > 1 or place.wants_operator or place.wants_clause:
        # Any field could be a call instead, and anything could be renamed.
        found = [words for words in found if words not in ("`(`", "`as`")]
    if expected & {"COMPARE", "PLUS", "_AND"}:
        found.append("an operator")
    elif "TEXT_OPERATOR" in expected:
        found.append("`in`, `like`, `ilike`, `match`, `includes`, `between`")
    if "SHAPE" in expected:
        found.append("a shape")
    if place.wants_clause:
        found.append("a clause")
    if END in expected:
        found.append(f"the end of the {'query' if expected & {'SELECT_HEAD', '_SEMICOLON'} else 'expression'}")
    found = found or ["something else"]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"


def _hint(place: Stumble) -> str | None:
    """Return what to do, where the general message leaves that open."""
    token, expected = place.token, place.expected
    if place.follows("_COMMA"):
        return "remove the comma before it, or add what is missing"
    if place.wants_operand and token.type == "_COMMA":
        return "remove the comma, or add what is missing before it"
    if place.follows("_SEMICOLON"):
        return "send the queries one by one"
    if "ANY_NAME" in expected and token.type == "STRING":
        return f'a name is written without quotes, or in double ones: `"{shorten(token.text[1:-1])}"`'
    if "SHAPE" in expected and get_close_matches(place.word[:20], ("spans", "traces", "summary"), n=1):
        return "the shapes are spans, traces and summary"
    if not place.unexpected.read and place.wants_clause:
        if token.text == "{":
            return "a query in JSON form is given as an object, not as its text"
        return "a query is written `select: * from: project_logs('name')`"
    if place.word in _DIRECTIONS:
        return f"write `{_DIRECTIONS[place.word]}`"
    if "_COLON" in expected and place.has_read("_QUESTION"):
        return "a choice is written `condition ? value : other value`"
    if place.at_end and "END" in expected:
        return "a case ends with `end`"
    if place.has_read("BETWEEN") and place.wants_operator:
        return "a range is written `a between 1 and 2`"
    return None
