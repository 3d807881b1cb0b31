"""How deep a tree is.

Everything after the parser walks the tree by recursion, so a tree that is too
deep for the stack must not leave the grammar. Brackets were counted in the
text; this finds depth that needs none: ``a + a + a ...``, ``not not not a``.
"""

from __future__ import annotations

from typing import assert_never

from btql_grammar import tree
from btql_grammar.scan import DEPTH_MAX, too_deep

Node = tree.Query | tree.Item | tree.SortItem | tree.Expression


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below ``node``."""
    match node:
        case tree.Literal() | tree.Interval() | tree.Identifier() | tree.Star():
            return ()
        case tree.Comparison() | tree.Arithmetic():
            return (node.left, node.right)
        case tree.Boolean():
            return node.children
        case tree.Call():
            return node.arguments
        case tree.Not() | tree.IsNull() | tree.Negative() | tree.Item() | tree.SortItem():
            return (node.expression,)
        case tree.Array():
            return node.items
        case tree.Object():
            return tuple(value for _, value in node.items)
        case tree.Includes():
            return (node.haystack, node.needle)
        case tree.If():
            return (*(part for branch in node.branches for part in branch), node.otherwise)
        case tree.Query():
            filters = (part for part in (node.filter, node.final_filter) if part is not None)
            return (*node.select, *node.dimensions, *node.measures, *filters, *node.sort)
        case _:
            assert_never(node)


def check_depth(root: Node) -> None:
    """Raise where the tree is more than 200 levels deep."""
    level: list[Node] = [root]
    for _ in range(DEPTH_MAX):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise too_deep(level[0].span)
