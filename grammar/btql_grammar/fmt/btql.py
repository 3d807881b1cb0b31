"""BTQL text to the pieces of the formatter: the tokens as the parser has named them."""

from __future__ import annotations

from btql_grammar import lalr, reader, tables
from btql_grammar.fmt.pieces import OPERANDS, ColonSense, Piece, Role, comments, in_order
from btql_grammar.lexer import Token
from btql_grammar.tables import END

_ROLES: dict[str, Role] = {
    "_COMMA": "comma", "_DOT": "dot", "_CAST": "dot", "BRACKETS": "suffix",
    "_LSQB": "call", "LSQB": "open", "LBRACE": "open", "RPAR": "close", "RSQB": "close", "RBRACE": "close",
    "COMPARE": "operator", "PLUS": "operator", "TIMES": "operator",
    "STAR": "value", "NAME": "value", "ANY_NAME": "value", "INTEGER": "value", "FLOAT": "value", "PERCENT": "value",
    "STRING": "value", "DOUBLE_QUOTED": "value", "NULL": "value", "TRUE": "value", "FALSE": "value",
    "CASE": "case", "_WHEN": "when", "ELSE": "when", "END": "end", "_AND": "and", "_OR": "and",
}  # fmt: skip
_AS_WRITTEN = frozenset({"NAME", "ANY_NAME", "STRING", "DOUBLE_QUOTED"})
_CALLED = frozenset({"NAME", "DOUBLE_QUOTED", "ANY_NAME", "TYPE_WORD"})


def pieces(text: str) -> list[Piece]:
    """Return the pieces of a query that can be parsed."""
    made: list[Piece] = []
    colons, ranges = ColonSense(), [0]
    before, end = "", 0
    for token in lalr.tokens(text, "query", tables.load(), reader.BUILDERS):
        made += comments(text, end, token.start)
        end = token.end
        if token.type in ("_PIPE", "_SEMICOLON", END):
            continue
        _count_ranges(token, ranges)
        made.append(Piece(_written(token, before), _role(token, before, made, colons, ranges)))
        before = token.type
    return in_order(made)


def _written(token: Token, before: str) -> str:
    if token.type.endswith("_HEAD"):
        return f"{token.text.lower()}:"
    is_unit = token.type == "ANY_NAME" and before == "INTEGER"
    return token.text if token.type in _AS_WRITTEN and not is_unit else token.text.lower()


def _role(token: Token, before: str, made: list[Piece], colons: ColonSense, ranges: list[int]) -> Role:
    colon = colons.role(token.text)
    if token.type.endswith("_HEAD"):
        return "head"
    match token.type:
        case "_COLON" | "_QUESTION":
            return colon
        case "LPAR":
            return "call" if before in _CALLED else "open"
        case "MINUS":
            code = [piece for piece in made if piece.role not in ("own", "trailing", "inline")]
            return "operator" if code and code[-1].role in OPERANDS else "sign"
        case "_AND" if ranges[-1]:
            ranges[-1] -= 1
            return "word"  # The AND of BETWEEN parts no conditions.
        case _:
            return _ROLES.get(token.type, "word")


def _count_ranges(token: Token, ranges: list[int]) -> None:
    """Note, bracket by bracket, how many BETWEEN still wait for their AND."""
    if token.type in ("LPAR", "LSQB", "_LSQB", "LBRACE"):
        ranges.append(0)
    elif token.type in ("RPAR", "RSQB", "RBRACE"):
        ranges.pop()
    elif token.type == "BETWEEN":
        ranges[-1] += 1
