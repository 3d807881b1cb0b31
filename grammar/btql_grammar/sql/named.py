"""What FROM names in our SQL dialect: sources, tables, and functions that give rows.

``project_logs('x', shape => 'traces')`` is a source; a bare name is a table; a function
that gives rows is known by its name, or by arguments that no source has.
"""

from __future__ import annotations

from btql_grammar import build, quotes, tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.sources import KINDS
from btql_grammar.span import Span
from btql_grammar.sql.cursor import SQL_RESERVED, unsupported
from btql_grammar.sql.windows import WindowParser

TABLE_FUNCTIONS = frozenset((
    "unnest", "generate_series", "generate_subscripts", "range", "json_each", "jsonb_each", "json_each_text",
    "jsonb_each_text", "json_array_elements", "jsonb_array_elements", "json_array_elements_text",
    "jsonb_array_elements_text", "json_object_keys", "jsonb_object_keys", "regexp_split_to_table", "string_to_table",
    "regexp_matches",
))  # fmt: skip
SET_WORDS = {"union", "intersect", "except"}
JOIN_WORDS = {"join", "inner", "left", "right", "full", "cross", "natural"}
OTHER_JOINS = {"semi", "anti", "asof", "positional", "straight_join", "apply"}
NOT_ALIASES = (
    SQL_RESERVED | SET_WORDS | JOIN_WORDS | OTHER_JOINS
    | {"group", "order", "by", "window", "qualify", "fetch", "tablesample", "settings", "pivot", "unpivot", "on"}
    | {"using", "lateral", "for", "returning", "set", "with", "into", "as", "values", "minus", "outer", "conflict"}
)  # fmt: skip
"""Words that are no alias unless AS stands before them."""


class SourceParser(WindowParser):
    """Reads what has a name behind FROM."""

    def read_target(self) -> tree.From | tree.Table:
        """Return the object that a statement writes to; a parenthesis behind a bare name holds columns."""
        if self.word in KINDS and self.ahead().word == "(":
            start = self.here()
            self.step()
            return self._source(start, self.text_of(self.previous()).lower())
        return self._table()

    def read_named(self, *, function: bool) -> tree.From | tree.Table | tree.TableCall:
        """Return the source, table or function that comes next; with ``function`` nothing else will do."""
        if self.is_name(self.token) and self.word not in NOT_ALIASES and self.ahead().word == "(":
            span = self.here()
            return self._called(self.read_name(), span, function=function)
        table = self._table()
        if function:
            self.fail("`(`", "behind LATERAL stands a subquery or a function")
        return table

    def _table(self) -> tree.Table:
        first = self.token
        if not self.is_name(first) or self.word in NOT_ALIASES:
            help_ = None
            if first.kind == "number":
                self._refuse_unquoted(first.start)
            elif first.kind == "string":
                name = quotes.unquoted_single(self.text_of(first))
                help_ = f"names stand in double quotes: `\"{name}\"`, or name the kind: `project_logs('{name}')`"
            elif self.at(":"):
                help_ = "in SQL no colon follows FROM; in BTQL one follows every clause: `select: ... from: ...`"
            self.fail("a source such as `project_logs('name')`", help_)
        path = [self.read_name()]
        while self.accept("."):
            path.append(self.read_name())
        if self.previous().kind == "word" and self.token.start == self.previous().end:
            self._refuse_unquoted(self.previous().start)
        return tree.Table(tuple(path), span=self.since(first.span))

    def _refuse_unquoted(self, start: int) -> None:
        if (error := quotes.unquoted_name(self.sql, start)) is not None:
            raise error

    def _called(self, name: str, span: Span, *, function: bool) -> tree.From | tree.TableCall:
        """Return the source or the function ``name``, whose parenthesis comes next."""
        lower = name.lower()
        if function or lower in TABLE_FUNCTIONS or (lower not in KINDS and not self._has_texts_only()):
            called = self.read_call(self.previous(), span)
            if not isinstance(called, tree.Call):
                raise unsupported(f"{lower.upper()} behind FROM", called.span, "select it: `FROM (SELECT ...)`")
            ordinality = self.accept("with", "ordinality")
            return tree.TableCall(called, span=called.span, ordinality=ordinality)
        return self._source(span, lower)

    def _source(self, span: Span, kind: str) -> tree.From:
        self.step()
        arguments: list[str] = []
        shape: tree.Shape = "spans"
        begun = False
        while not self.at(")"):
            if begun and not self.accept(","):
                self.fail("`,` or `)`")
            begun = True
            self._refuse_other_names()
            if self.at("shape") and self.ahead().word in ("=>", ":", ":="):
                self.step()
                self.step()
                shape = build.shape(*self._text("the shape of a source is a text in quotes"))
            else:
                arguments.append(self._text("the names in a source are texts in quotes")[0])
        self.step()
        return tree.From(kind, tuple(arguments), shape, span=self.since(span))

    def _refuse_other_names(self) -> None:
        """Raise where an argument has a name, and it is not that of the shape."""
        if self.token.kind == "word" and not self.at("shape") and self.ahead().word in ("=>", ":="):
            raise BtqlError.of(
                "B0109", f"a source takes no `{self.text_of(self.token)}`", self.here(), "unknown name",
                help="the shape of the answer is the only argument with a name: `shape => 'traces'`",
            )  # fmt: skip

    def _has_texts_only(self) -> bool:
        """Tell whether the parenthesis that comes next holds what a source may have, and nothing else."""
        count = 1
        while (token := self.ahead(count)).word != ")":
            named = token.word == "shape" and self.ahead(count + 1).word in ("=>", ":", ":=")
            if token.kind not in ("string", "quoted") and token.word not in (",", "=>", ":", ":=") and not named:
                return False
            count += 1
        return True

    def _text(self, rule: str) -> tuple[str, Span]:
        token = self.token
        if token.kind not in ("string", "quoted"):
            help_ = f"write `'{self.text_of(token)}'`" if token.kind == "word" else None
            raise BtqlError.of("B0109", rule, self.here(), "not a text", help=help_)
        self.step()
        return quotes.unquoted(self.text_of(token), token.start), token.span
