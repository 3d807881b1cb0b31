"""Queries as JSON documents: the public form of the tree, called ParsedQuery.

A client that builds queries by program sends them as a document instead of text:

    {"select": [{"expr": {"op": "ident", "name": ["id"]}, "alias": "id"}],
     "from": {"op": "function", "name": {"op": "ident", "name": ["project_logs"]},
              "args": [{"op": "literal", "value": "demo"}]},
     "filter": {"btql": "scores.Factuality > 0.5"}}

:func:`from_json` reads it strictly: a key that is not known is an error, and every
error names the place by its path (``select[0].expr.op``). Null stands for absent,
``loc`` may stand everywhere, and ``{"btql": "..."}`` is text wherever an expression
fits. :func:`to_json` writes any tree that BTQL can say.

Three things are decided here, since the published form leaves them open:

- An entry without an alias gets the one it implies, since the form demands one.
- What has no operator of its own (casts, subscripts, lists of expressions, quoted
  words that may be fields or texts) is written as a piece of BTQL text.
- These are additions: the operators ``nseq`` and ``nsne`` (``<=>`` and ``<!=>``), the
  unit ``week``, ``nulls`` of a sort key, ``exclude`` and ``table`` of a star, and the
  clauses ``offset`` and ``distinct``.
"""

from __future__ import annotations

from btql_grammar import tree
from btql_grammar.json_form.reader import read_query
from btql_grammar.json_form.writer import write_query

JsonObject = dict[str, object]


def from_json(document: object) -> tree.Query:
    """Return the tree of a document, as ``json.loads`` gives it."""
    return read_query(document)


def to_json(query: tree.Query) -> JsonObject:
    """Return the document of a query; ``from_json`` gives the same query, with the aliases spelled out."""
    return write_query(query)
