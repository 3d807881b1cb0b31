"""From Postgres' dialect to DuckDB's: a tree that reads the catalog becomes one that runs on the engine's relations.

Every node is looked at after those below it. What is not known, be it a relation, a function or a type, is refused by
name: nothing of DuckDB's own can be reached by a statement.

1. Relations get the names that they have in the engine, and keep the names by which the statement speaks of them.
2. Functions of the session become values; functions of the catalog become macros (``macros.sql``).
3. Casts to the names of the catalog (``'pg_class'::regclass``) become look-ups, to numbers or from them.
4. Vectors (``indkey``) are lists here: they count from 1 and not from 0.
5. Every column of the answer is named as Postgres would.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

from sqlglot import exp

from btql_server.pgwire.catalog.casts import rewrite_cast
from btql_server.pgwire.catalog.functions import filtered, rewrite_function
from btql_server.pgwire.catalog.literals import cast_to, list_of, literal, plain_value
from btql_server.pgwire.catalog.naming import name_outputs
from btql_server.pgwire.catalog.natural_order import order_columns
from btql_server.pgwire.catalog.refused import Refused
from btql_server.pgwire.catalog.relations import INTERNAL_SCHEMAS, VECTORS, Relation, column_types, relations
from btql_server.pgwire.catalog.session_values import Session, value_of
from btql_server.pgwire.catalog.sources import qualify

_TABLE_FUNCTIONS = frozenset(
    {"pg_get_keywords", "_pg_expandarray", "pg_show_all_settings", "aclexplode", "pg_available_extensions"}
)
_SYSTEM_COLUMNS = {"xmin": 1, "xmax": 0, "cmin": 0, "cmax": 0}
_KEYWORD_COLUMNS = frozenset({"user", "current_role", "current_user", "session_user", "current_catalog"})


@dataclass
class Rewritten:
    """A statement for the engine."""

    sql: str
    relations: set[Relation]
    """The relations that it reads."""
    functions: set[str]
    """The macros that it calls."""

    def reads(self, relation: tuple[str, str]) -> bool:
        """Whether it reads a relation, given as schema and name."""
        return any((each.schema, each.name) == relation for each in self.relations)


@dataclass
class Rewriter:
    """Rewrites one statement."""

    session: Session
    parameters: Sequence[object] = ()
    relations: set[Relation] = field(default_factory=set[Relation])
    functions: set[str] = field(default_factory=set[str])
    _named: dict[str, Relation] = field(default_factory=dict[str, Relation])
    """What the statement calls its relations."""
    _common: set[str] = field(default_factory=set[str])

    def rewrite(self, tree: exp.Query) -> Rewritten:
        """Return the statement for the engine; the tree is used up."""
        name_outputs(tree)
        self._common = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        for table in list(tree.find_all(exp.Table)):
            self._look_up(table)
        order_columns(tree, self._relation)
        qualify(tree, self._relation)
        # Nodes below others come first, so that what replaces a node is made of what is done already.
        root = cast("exp.Expr", tree)
        for node in reversed(list(tree.walk(bfs=True))):
            replaced = self._node(node)
            if replaced is node:
                continue
            if node is root:
                root = replaced
            else:
                node.replace(replaced)
        return Rewritten(root.sql("duckdb", comments=False), self.relations, self.functions)

    def _node(self, node: exp.Expr) -> exp.Expr:
        rewrite = _REWRITES.get(type(node))
        if rewrite is not None:
            return rewrite(self, node)
        if isinstance(node, exp.Func):
            return rewrite_function(node, self)
        return node

    def _look_up(self, table: exp.Table) -> None:
        """Remember which relation a name in FROM means."""
        found = self._relation(table)
        if found is not None:
            self._named[(_folded(table.args["alias"].this) if table.alias else None) or found.name] = found
            self.relations.add(found)

    def _relation(self, table: exp.Table) -> Relation | None:
        """Return the relation that a name in FROM means; None where it is a function, or of the statement itself."""
        schema, name = _folded(table.args.get("db")), _folded(table.this)
        if name is None or (schema is None and name in self._common):
            return None
        found = relations().get((schema or "pg_catalog", name))
        if found is None:
            raise _no_relation(schema, name, any(self._named))
        return found

    def table(self, node: exp.Table) -> exp.Expr:
        """A relation, or a function in FROM."""
        if not isinstance(node.this, exp.Identifier):
            return self._table_function(node)
        schema, name = _folded(node.args.get("db")), _folded(node.this) or ""
        if schema is None and name in self._common:
            return node
        node.set("catalog", None)
        node.set("only", None)
        node.set("db", exp.to_identifier(INTERNAL_SCHEMAS[schema or "pg_catalog"]))
        node.set("this", exp.to_identifier(name, quoted=True))
        if not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        return node

    def _table_function(self, node: exp.Table) -> exp.Expr:
        function = node.this
        alias = node.args.get("alias")
        if alias is not None and not alias.args.get("columns") and _scalar_rows(function):
            # Postgres calls the one column of such a function as its table.
            alias.set("columns", [alias.this.copy()])
        if isinstance(function, exp.Unnest):
            function.set("alias", alias)
            return function
        if isinstance(function, exp.Anonymous) and function.name.lower().removeprefix("b_") in _TABLE_FUNCTIONS:
            return node
        if _scalar_rows(function):
            return node
        if isinstance(function, exp.Func):
            # A function of one value is a table of one row.
            inner = exp.select(exp.alias_(function, node.alias or _function_name(function), quoted=True))
            return exp.Subquery(this=inner, alias=alias)
        raise Refused("0A000", "this kind of source cannot be read in a query of the catalog")

    def column(self, node: exp.Column) -> exp.Expr:
        """A column: what Postgres adds to every table, a keyword, or one of the relation."""
        name = node.name.lower()
        if node.args.get("db") is not None:
            node.set("db", None)
            node.set("catalog", None)
        if not node.table and not cast("exp.Identifier", node.this).quoted and name in _KEYWORD_COLUMNS:
            return literal(value_of(name, (), self.session))
        if name in _SYSTEM_COLUMNS:
            return cast_to(exp.Literal.number(_SYSTEM_COLUMNS[name]), "UINTEGER")
        if name == "tableoid":
            relation = self._named.get(_folded(node.args.get("table")) or next(iter(self._named), ""))
            return cast_to(exp.Literal.number(0 if relation is None else relation.oid), "UINTEGER")
        return node

    def parameter(self, node: exp.Parameter | exp.Placeholder) -> exp.Expr:
        """A parameter becomes its value."""
        number = node.name
        if not number.isdigit() or not 1 <= int(number) <= len(self.parameters):
            raise Refused("42P02", f"there is no parameter ${number}")
        return literal(plain_value(self.parameters[int(number) - 1]))

    def bracket(self, node: exp.Bracket) -> exp.Expr:
        """An element: lists count from 1, vectors from 0."""
        inner = node.this
        if not (isinstance(inner, exp.Column) and inner.name.lower() in VECTORS):
            return node
        (index,) = node.expressions
        # Numbers come from the parser one less than they are written.
        written = index if not _is_number(index) else exp.Literal.number(int(index.sql()) + 1)
        return exp.func("list_extract", inner, exp.Add(this=exp.Paren(this=written), expression=exp.Literal.number(1)))

    def comparison(self, node: exp.Binary) -> exp.Expr:
        """``x = ANY(list)`` and ``x <> ALL(list)``; a subquery stays as it is."""
        right = node.expression
        if isinstance(right, exp.Any) and not isinstance(right.this, exp.Query):
            values = _typed(node.this, list_of(right.this))
            if isinstance(node, exp.EQ):
                return exp.func("list_contains", values, node.this)
            return self._among(node, values, "list_bool_or")
        if isinstance(right, exp.All) and not isinstance(right.this, exp.Query):
            values = _typed(node.this, list_of(right.this))
            if isinstance(node, exp.NEQ):
                return exp.Paren(this=exp.Not(this=exp.func("list_contains", values, node.this)))
            return self._among(node, values, "list_bool_and")
        return node

    def _among(self, node: exp.Binary, values: exp.Expr, combined: str) -> exp.Expr:
        inner = type(node)(this=node.this.copy(), expression=exp.column("b_each"))
        every = exp.Lambda(this=inner, expressions=[exp.to_identifier("b_each")])
        return exp.Coalesce(this=exp.func(combined, exp.func("list_transform", values, every)), expressions=[
            exp.Boolean(this=combined.endswith("and"))
        ])  # fmt: skip

    def dot(self, node: exp.Dot) -> exp.Expr:
        """``(row).field``."""
        if isinstance(node.expression, exp.Identifier | exp.Star):
            return node
        raise Refused("42883", f"there is no function `{node.sql('postgres')[:80]}`")

    def cast(self, node: exp.Cast) -> exp.Expr:
        """A cast."""
        return rewrite_cast(node, self.functions)

    def unnest(self, node: exp.Unnest) -> exp.Expr:
        """Rows from a list; its alias is the name of its column, too."""
        alias = node.args.get("alias")
        if alias is not None and alias.this is not None and not alias.args.get("columns"):
            alias.set("columns", [alias.this.copy()])
        node.set("expressions", [list_of(each) for each in node.expressions])
        return node

    def like(self, node: exp.Like | exp.ILike) -> exp.Expr:
        r"""LIKE: Postgres takes ``\`` for an escape without being told."""
        pattern = node.expression
        plain = isinstance(pattern, exp.Literal) and "\\" not in pattern.name
        if plain or isinstance(node.parent, exp.Escape) or isinstance(pattern, exp.Any | exp.All):
            return node
        negated = bool(node.args.get("negate"))
        node.set("negate", None)
        escaped: exp.Expr = exp.Escape(this=node.copy(), expression=exp.Literal.string("\\"))
        return exp.Not(this=exp.Paren(this=escaped)) if negated else escaped

    def filter(self, node: exp.Filter) -> exp.Expr:
        """An aggregate of some rows."""
        return filtered(node)

    def lock(self, node: exp.Select) -> exp.Expr:
        """A select reads without locks."""
        node.set("locks", None)
        node.set("into", None)
        return node


def _typed(one: exp.Expr, values: exp.Expr) -> exp.Expr:
    """Return a list with the type of what is looked for in it, where that is a column."""
    of = column_types().get(one.name.lower()) if isinstance(one, exp.Column) else None
    if of is None or of.element or not isinstance(values.unnest(), exp.Array | exp.Cast):
        return values
    return cast_to(values, "BIGINT[]" if of.name in ("oid", "regproc", "int2", "int4", "int8") else "VARCHAR[]")


def _scalar_rows(function: exp.Expr) -> bool:
    called = function.name.lower() if isinstance(function, exp.Anonymous) else ""
    return isinstance(function, exp.Explode | exp.Unnest) or called == "unnest"


def _function_name(function: exp.Func) -> str:
    return function.name.lower() if isinstance(function, exp.Anonymous) else function.sql_name().lower()


def _is_number(node: exp.Expr) -> bool:
    inner = node.this if isinstance(node, exp.Neg) else node
    return isinstance(inner, exp.Literal) and not inner.is_string


def _folded(node: exp.Expr | None) -> str | None:
    if not isinstance(node, exp.Identifier):
        return None
    return node.name if node.quoted else node.name.lower()


def _no_relation(schema: str | None, name: str, mixed: bool) -> Refused:  # noqa: FBT001  said at the one call
    written = name if schema is None else f"{schema}.{name}"
    if schema in INTERNAL_SCHEMAS or (schema is None and name.startswith("pg_")):
        return Refused("42P01", f'relation "{written}" does not exist')
    hint = "ask for rows and for the catalog in statements of their own"
    told = "beside the catalog" if mixed else "in a query of the catalog"
    return Refused("0A000", f'"{written}" cannot be read {told}: one statement reads either rows or the catalog', hint)


_Rewrite = Callable[[Rewriter, exp.Expr], exp.Expr]
_REWRITES = cast(
    "dict[type[exp.Expr], _Rewrite]",
    {
        exp.Table: Rewriter.table,
        exp.Column: Rewriter.column,
        exp.Parameter: Rewriter.parameter,
        exp.Placeholder: Rewriter.parameter,
        exp.Bracket: Rewriter.bracket,
        exp.Dot: Rewriter.dot,
        exp.Filter: Rewriter.filter,
        exp.Cast: Rewriter.cast,
        exp.TryCast: Rewriter.cast,
        exp.Unnest: Rewriter.unnest,
        exp.Select: Rewriter.lock,
        exp.Like: Rewriter.like,
        exp.ILike: Rewriter.like,
        **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.RegexpLike), Rewriter.comparison),
    },
)
