"""What stands behind FROM in our SQL dialect: sources, names, subqueries, functions, joins.

``project_logs('x', shape => 'traces')`` is a source; a bare name is a table; a function
that gives rows is known by its name, or by arguments that no source has. TABLESAMPLE,
PIVOT and UNPIVOT are clauses of the whole query where the relation before them is all
of FROM; elsewhere they apply to that relation, which becomes a subquery.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_grammar.sql.cursor import unsupported
from btql_grammar.sql.named import JOIN_WORDS, NOT_ALIASES, OTHER_JOINS, SET_WORDS, SourceParser


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


class RelationParser(SourceParser):
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

    def _goes_on(self) -> bool:
        return self.at(",") or self.word in JOIN_WORDS or self.word in OTHER_JOINS

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
        if self.word in OTHER_JOINS or (self.word in JOIN_WORDS and self.ahead().word in OTHER_JOINS):
            other = self.word if self.word in OTHER_JOINS else self.ahead().word
            way_out = "write `WHERE EXISTS (SELECT ...)`, or a LEFT JOIN LATERAL"
            raise unsupported(f"{other.upper()} JOIN", start, way_out)
        if self.word not in JOIN_WORDS:
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
        return self.read_named(function=lateral)

    def _parenthesised(self) -> tree.Relation:
        start = self.step().span
        if self.is_query():
            query = self.read_query()
            self.require(")")
            return tree.Derived(query, span=self.since(start))
        inner = self._shaped_relation()
        plain = isinstance(inner, tree.Derived) and inner.alias is None and not inner.lateral
        if plain and isinstance(inner, tree.Derived) and self.word in SET_WORDS | {"order", "limit"}:
            query = self.continue_query(inner.query, inner.span)
            self.require(")")
            return tree.Derived(query, span=self.since(start))
        inner = self._joined(inner)
        while self.accept(","):
            right = self._joined(self._shaped_relation())
            inner = tree.Join("cross", inner, right, span=self.since(inner.span))
        self.require(")")
        return replace(inner, span=self.since(start))

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
