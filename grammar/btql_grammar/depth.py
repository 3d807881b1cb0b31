"""How deep a tree is.

Everything after the parser walks the tree by recursion, so a tree that is too
deep for the stack must not leave the grammar. Brackets were counted in the
text; this finds depth that needs none: ``a + a + a ...``, ``not not not a``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Protocol

from btql_grammar import tree
from btql_grammar.scan import DEPTH_MAX, too_deep
from btql_grammar.span import Span


class Node(Protocol):
    """Any node of the tree."""

    @property
    def span(self) -> Span:
        """Where it was read."""
        ...


# Not `is_dataclass`, which would have a class find out what it could tell of its fields (btql/cli/late_methods.py).
_CLASSES = {
    made: name for name, made in vars(tree).items() if isinstance(made, type) and "__dataclass_fields__" in vars(made)
}
_NODE = re.compile(rf"\b(?:{'|'.join({*_CLASSES.values(), 'Expression', 'Statement', 'Relation'} - {'Span'})})\b")


@cache
def _fields(made: type) -> tuple[str, ...]:
    """Return the fields of a node that hold nodes, judged by what they are declared as. A text has few kinds."""
    return tuple(name for name, kind in made.__annotations__.items() if _NODE.search(str(kind)))


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below ``node``."""
    names = _fields(type(node))
    return tuple(child for name in names for child in _nodes(getattr(node, name))) if names else ()


def check_depth(root: Node) -> None:
    """Raise where the tree is more than 200 levels deep."""
    level: list[Node] = [root]
    for _ in range(DEPTH_MAX):
        level = [child for node in level for child in children(node)]
        if not level:
            return
    raise too_deep(level[0].span)


def _nodes(value: Any) -> Iterator[Node]:  # noqa: ANN401 - the value of any field
    if isinstance(value, tuple):
        for entry in value:
            yield from _nodes(entry)
    elif type(value) in _CLASSES:
        yield value
