"""What stands behind FROM in our SQL dialect: sources, names, subqueries, functions, joins.

``project_logs('x', shape => 'traces')`` is a source; a bare name is a table; a function
that gives rows is known by its name, or by arguments that no source has. TABLESAMPLE,
PIVOT and UNPIVOT are clauses of the whole query where the relation before them is all
of FROM; elsewhere they apply to that relation, which becomes a subquery.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

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
_SET_WORDS = {"union", "intersect", "except"}
_JOIN_WORDS = {"join", "inner", "left", "right", "full", "cross", "natural"}
_OTHER_JOINS = {"semi", "anti", "asof", "positional", "straight_join", "apply"}
NOT_ALIASES = (
    SQL_RESERVED | _SET_WORDS | _JOIN_WORDS | _OTHER_JOINS
    | {"group", "order", "by", "window", "qualify", "fetch", "tablesample", "settings", "pivot", "unpivot", "on"}
    | {"using", "lateral", "for", "returning", "set", "with", "into", "as", "values", "minus", "outer", "conflict"}
)  # fmt: skip
"""Words that are no alias unless AS stands before them."""


@dataclass(slots=True)
class Shaping:
    """The clauses that may follow a relation."""

    sample: tree.Sample | None = None
    pivot: tree.Pivot | None = None
    unpivot: tuple[tree.UnpivotItem, ...] = ()
    alias: str | None = None

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return self.sample is not None or self.pivot is not None or bool(self.unpivot)


class RelationParser(WindowParser):
    """Reads FROM."""

    @abstractmethod
    def read_shaping(self, found: Shaping) -> None:
        """Add the TABLESAMPLE, PIVOT and UNPIVOT that come next to ``found``."""

    def read_from(self, shaping: Shaping) -> tree.Relation | None:
        """Return what FROM says, if it comes next; clauses about all of it go into ``shaping``."""
        if not self.accept("from"):
            return None
        own = Shaping()
        relation = self._relation(own)
        if not self._goes_on() and own.alias is None:
            shaping.sample, shaping.pivot, shaping.unpivot = own.sample, own.pivot, own.unpivot
            return relation
        relation = self._joined(_shaped(relation, own))
        while self.accept(","):
            right = self._joined(self._shaped_relation())
            relation = tree.Join("cross", relation, right, span=self.since(relation.span))
        return relation

    def read_target(self) -> tree.From | tree.Table:
        """Return the object that a statement writes to; a parenthesis behind a bare name holds columns."""
        if self.word in KINDS and self.ahead().word == "(":
            start = self.here()
            self.step()
            return self._source(start, self.text_of(self.previous()).lower())
        return self._table()

    def _goes_on(self) -> bool:
        return self.at(",") or self.word in _JOIN_WORDS or self.word in _OTHER_JOINS

    def _shaped_relation(self) -> tree.Relation:
        shaping = Shaping()
        relation = self._relation(shaping)
        return _shaped(relation, shaping)

    def _joined(self, left: tree.Relation) -> tree.Relation:
        """Return ``left`` with the joins that follow it."""
        while (kind := self._join_kind()) is not None:
            name, natural, place = kind
            right = self._shaped_relation()
            on: tree.Expression | None = None
            using: tuple[str, ...] = ()
            if name != "cross" and not natural:
                if not self.at("on", "using") and self._goes_on():
                    right = self._joined(right)
                if self.accept("on"):
                    on = self.read_expression()
                elif self.accept("using"):
                    using = self.read_names()
                else:
                    self._fail_without_condition(place)
            left = tree.Join(name, left, right, on, using, natural, span=self.since(left.span))
        return left

    def _fail_without_condition(self, place: Span) -> None:
        raise BtqlError.of(
            "B0101", "the join has no condition", place, "joined by what?",
            help="add `ON a.id = b.id` or `USING (id)`, or write CROSS JOIN for all pairs",
        )  # fmt: skip

    def _join_kind(self) -> tuple[tree.JoinKind, bool, Span] | None:
        start = self.here()
        if self.word in _OTHER_JOINS or (self.word in _JOIN_WORDS and self.ahead().word in _OTHER_JOINS):
            other = self.word if self.word in _OTHER_JOINS else self.ahead().word
            way_out = "write `WHERE EXISTS (SELECT ...)`, or a LEFT JOIN LATERAL"
            raise unsupported(f"{other.upper()} JOIN", start, way_out)
        if self.word not in _JOIN_WORDS:
            return None
        natural = self.accept("natural")
        kind: tree.JoinKind = "inner"
        match self.word:
            case "left" | "right" | "full" as side:
                kind = side
                self.step()
                self.accept("outer")
            case "cross" if not natural:
                kind = "cross"
                self.step()
            case "inner":
                self.step()
            case _:
                pass
        self.require("join")
        return kind, natural, self.since(start)

    def _relation(self, shaping: Shaping) -> tree.Relation:
        """Return one relation with its alias; what shapes it goes into ``shaping``."""
        relation = self._primary()
        relation = self._aliased(relation)
        self.read_shaping(shaping)
        if shaping and self._has_alias():
            self.accept("as")
            shaping.alias = self.read_name()
        return relation

    def _primary(self) -> tree.Relation:
        start = self.here()
        lateral = self.at("lateral") and (self.ahead().word == "(" or self.ahead().kind == "word")
        if lateral:
            self.step()
        if self.at("("):
            relation = self._parenthesised()
            if lateral:
                if not isinstance(relation, tree.Derived):
                    self.fail("a subquery behind LATERAL")
                relation = replace(relation, lateral=True, span=self.since(start))
            return relation
        if self.is_query() and not self.at("with"):
            self.fail("a source such as `project_logs('name')`", "put the query into parentheses")
        return self._named(function=lateral)

    def _parenthesised(self) -> tree.Relation:
        start = self.step().span
        if self.is_query():
            query = self.read_query()
            self.require(")")
            return tree.Derived(query, span=self.since(start))
        inner = self._shaped_relation()
        plain = isinstance(inner, tree.Derived) and inner.alias is None and not inner.lateral
        if plain and isinstance(inner, tree.Derived) and self.word in _SET_WORDS | {"order", "limit"}:
            query = self.continue_query(inner.query, inner.span)
            self.require(")")
            return tree.Derived(query, span=self.since(start))
        inner = self._joined(inner)
        while self.accept(","):
            right = self._joined(self._shaped_relation())
            inner = tree.Join("cross", inner, right, span=self.since(inner.span))
        self.require(")")
        return replace(inner, span=self.since(start))

    def _named(self, *, function: bool) -> tree.From | tree.Table | tree.TableCall:
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
            if first.kind == "string":
                name = quotes.unquoted_single(self.text_of(first))
                help_ = f"names stand in double quotes: `\"{name}\"`, or name the kind: `project_logs('{name}')`"
            elif self.at(":"):
                help_ = "in SQL no colon follows FROM; in BTQL one follows every clause: `select: ... from: ...`"
            self.fail("a source such as `project_logs('name')`", help_)
        path = [self.read_name()]
        while self.accept("."):
            path.append(self.read_name())
        return tree.Table(tuple(path), span=self.since(first.span))

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

    def _has_alias(self) -> bool:
        return self.at("as") or (self.is_name(self.token) and self.word not in NOT_ALIASES)

    def read_alias(self) -> str | None:
        """Return the alias that comes next, with AS or without."""
        if not self._has_alias():
            return None
        self.accept("as")
        return self.read_name()

    def _aliased(self, relation: tree.Relation) -> tree.Relation:
        if not self._has_alias():
            return relation
        if isinstance(relation, tree.From) and self.at("spans", "traces", "summary"):
            raise BtqlError.of(
                "B0109", "in SQL the shape of a source is an argument", self.here(), "a shape behind the source",
                help=f"write `project_logs('name', shape => '{self.word}')`",
            )  # fmt: skip
        place = self.here()
        if isinstance(relation, tree.Join):
            raise unsupported("an alias for joined tables", place, "give each table its own alias")
        alias = self.read_alias()
        if not self.at("("):
            return replace(relation, alias=alias)
        if isinstance(relation, tree.From):
            raise unsupported("renaming the columns of a source", self.here(), "name them in a subquery with AS")
        return replace(relation, alias=alias, columns=self.read_names())

    def read_names(self) -> tuple[str, ...]:
        """Return the names in parentheses that come next."""
        self.require("(")
        names = [self.read_name()]
        while self.accept(","):
            names.append(self.read_name())
        if not self.at(")"):
            self.fail("`,` or `)`")
        self.step()
        return tuple(names)


def _shaped(relation: tree.Relation, shaping: Shaping) -> tree.Relation:
    """Return ``relation`` with the clauses behind it, which make it a query of its own."""
    if not shaping:
        return relation
    alias = shaping.alias
    if alias is None and not isinstance(relation, tree.Join):
        alias = relation.alias or (relation.path[-1] if isinstance(relation, tree.Table) else None)
    query = tree.Query(
        select=(tree.Star(span=relation.span),), source=relation, sample=shaping.sample, pivot=shaping.pivot,
        unpivot=shaping.unpivot, span=relation.span, language="sql",
    )  # fmt: skip
    return tree.Derived(query, span=relation.span, alias=alias)
