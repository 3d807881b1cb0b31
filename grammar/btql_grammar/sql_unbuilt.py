"""What SQL has and btql has not, yet: found by its words and named.

Looking at the tokens before they are parsed keeps this in one table, gives each
construct an exact place, and never takes a field of that name for the construct:
``metadata.join`` and ``order by settings`` are fields.
"""

from __future__ import annotations

from sqlglot.tokenizer_core import Token, TokenType

from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql_cursor import QUOTED, SQL_RESERVED, span_of

_SET_WORDS = {"select", "all", "distinct", "values", "("}
_JOIN_WORDS = {"left", "right", "full", "inner", "outer", "cross", "natural", "semi", "anti"}
_SUSPECTS = frozenset(
    {"(", "join", "union", "intersect", "except", "over", "filter", "pivot", "unpivot", "rollup", "cube", "lateral"}
    | {"grouping", "tablesample", "settings", "distinct"}
)


def refuse_statement(first: Token) -> None:
    """Raise unless the text begins as a query does."""
    what, way_out = {
        "with": ("WITH", "write one query without named parts"),
        "explain": ("EXPLAIN inside a query", "use `btql explain`, or `connection.explain(text)`"),
        "values": ("VALUES", "write `SELECT 1 AS a`"),
        "(": ("a query in parentheses", "remove the parentheses"),
    }.get(first.text.lower(), (None, ""))
    if what is not None:
        raise unbuilt(what, span_of(first), way_out)


def refuse_constructs(found: list[Token]) -> None:
    """Raise for the first construct that is not built yet, by its words."""
    for i, token in enumerate(found):
        after = found[i + 1] if i + 1 < len(found) else None
        if after is None:
            return
        if token.token_type == TokenType.SEMICOLON and after.token_type != TokenType.SEMICOLON:
            raise BtqlError.of(
                "B0111", "a text can hold only one query", span_of(after), "a second query", help="send them one by one"
            )
        before = found[i - 1] if i else token
        is_name = TokenType.DOT in (before.token_type, after.token_type) or token.token_type in QUOTED
        if is_name or token.text.lower() not in _SUSPECTS:
            continue
        construct = _construct(token.text.lower(), after.text.lower(), before)
        if construct is not None:
            what, way_out = construct
            raise unbuilt(what, _with_modifiers(found, i), way_out)


def _construct(word: str, after: str, before: Token) -> tuple[str, str] | None:
    """Return the name of the construct that ``word`` begins, and what to do instead."""
    if word == "(" and after in ("select", "with", "values"):
        return "a subquery", "write one query"
    if word == "join" and _ends_operand(before):
        return "JOIN", "query one source at a time"
    if word in ("union", "intersect", "except") and after in _SET_WORDS:
        return word.upper(), "send the queries one by one"
    if after == "(" and word == "over":
        return "a window function", "aggregate with GROUP BY"
    if after == "(" and word == "filter" and before.token_type == TokenType.R_PAREN:
        return "FILTER", "write the condition into the aggregate: `avg(CASE WHEN a > 1 THEN b END)`"
    if after == "(" and word in ("pivot", "unpivot", "rollup", "cube", "lateral"):
        return word.upper(), "shape the rows after the query"
    if word == "grouping" and after == "sets":
        return "GROUPING SETS", "send one query for each grouping"
    if word == "tablesample" and _ends_operand(before):
        return "TABLESAMPLE", "use LIMIT"
    if word == "settings" and _ends_operand(before):
        return "SETTINGS", "remove it"
    if word == "distinct" and after == "on":
        return "DISTINCT ON", "use GROUP BY with any_value()"
    return None


def _ends_operand(token: Token) -> bool:
    """Tell whether the word behind ``token`` cannot be a field, because an operand has just ended."""
    if token.token_type == TokenType.VAR:
        return token.text.lower() not in SQL_RESERVED
    return token.token_type in (TokenType.R_PAREN, *QUOTED, TokenType.NUMBER)


def _with_modifiers(found: list[Token], index: int) -> Span:
    """Return the span of the construct at ``index``: for a join with the words before it."""
    first = last = index
    if found[index].text == "(":
        last = index + 1
    if found[index].text.lower() == "join":
        while first and found[first - 1].text.lower() in _JOIN_WORDS:
            first -= 1
    return span_of(found[first]).to(span_of(found[last]))


def unbuilt(what: str, span: Span, way_out: str) -> BtqlError:
    """Return the error for ``what`` at ``span``."""
    return BtqlError.of("B0111", f"{what} is not supported yet", span, "not supported yet", help=way_out)
