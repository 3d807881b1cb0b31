"""SQL text to the syntax tree, by way of sqlglot.

1. sqlglot's tokenizer cuts the text, with the words and quotes of our dialect.
2. Constructs that are not built yet are found by their words and named.
3. sqlglot's parser reads the statement; where it asks for something inside a
   clause, :mod:`btql_grammar.sql_expressions` reads that into our tree.
4. The statement becomes a :class:`~btql_grammar.tree.Query`. Any part of it that
   we do not know is an error, never dropped.

sqlglot takes 170 ms to import, so this module is imported by the first SQL text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar, NoReturn, TypeVar, cast
from typing import Literal as Choice

from sqlglot import exp, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import TokenError
from sqlglot.parser import Parser
from sqlglot.tokenizer_core import Token, TokenizerCore, TokenType

from btql_grammar import build, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.lexer import BUILT_CLAUSES
from btql_grammar.scan import too_deep
from btql_grammar.span import Span
from btql_grammar.sql_cursor import QUOTED, SQL_RESERVED, WORD, Built, span_of
from btql_grammar.sql_expressions import ExpressionParser
from btql_grammar.sql_unbuilt import refuse_constructs, refuse_statement, unbuilt

_T = TypeVar("_T")
_TWO_NUMBERS = re.compile(r"([0-9.]+[eE][0-9]+)([+-])([0-9]+\.?[0-9]*)")
_MISPLACED = {"group": "GROUP BY", "order": "ORDER BY", "by": "ORDER BY"}


class SqlParser(ExpressionParser):
    """sqlglot's parser with our insides."""

    def read(self, text: str, found: list[Token], method: Callable[[SqlParser], exp.Expr]) -> exp.Expr:
        """Return what ``method`` makes of all tokens."""
        made = self._parse(cast("Callable[[Parser], exp.Expr]", method), found, text)[0]
        if made is None:
            self.fail("a query")
        return made

    def read_statement(self) -> exp.Expr:
        """Read a whole query."""
        return self._parse_select() or self.fail("a query")

    def read_condition(self) -> exp.Expr:
        """Read an expression alone."""
        return self._parse_disjunction()

    def raise_error(self, message: str, token: Token = Token.string("")) -> NoReturn:  # noqa: ARG002, B008
        """Raise our error for what sqlglot stumbled over."""
        before, word = self._prev, self.word()
        help_ = None
        if word == ":" and before.text.lower() in BUILT_CLAUSES:
            help_ = f"the text began as SQL; in BTQL every clause has a colon: `select: ... {before.text.lower()}: ...`"
        elif word in _MISPLACED:
            help_ = f"write `{_MISPLACED[word]}`"
        after_operand = word not in SQL_RESERVED and before.text.lower() not in SQL_RESERVED
        operator = "an operator, " if after_operand and before.token_type != TokenType.STAR else ""
        self.fail(f"{operator}a clause or the end of the query", help_)

    def _parse_csv(self, parse_method: Callable[[], _T | None], sep: TokenType = TokenType.COMMA) -> list[_T]:
        items = [parse_method()]
        while self._match(sep):
            items.append(parse_method())
        return cast("list[_T]", items)

    def _parse_disjunction(self) -> exp.Expr:
        return Built(node=self.read_expression())

    def _parse_expression(self) -> exp.Expr:
        """Read one entry of the select list."""
        start = self.here()
        if self.word() == "*":
            self.step()
            return Built(node=tree.Star(span=start))
        expression = self.read_expression()
        alias: str | None = None
        named = self._curr.token_type in (TokenType.IDENTIFIER, TokenType.VAR) and self.word() not in SQL_RESERVED
        if self.accept("as") or named:
            alias = self.read_name()
        return Built(node=tree.Item(expression, alias, span=start.to(span_of(self._prev))))

    def _parse_ordered(  # type: ignore[override]
        self,
        parse_method: Callable[[], exp.Expr | None] | None = None,  # noqa: ARG002
    ) -> exp.Expr:
        expression = self.read_expression()
        descending = self.accept("desc")
        if not descending:
            self.accept("asc")
        nulls: Choice["first", "last"] | None = None
        if self.accept("nulls"):
            nulls = "first" if self.accept("first") else "last"
            if nulls == "last" and not self.accept("last"):
                self.fail("`FIRST` or `LAST`")
        span = expression.span.to(span_of(self._prev))
        return Built(node=tree.SortItem(expression, "desc" if descending else "asc", nulls=nulls, span=span))

    def _parse_limit(
        self,
        this: exp.Expr | None = None,
        top: bool = False,  # noqa: FBT001, FBT002 - as sqlglot has it
        skip_limit_token: bool = False,  # noqa: FBT001, FBT002 - as sqlglot has it
    ) -> exp.Expr | None:
        if top or not (skip_limit_token or self._match(TokenType.LIMIT)):
            return this
        return exp.Limit(expression=self._count("LIMIT"))

    def _parse_offset(self, this: exp.Expr | None = None) -> exp.Expr | None:
        return exp.Offset(expression=self._count("OFFSET")) if self._match(TokenType.OFFSET) else this

    def _count(self, clause: str) -> exp.Expr:
        token = self._curr
        if clause == "OFFSET" and token.token_type == TokenType.STRING:
            raise BtqlError.of(
                "B0111", "OFFSET with a cursor is not supported yet", self.here(), "not supported yet",
                help="write a number of rows: `OFFSET 100`",
            )  # fmt: skip
        if token.token_type != TokenType.NUMBER or not token.text.isdigit():
            raise BtqlError.of(
                "B0109",
                f"{clause} takes a whole number",
                self.here(),
                "not a whole number",
                help=f"write `{clause} 10`",
            )
        self.step()
        return Built(node=build.count(token.text, clause, span_of(token)))

    def _parse_table(self, *_: object, **__: object) -> exp.Expr:
        """Read a source: its kind, its names, its shape."""
        start = self._curr
        if not start or self.word() in SQL_RESERVED:
            self.fail("a source such as `project_logs('name')`")
        kind = self.read_name()
        arguments: list[str] = []
        shape: tree.Shape = "spans"
        if self.accept("("):
            while self.word() != ")":
                if (arguments or self._prev.token_type != TokenType.L_PAREN) and not self.accept(","):
                    self.fail("`,` or `)`")
                if self.word() == "shape" and self._next.text in ("=>", ":"):
                    self._advance(2)
                    shape = build.shape(*self._text("the shape of a source is a text in quotes"))
                else:
                    arguments.append(self._text("the names in a source are texts in quotes")[0])
            self.step()
        end = self._prev
        alias = self._source_alias()
        source = tree.From(kind.lower(), tuple(arguments), shape, span=span_of(start).to(span_of(end)), alias=alias)
        return Built(node=source)

    def _text(self, rule: str) -> tuple[str, Span]:
        token = self._curr
        if token.token_type not in QUOTED:
            help_ = f"write `'{self.text_of(token)}'`" if WORD.fullmatch(self.text_of(token)) else None
            raise BtqlError.of("B0109", rule, self.here(), "not a text", help=help_)
        self.step()
        return build.unquote(self.text_of(token), token.start), span_of(token)

    def _source_alias(self) -> str | None:
        if self.accept("as"):
            return self.read_name()
        word = self.word()
        if self._curr.token_type not in (TokenType.IDENTIFIER, TokenType.VAR):
            return None
        if word in ("spans", "traces", "summary"):
            raise BtqlError.of(
                "B0109", "in SQL the shape of a source is an argument", self.here(), "a shape behind the source",
                help=f"write `project_logs('name', shape => '{word}')`",
            )  # fmt: skip
        if word in _MISPLACED:
            self.fail("a clause or the end of the query", f"write `{_MISPLACED[word]}`")
        return self.read_name()


class BtqlSql(Dialect):
    """The SQL that btql reads."""

    class Tokenizer(tokens.Tokenizer):
        """Words of the statement are keywords; those of expressions are left to the expression parser."""

        KEYWORDS: ClassVar[dict[str, TokenType]] = {
            **{word: tokens.Tokenizer.KEYWORDS[word] for word in (
                "SELECT", "FROM", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT", "OFFSET", "DISTINCT", "ALL", "AS",
            )},
            **dict.fromkeys(("<=>", "<!=>", "<=", ">=", "<>", "!=", "==", "=>", "=<", "=~", "&&"), TokenType.EQ),
            "||": TokenType.DPIPE, "::": TokenType.DCOLON,
        }  # fmt: skip
        COMMANDS: ClassVar[set[TokenType]] = set()
        STRING_ESCAPES: ClassVar[list[str]] = ["'", "\\"]
        IDENTIFIER_ESCAPES: ClassVar[list[str]] = ['"', "\\"]
        NESTED_COMMENTS = False
        COMMENTS_TERMINATE_AT_NEWLINE_ONLY = True

        def _init_core(self) -> TokenizerCore:
            core = super()._init_core()
            # sqlglot takes Jinja comments out of every dialect; they are not SQL.
            core.comments = {start: end for start, end in core.comments.items() if start != "{#"}
            return core

    Parser = SqlParser


_DIALECT = BtqlSql()


def read_sql(text: str) -> tree.Query:
    """Return the tree of one SQL query."""
    found = _tokens(text)
    refuse_statement(found[0])
    refuse_constructs(found)
    while found[-1].token_type == TokenType.SEMICOLON:
        found.pop()
    statement = _read(text, found, SqlParser.read_statement)
    assert isinstance(statement, exp.Select), "everything else has been refused"
    return _query(statement, span_of(found[0]).to(span_of(found[-1])))


def read_sql_expression(text: str) -> tree.Expression:
    """Return the tree of one expression as it may stand in a WHERE clause."""
    found = _tokens(text)
    refuse_constructs(found)
    semicolon = next((token for token in found if token.token_type == TokenType.SEMICOLON), None)
    if semicolon is not None:
        raise BtqlError.of("B0101", "an expression has no `;`", span_of(semicolon), "here", help="remove it")
    return cast("tree.Expression", _node(_read(text, found, SqlParser.read_condition)))


def _tokens(text: str) -> list[Token]:
    try:
        found = _DIALECT.tokenize(text.replace("\ufeff", " "))
    except TokenError as error:
        # Open quotes and comments have been told before; this is for what we do not know of.
        where = Span(error.start or 0, error.start or 0)
        raise BtqlError.of("B0101", "the text cannot be cut into words", where, "near here") from error
    return [piece for token in found for piece in _pieces(token)]


def _pieces(token: Token) -> list[Token]:
    """Cut ``1e5-1``, which sqlglot takes for one number, at its sign."""
    match = _TWO_NUMBERS.fullmatch(token.text) if token.token_type == TokenType.NUMBER else None
    if match is None:
        return [token]
    kinds = (TokenType.NUMBER, TokenType.DASH if match[2] == "-" else TokenType.PLUS, TokenType.NUMBER)
    return [
        Token(kind, match[i], token.line, token.col, token.start + match.start(i), token.start + match.end(i) - 1)
        for i, kind in enumerate(kinds, 1)
    ]


def _read(text: str, found: list[Token], method: Callable[[SqlParser], exp.Expr]) -> exp.Expr:
    parser = SqlParser(dialect=_DIALECT)
    try:
        return parser.read(text, found, method)
    except RecursionError:
        raise too_deep(parser.here()) from None


def _query(select: exp.Expr, span: Span) -> tree.Query:
    known: dict[str, Any] = {key: value for key, value in select.args.items() if value}
    if "joins" in known:
        second = _node(known["joins"][0])
        raise unbuilt("a list of sources", second.span, "query one source at a time")
    query = tree.Query(
        select=_nodes(known.pop("expressions")),
        source=_node(known.pop("from_", None)),
        filter=_node(known.pop("where", None)),
        dimensions=tuple(tree.Item(node, span=node.span) for node in _group(known.pop("group", None))),
        final_filter=_node(known.pop("having", None)),
        sort=_nodes(known.pop("order").expressions) if "order" in known else (),
        limit=_node(known.pop("limit", None), "expression"),
        offset=_node(known.pop("offset", None), "expression"),
        distinct=bool(known.pop("distinct", None)),
        span=span,
        language="sql",
    )
    if known:
        raise unbuilt(", ".join(known).upper(), span, "remove it")
    return query


def _node(part: exp.Expr | None, key: str = "this") -> Any:  # noqa: ANN401 - whatever was built
    if part is None:
        return None
    inner = part if isinstance(part, Built) else part.args[key]
    return inner.args["node"]


def _nodes(parts: list[exp.Expr]) -> tuple[Any, ...]:
    return tuple(part.args["node"] for part in parts)


def _group(group: exp.Expr | None) -> tuple[tree.Expression, ...]:
    return () if group is None else _nodes(group.expressions)
