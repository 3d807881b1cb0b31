"""Clauses that make one query of another: a second stage of grouping, and inference.

``final_dimensions`` and ``final_measures`` group the rows that the rest of the
query gives: it becomes a query inside another one, and ``final_filter``,
``sort``, ``limit`` and ``pivot`` are about the outer one.

``infer`` looks at the rows that the rest of the query finds, newest first, as
many as ``inference_budget`` allows.
"""

from __future__ import annotations

from dataclasses import replace

from btql_grammar import tree
from btql_planner import errors
from btql_planner.finish import INFERENCE_BUDGET, Infer


def in_stages(query: tree.Query) -> tree.Query:
    """Return a query with a second stage of grouping as two, one inside the other."""
    if not query.final_dimensions and not query.final_measures:
        return query
    inner = replace(
        query, final_dimensions=(), final_measures=(), final_filter=None, sort=(), limit=None, offset=None, pivot=None
    )
    return tree.Query(
        dimensions=query.final_dimensions,
        measures=query.final_measures,
        source=tree.Derived(inner, span=query.span),
        final_filter=query.final_filter,
        sort=query.sort,
        limit=query.limit,
        offset=query.offset,
        pivot=query.pivot,
        span=query.span,
        language=query.language,
    )


def refuse_inside(query: tree.Query) -> None:
    """Raise for what only the outermost query of a statement can say: it is about the answer, or about all of it."""
    said = {
        "SETTINGS": bool(query.settings),
        "`cursor`": query.cursor is not None,
        "`preview_length`": query.preview_length is not None,
        "`pivot`": query.pivot is not None,
        "`infer`": bool(query.infer),
    }
    for clause, there in said.items():
        if there:
            raise errors.not_supported(
                f"{clause} of a query inside another", query.span, "say it in the outermost query"
            )


def without_inference(query: tree.Query, budget: int | None) -> tuple[tree.Query, Infer | None]:
    """Return the query for the rows to look at, and what to do with them; any other query as it is."""
    if not query.infer:
        return query, None
    if query.select or query.dimensions or query.measures:
        raise errors.not_supported(
            "`infer` beside `select`, `dimensions` or `measures`", query.span, "send two queries"
        )
    select = tuple(
        field if isinstance(field, tree.Star) else tree.Item(field, _name(field), span=field.span)
        for field in query.infer
    )
    rows = budget or INFERENCE_BUDGET
    limit = rows if query.limit is None else min(query.limit, rows)
    return replace(query, select=select, infer=(), limit=limit), Infer()


def _name(field: tree.Identifier) -> str:
    """Return a path as a name of one piece, so that two that end alike stay apart."""
    return ".".join(map(str, field.path))
