"""Unpivot: one row for each key of an object, or for each element of an array.

The names of the columns belong to the relation from here on, before any field
of the same name, so filters, dimensions and further unpivots may use them.
Several unpivots follow one another: the last may take apart what the first has
made. A row whose value is null, empty or of the other kind gives no rows.

Where statistics list all keys of an object (``scores``, say) their columns are
read; else the documents are.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.scope import Scope
from btql_planner.clauses.summary import SummaryNames
from btql_planner.expressions import NO_SPAN, Expression, PathValue, Reference, SortKey
from btql_planner.json_paths import json_get
from btql_planner.names import ObjectNames
from btql_planner.plan import Nothing, Plan, Unnest
from btql_planner.types import LIST

if TYPE_CHECKING:
    from btql_planner.binding.relation_names import RelationNames

TreePath = tuple[str | int, ...]


@dataclass
class UnpivotedNames:
    """The names of a relation, and those of the columns that unpivots have added."""

    relation: RelationNames
    columns: dict[str, Reference] = field(default_factory=dict[str, Reference])

    @property
    def alias(self) -> str | None:
        """What the query calls the relation."""
        return self.relation.alias

    @property
    def schema(self) -> str | None:
        """The kind of the object, where it may stand before the alias."""
        return self.relation.schema

    @property
    def top_level(self) -> Collection[str]:
        """Every name that is a column of its own."""
        return {*self.relation.top_level, *self.columns}

    @property
    def closed(self) -> bool:
        """Whether a name that is not known is a mistake."""
        return self.relation.closed

    def star(self) -> list[str]:
        """Return the columns that ``*`` stands for, the new ones last."""
        return list(dict.fromkeys([*self.relation.star(), *self.columns]))

    def field(self, path: TreePath, span: Span) -> Expression | None:
        """Return the value of a path that begins with a column."""
        column = self.columns.get(str(path[0]))
        if column is None:
            return self.relation.field(path, span)
        column = replace(column, span=span)
        return column if len(path) == 1 else json_get(column, path[1:], span)

    def nested(self, path: TreePath, span: Span) -> Expression | None:
        """Return what a path means that begins below some column."""
        return self.relation.nested(path, span)

    def nested_keys(self) -> Mapping[str, tuple[str, ...]]:
        """Return the keys that may begin such a path, each with the whole path."""
        return self.relation.nested_keys()


@dataclass
class Unpivots:
    """The unpivots of one query: names for the scope first, plan nodes when there are rows."""

    names: UnpivotedNames
    nodes: list[Unnest] = field(default_factory=list[Unnest])
    """Over nothing yet."""

    def apply(self, rows: Plan) -> Plan:
        """Return the rows with every unpivot above them."""
        for node in self.nodes:
            rows = replace(node, input=rows)
        return rows

    def ties(self) -> list[SortKey]:
        """Return what tells the rows apart that come from one row."""
        return [SortKey(node.key if node.kind == "object" else node.position) for node in self.nodes]

    def concerns(self, condition: tree.Expression) -> bool:
        """Whether a condition looks at a column of an unpivot."""
        return any(path[0] in self.names.columns for path in named_paths(condition))


def bind_unpivots(items: Sequence[tree.UnpivotItem], scope: Scope) -> Unpivots | None:
    """Add the columns of each unpivot to the first relation of the scope; None where there are none."""
    if not items:
        return None
    if not scope.relations:
        raise BtqlError.of(
            errors.BAD_UNPIVOT, "there are no rows to unpivot", items[0].expression.span, "unpivoted",
            help="say behind FROM where they come from",
        )  # fmt: skip
    first, *others = scope.relations
    unpivots = Unpivots(UnpivotedNames(first))
    scope.relations = [unpivots.names, *others]
    for item in items:
        _add(unpivots, item, scope)
    return unpivots


def _add(unpivots: Unpivots, item: tree.UnpivotItem, scope: Scope) -> None:
    expression = ExpressionBinder(scope).bind(item.expression)
    of_object = len(item.names) == 2
    if of_object and expression.type == LIST:
        raise BtqlError.of(
            errors.BAD_UNPIVOT, "this is an array, it has no keys", item.expression.span, "unpivoted by key",
            help=f"give its elements one name: `{scope.context.text(item.expression.span)} as (element)`",
        )  # fmt: skip
    entries = _entries(unpivots.names.relation, item.expression, expression) if of_object else None
    name = scope.context.new_name("u")
    node = Unnest(Nothing(), name, expression, "object" if of_object else "array", entries)
    unpivots.nodes.append(node)
    ends = (node.key, node.value) if of_object else (node.value,)
    for column, reference in zip(item.names, ends, strict=True):
        if column in unpivots.names.columns:
            raise BtqlError.of(
                errors.DUPLICATE_ALIAS, f"two columns are called `{column}`", item.span, "the second",
                help="give one of them another name",
            )  # fmt: skip
        unpivots.names.columns[column] = reference


def _entries(
    names: RelationNames, node: tree.Expression, expression: Expression
) -> tuple[tuple[str, Expression], ...] | None:
    """Return every key of an object with its value, None where the columns do not have them all."""
    if not isinstance(node, tree.Identifier) or not all(isinstance(piece, str) for piece in node.path):
        return None
    path = tuple(map(str, node.path))
    spans = names.spans if isinstance(names, SummaryNames) else names
    if not isinstance(spans, ObjectNames) or names.alias == path[0]:
        return None
    if not isinstance(expression, PathValue) and not isinstance(names, SummaryNames):
        return None
    keys = spans.listed_keys(path)
    if keys is None:
        return None
    if isinstance(names, SummaryNames) and path[0] in ("scores", "metrics"):
        keys = sorted({*keys, *names.added_keys(path[0])})
    values = [names.field((*path, key), NO_SPAN) for key in keys]
    if any(value is None or (isinstance(value, PathValue) and value.needs_document) for value in values):
        return None
    return tuple((key, value) for key, value in zip(keys, values, strict=True) if value is not None) or None


def named_paths(node: object) -> list[TreePath]:
    """Return all names in an expression."""
    if isinstance(node, tree.Identifier):
        return [node.path]
    if isinstance(node, tree.Literal):
        return [(str(node.value),)] if node.double_quoted else []
    if isinstance(node, tuple):
        return [path for part in cast("tuple[object, ...]", node) for path in named_paths(part)]
    if not is_dataclass(node) or isinstance(node, Span | type):
        return []
    return [path for each in fields(node) for path in named_paths(getattr(node, each.name))]
