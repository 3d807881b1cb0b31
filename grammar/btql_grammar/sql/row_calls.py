"""Functions that give rows, in a select list: ``SELECT id, unnest(tags) FROM …``.

They are written behind FROM for the rest of the engine, which means the same: each row of FROM is joined with the rows
that the function gives for it, and the select list takes their one column. A key of GROUP BY that is written like one
in the select list is the same one.
"""

from __future__ import annotations

from dataclasses import replace

from btql_grammar import tree
from btql_grammar.depth import Node
from btql_grammar.parameters import nodes_below
from btql_grammar.sql.cursor import unsupported

ELEMENTS = "elements"
"""What the rows of such a function are called, behind FROM."""
ROW_CALLS = (
    "unnest", "generate_series", "jsonb_array_elements", "json_array_elements", "jsonb_array_elements_text",
    "json_array_elements_text",
)  # fmt: skip


def with_row_calls(query: tree.Query) -> tree.Query:
    """Return a query with the function that gives rows in its select list, if there is one, behind its FROM."""
    found: list[tree.Call] = []
    select = tuple(_item(each, found) for each in query.select)
    if not found:
        return query
    dimensions = tuple(replace(each, expression=_taken(each.expression, found)) for each in query.dimensions)
    call = found[0]
    for each in found[1:]:
        if each != call or _has_own_parameter(each):
            raise unsupported(
                "a second function that gives rows in one select list", each.span,
                "write it behind FROM: `FROM project_logs('name') AS t, unnest(t.tags) AS tag`",
            )  # fmt: skip
    if any(_has_window(each) for each in select):
        raise unsupported(
            f"a window beside `{call.name}`",
            call.span,
            "compute the window in a subquery, and take its rows apart around it",
        )
    if any(isinstance(each, tree.Star) and each.table is None for each in select):
        raise unsupported(
            f"`*` beside `{call.name}`", call.span, "name the columns, or write it behind FROM: `, unnest(tags) AS tag`"
        )
    rows = tree.TableCall(call, span=call.span, alias=ELEMENTS, columns=(call.name,))
    source = rows if query.source is None else tree.Join("cross", query.source, rows, span=query.source.span)
    return replace(query, select=select, dimensions=dimensions, source=source)


def _has_own_parameter(call: tree.Call) -> bool:
    """Whether a call is given a value that no other call is: each `?` is another parameter."""
    return any(isinstance(node, tree.Parameter) and node.key is None for node in nodes_below(call))


def _has_window(node: Node) -> bool:
    """Whether a window is in an expression: it looks at the rows as they were before."""
    return any(isinstance(each, tree.Call) and each.window is not None for each in nodes_below(node))


def _item(item: tree.Item | tree.Star, found: list[tree.Call]) -> tree.Item | tree.Star:
    if isinstance(item, tree.Star):
        return item
    before = len(found)
    expression = _taken(item.expression, found)
    return item if len(found) == before else replace(item, expression=expression)


def _taken(node: tree.Expression, found: list[tree.Call]) -> tree.Expression:
    """Return an expression with the column in place of each call that gives rows; the calls go into ``found``."""
    match node:
        case tree.Call(name=name, window=None) if name in ROW_CALLS:
            found.append(node)
            return tree.Identifier((ELEMENTS, name), span=node.span)
        case tree.Call(arguments=arguments):
            return replace(node, arguments=tuple(_taken(each, found) for each in arguments))
        case tree.Cast(expression=inner) | tree.Subscript(expression=inner):
            return replace(node, expression=_taken(inner, found))
        case tree.JsonOperator(left=left):
            return replace(node, left=_taken(left, found))
        case tree.Arithmetic(left=left, right=right):
            return replace(node, left=_taken(left, found), right=_taken(right, found))
        case _:
            return node
