"""Looking for words and values."""

from __future__ import annotations

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner.functions.declare import Condition, Node, form
from btql_planner.functions.function import Binder

SEARCHED = ("input", "output", "expected", "metadata", "span_attributes")
"""The fields that ``search(query)`` looks into."""


@form()
def search(binder: Binder, span: Span, words: Node) -> Condition:
    """Return whether the words stand together in ``input``, ``output`` or another field that is searched.

    The same as ``MATCH`` on ``input``, ``output``, ``expected``, ``metadata`` and ``span_attributes``, joined by OR.

    >>> search('some words') IS NULL
    True
    """
    parts = [tree.Comparison("match", tree.Identifier((name,), span=span), words, span=span) for name in SEARCHED]
    return binder.apply("or", parts, span)


@form()
def contains(binder: Binder, span: Span, haystack: Node, needle: Node) -> Condition:
    """Return whether an array has the element ``needle``, or an object the value.

    >>> contains(['a', 'b'], 'b')
    True
    """
    return binder.bind(tree.Includes(haystack, needle, span=span))
