"""The select list of a query: its columns, and what they are called."""

from __future__ import annotations

from dataclasses import replace

from btql_conformance.relations import Rows
from btql_conformance.scope import EvaluationError
from btql_grammar import tree
from btql_grammar.span import Span


class SelectList:
    """The columns of one query over the rows of its source."""

    def __init__(self, query: tree.Query, rows: Rows, text: str) -> None:
        self._query = query
        self._rows = rows
        self._text = text
        self.items = self._all_items()
        self.columns = self._names()

    def _all_items(self) -> list[tree.Item]:
        query = self._query
        items: list[tree.Item] = []
        for item in query.select:
            items += self._expanded(item) if isinstance(item, tree.Star) else [item]
        if not query.select:
            items += query.dimensions
        items += query.measures
        if query.pivot is not None and query.pivot.column is not None:
            named = {item.expression: item for item in items if item.alias is not None}
            return [*(named.get(item.expression, item) for item in query.dimensions), *query.pivot.measures]
        return items

    def _expanded(self, star: tree.Star) -> list[tree.Item]:
        replaced = dict(star.replace)
        items: list[tree.Item] = []
        for names in self._rows.fields:
            if star.table is not None and names.alias != star.table:
                continue
            for name in names.columns:
                if name in star.exclude or (star.table is None and name in names.covered):
                    continue
                path = (name,) if names.alias is None else (names.alias, name)
                alone = len(self._rows.fields) == 1
                expression = replaced.get(name, tree.Identifier((name,) if alone else path))
                items.append(tree.Item(expression, name))
        return items

    def _names(self) -> list[str]:
        short = [self.short(item) for item in self.items]
        stars = any(isinstance(item, tree.Star) for item in self._query.select)
        written = set[str | None]() if stars else {item.alias for item in self.items}
        names = [
            item.alias
            or (name if short.count(name) == 1 or name in written else self._source_text(item.expression.span))
            for item, name in zip(self.items, short, strict=True)
        ]
        if len(set(names)) < len(names):
            if not stars:
                raise EvaluationError(f"two columns have the same name: {names}")
            names = _numbered(names)
        return names

    def short(self, item: tree.Item) -> str:
        """Return what an item is called where no other one is called the same."""
        if item.alias is not None:
            return item.alias
        expression = item.expression
        if isinstance(expression, tree.Identifier) and isinstance(expression.path[-1], str):
            return expression.path[-1]
        if isinstance(expression, tree.Literal) and expression.double_quoted:
            return str(expression.value)
        return self._source_text(expression.span)

    def _source_text(self, span: Span) -> str:
        return " ".join(self._text[span.start : span.end].split())

    def aliases(self) -> dict[str, tree.Expression]:
        """Return what each alias stands for."""
        return {item.alias: item.expression for item in self._own_items() if item.alias is not None}

    def implicit(self) -> dict[str, tree.Expression | None]:
        """Return what the last name of each path stands for; None where it may be several."""
        found: dict[str, tree.Expression | None] = {}
        for item in self._own_items():
            expression = item.expression
            if item.alias is None and isinstance(expression, tree.Identifier) and isinstance(expression.path[-1], str):
                name = expression.path[-1]
                found[name] = None if name in found and found[name] != expression else expression
        return found

    def _own_items(self) -> list[tree.Item]:
        """Return the items that are written in the query, not those a star stands for."""
        query = self._query
        written = [item for item in query.select if isinstance(item, tree.Item)]
        pivot = query.pivot.measures if query.pivot is not None and query.pivot.column is not None else ()
        dimensions = () if query.select else query.dimensions
        return [*written, *dimensions, *query.measures, *pivot]

    def sort_item(self, item: tree.SortItem) -> tree.SortItem:
        """Return a sort key, its column in the place of a position."""
        return replace(item, expression=self.by_position(item.expression))

    def by_position(self, node: tree.Expression) -> tree.Expression:
        """Return the column that a whole number stands for; anything else is itself."""
        if isinstance(node, tree.Literal) and isinstance(node.value, int) and not isinstance(node.value, bool):
            if not 1 <= node.value <= len(self.items):
                raise EvaluationError(f"there is no column {node.value}")
            return self.items[node.value - 1].expression
        return node


def _numbered(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    numbered: list[str] = []
    for name in names:
        count = seen.get(name, 0)
        seen[name] = count + 1
        numbered.append(f"{name}_{count}" if count else name)
    return numbered
