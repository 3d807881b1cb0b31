"""Functions of a statement: values of the session, macros of the catalog, and the few that the engine shares."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from btql_server.pgwire.catalog.literals import cast_to, literal, plain_value
from btql_server.pgwire.catalog.macros import macros
from btql_server.pgwire.catalog.names import OF_SESSION
from btql_server.pgwire.catalog.refused import Refused
from btql_server.pgwire.catalog.relations import VECTORS
from btql_server.pgwire.catalog.session_values import value_of

if TYPE_CHECKING:
    from btql_server.pgwire.catalog.rewrite import Rewriter

_SESSION_NODES = {
    "CurrentSchema": "current_schema",
    "CurrentSchemas": "current_schemas",
    "CurrentUser": "current_user",
    "SessionUser": "session_user",
    "CurrentDatabase": "current_database",
    "CurrentVersion": "version",
    "CurrentCatalog": "current_catalog",
    "CurrentRole": "current_role",
}
_SHARED_NODES = frozenset(
    {
        *("And", "Or", "Xor", "Not", "Case", "If", "Coalesce", "Nullif", "Greatest", "Least", "Cast", "TryCast"),
        *("Count", "CountIf", "Sum", "Min", "Max", "Avg", "ArrayAgg", "GroupConcat", "LogicalAnd", "LogicalOr"),
        *("Upper", "Lower", "Length", "Substring", "StrPosition", "Trim", "Concat", "ConcatWs", "Left", "Right"),
        *("Replace", "Reverse", "SplitPart", "StringToArray", "ArrayToString", "Initcap", "Chr", "Ascii"),
        *("RegexpLike", "RegexpILike", "RegexpReplace", "StartsWith", "EndsWith", "MD5", "Translate", "Overlay"),
        *("Abs", "Round", "Floor", "Ceil", "Sign", "Sqrt", "Pow", "Mod", "Ln", "Log", "Exp"),
        *("Array", "ArraySize", "ArrayContains", "ArrayContainsAll", "ArrayOverlaps", "ArrayConcat", "ArrayAppend"),
        *("ArrayPosition", "ArrayRemove", "ArrayPrepend", "Any", "All", "Exists", "Explode", "Unnest"),
        *("Extract", "CurrentTimestamp", "CurrentDate", "TimestampTrunc", "TimeToStr"),
        *("RowNumber", "Rank", "DenseRank", "Lag", "Lead", "FirstValue", "LastValue", "JSONExtract"),
        *(
            "JSONExtractScalar",
            "JSONObject",
            "JSONArray",
            "JSONObjectAgg",
            "JSONBObjectAgg",
            "PercentileCont",
            "Distinct",
        ),
    }
)
"""Functions that mean the same in both dialects, or that the generator translates."""
_SHARED = frozenset(
    {
        *("cardinality", "row", "btrim", "array_upper", "ltrim", "rtrim", "strpos", "bool_or", "bool_and", "every"),
        *("list_contains", "list_transform", "list_extract", "to_json", "json_agg", "json_build_object", "char_length"),
        *("array_cat", "array_append", "array_prepend", "array_length", "array_position", "regexp_split_to_array"),
        *(
            "octet_length",
            "to_hex",
            "array_agg",
            "string_agg",
            "age",
            "date_part",
            "json_object_agg",
            "concat",
            "length",
        ),
        *("substr", "starts_with", "encode", "clock_timestamp", "statement_timestamp"),
    }
) - {"array_upper"}

_OF_JSON = {
    "to_jsonb": "to_json",
    **dict.fromkeys(("json_build_object", "jsonb_build_object"), "json_object"),
    **dict.fromkeys(("json_build_array", "jsonb_build_array"), "json_array"),
}
"""Functions that make JSON, of which there is one kind here, and what the engine calls them."""
_GROUP = re.compile(r"(?<!\\)\((?!\?)")


def rewrite_function(node: exp.Func, rewriter: Rewriter) -> exp.Expr:
    """Return a call as the engine has it; an unknown function is refused as Postgres does it."""
    kind = type(node).__name__
    name = node.name.lower() if isinstance(node, exp.Anonymous) else _SESSION_NODES.get(kind, "")
    if name == "all" and isinstance(node.parent, exp.Binary):
        # `x <> ALL (list)`, which the parser takes for a function.
        return exp.All(this=node.expressions[0])
    if name == "generate_subscripts":
        return _subscripts(node)
    if isinstance(node, exp.ExplodingGenerateSeries | exp.GenerateSeries):
        return _series(node, rewriter)
    if name == "row_to_json":
        return exp.Anonymous(this="to_json", expressions=node.expressions[:1])
    if isinstance(node, exp.JSONArrayAgg) or name == "jsonb_agg":
        gathered = exp.Anonymous(this="list", expressions=node.expressions or [node.this])
        return exp.Anonymous(this="to_json", expressions=[gathered])
    if name in _OF_JSON:
        return exp.Anonymous(this=_OF_JSON[name], expressions=node.expressions)
    if name == "aclexplode" and not isinstance(node.parent, exp.Table | exp.Lateral):
        name = "aclexplode_rows"
    if isinstance(node, exp.Substring) and _is_text(node.args.get("start")):
        return _matched(node.this, node.args["start"], rewriter)
    if name in OF_SESSION and not _is_looked_up(name, node):
        arguments = [node.this] if isinstance(node.this, exp.Expr) else node.expressions
        return _value(name, [_argument(name, each) for each in arguments], rewriter)
    if isinstance(node, exp.Anonymous):
        if name in macros():
            rewriter.functions.add(name)
            return exp.Anonymous(this=f"b_{name}", expressions=node.expressions)
        if name in _SHARED:
            return node
    elif kind in _SHARED_NODES or isinstance(node, exp.Connector | exp.Binary):
        return node
    called = name or node.sql_name().lower()
    if called in macros():
        rewriter.functions.add(called)
        return exp.Anonymous(this=f"b_{called}", expressions=list(node.iter_expressions()))
    raise Refused("42883", f"function {called[:80]}() does not exist in queries of the catalog")


def _is_text(node: exp.Expr | None) -> bool:
    return isinstance(node, exp.Literal) and node.is_string


def _matched(text: exp.Expr, pattern: exp.Literal, rewriter: Rewriter) -> exp.Expr:
    """``substring(text FROM 'pattern')``: the first group of the pattern, where it has one."""
    rewriter.functions.add("matched")
    group = exp.Literal.number(1 if _GROUP.search(pattern.name) else 0)
    return exp.Anonymous(this="b_matched", expressions=[text, pattern, group])


def filtered(node: exp.Filter) -> exp.Expr:
    """Return ``f(x) FILTER (…)``; where it is JSON of a list, the list is what is filtered."""
    made = node.this
    if not (isinstance(made, exp.Anonymous) and made.name == "to_json"):
        return node
    node.set("this", made.expressions[0])
    return exp.Anonymous(this="to_json", expressions=[node.copy()])


def _value(name: str, arguments: list[object], rewriter: Rewriter) -> exp.Expr:
    value = value_of(name, arguments, rewriter.session)
    found = literal(plain_value(value))
    if isinstance(value, str) or value is None:
        return cast_to(found, "VARCHAR")
    return found


def _is_looked_up(name: str, node: exp.Func) -> bool:
    """Whether it is a setting whose name is in a column."""
    return name == "current_setting" and not isinstance(_bare(node.expressions[0]), exp.Literal)


def _bare(node: exp.Expr) -> exp.Expr:
    inner = node.unnest()
    while isinstance(inner, exp.Cast):
        inner = inner.this
    return inner


def _series(node: exp.ExplodingGenerateSeries | exp.GenerateSeries, rewriter: Rewriter) -> exp.Expr:
    """Return numbers as rows; there may be only so many, as they are made as one value."""
    rewriter.functions.add("series")
    step = node.args.get("step") or exp.Literal.number(1)
    numbers = exp.Anonymous(this="b_series", expressions=[node.args["start"], node.args["end"], step])
    if isinstance(node.parent, exp.Table):
        return exp.Unnest(expressions=[numbers])
    return exp.Anonymous(this="unnest", expressions=[numbers])


def _subscripts(node: exp.Func) -> exp.Expr:
    """Return the places of a list, as rows; those of a vector begin at 0."""
    of = node.expressions[0]
    last: exp.Expr = exp.func("len", of.copy())
    first = 1
    if isinstance(of, exp.Column) and of.name.lower() in VECTORS:
        first, last = 0, exp.Sub(this=last, expression=exp.Literal.number(1))
    places = exp.func("generate_series", exp.Literal.number(first), last)
    return exp.Anonymous(this="unnest", expressions=[places])


def _argument(name: str, node: exp.Expr) -> object:
    """Return the value of an argument, which must be written out."""
    inner = _bare(node)
    match inner:
        case exp.Null():
            return None
        case exp.Boolean():
            return inner.this
        case exp.Literal():
            return inner.name
        case _:
            raise Refused("0A000", f"{name} takes values that are written out, in a query of the catalog")
