"""How large a value may get: bounded before a statement runs, as the engine does not count what single values take.

``SELECT x || x FROM (SELECT x || x AS x FROM …)`` doubles a text with each level, and a list or a document can be
doubled like it. Each SELECT can make a value as many times longer as it joins values, so the product over all is
a bound. What grows with each step of a recursion has none, and is refused.
"""

from __future__ import annotations

from sqlglot import exp

from btql_server.pgwire.catalog.refused import Refused

_CHARACTERS_MAX = 200_000
_COLUMN_CHARACTERS = 200
"""As long as the texts of the catalog are, by and large."""
_JOINING = (
    *(exp.DPipe, exp.Concat, exp.ConcatWs, exp.Replace, exp.RegexpReplace, exp.Overlay, exp.GroupConcat),
    *(exp.ArrayConcat, exp.ArrayAppend, exp.ArrayPrepend, exp.ArrayToString, exp.JSONObject, exp.JSONArray),
    *(exp.JSONArrayAgg, exp.JSONObjectAgg, exp.JSONBObjectAgg),
)
_JOINING_CALLS = frozenset(
    {
        *("format", "row", "array_cat", "concat", "array_append", "jsonb_agg"),
        *("json_build_object", "jsonb_build_object", "json_build_array", "jsonb_build_array"),
    }
)


def check_growth(tree: exp.Expr) -> None:
    """Refuse a statement whose values may get too large."""
    if any(with_.args.get("recursive") and any(map(_joins, with_.walk())) for with_ in tree.find_all(exp.With)):
        raise Refused("54001", "values cannot be joined in a recursive query of the catalog")
    counts: dict[int, int] = {}
    for node in tree.walk():
        if _joins(node):
            select = node.find_ancestor(exp.Select)
            counts[id(select)] = counts.get(id(select), 1) + 1
    times = 1
    for count in counts.values():
        times *= count
    literals = sum(len(each.name) for each in tree.find_all(exp.Literal))
    if times > 1 and times * max(literals, _COLUMN_CHARACTERS) > _CHARACTERS_MAX:
        raise Refused("54001", "the query of the catalog joins too many values", "ask in several statements")


def _joins(node: exp.Expr) -> bool:
    if isinstance(node, exp.Array | exp.Tuple):
        return sum(not isinstance(each, exp.Literal | exp.Boolean | exp.Null) for each in node.expressions) > 1
    return isinstance(node, _JOINING) or (isinstance(node, exp.Anonymous) and node.name.lower() in _JOINING_CALLS)
