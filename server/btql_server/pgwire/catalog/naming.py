"""What the columns of an answer are called, and how they are spelled: as Postgres does it."""

from __future__ import annotations

from typing import cast

from sqlglot import exp

from btql_server.pgwire.catalog.relations import procedures
from btql_server.pgwire.catalog.type_names import type_name

UNNAMED = "?column?"
_NAMES: dict[str, str] = {
    "GroupConcat": "string_agg",
    "Explode": "unnest",
    "StrPosition": "position",
    "CurrentVersion": "version",
    "TimestampTrunc": "date_trunc",
    "CurrentTimestamp": "now",
    "TimeToStr": "to_char",
    "ArraySize": "array_length",
    "ExplodingGenerateSeries": "generate_series",
    "JSONArrayAgg": "json_agg",
    "JSONObjectAgg": "json_object_agg",
    "JSONBObjectAgg": "jsonb_object_agg",
    "JSONObject": "json_build_object",
    "Case": "case",
    "Array": "array",
    "Exists": "exists",
    "Pow": "power",
    "Extract": "extract",
    "StringToArray": "string_to_array",
    "ArrayToString": "array_to_string",
}
_TYPE_NAMES = {
    "boolean": "bool",
    "int": "int4",
    "integer": "int4",
    "bigint": "int8",
    "smallint": "int2",
    "float": "float4",
    "double": "float8",
    "decimal": "numeric",
    "uinteger": "oid",
}
_SHOWN_BY_NAME = ("regclass", "regtype", "regproc", "regprocedure", "regnamespace", "regrole", "regoper", "regoperator")


def name_outputs(tree: exp.Query) -> None:
    """Name the columns of every SELECT, and spell out what the answer itself shows."""
    for select in tree.find_all(exp.Select):
        projections = select.expressions
        # `EXISTS (SELECT FROM …)` has none.
        select.set("expressions", [_named(each) for each in projections or [exp.Null()]])
    for select in _arms(tree):
        for each in select.expressions:
            if isinstance(each, exp.Alias):
                each.set("this", _shown(each.this))


def _arms(tree: exp.Expr) -> list[exp.Select]:
    """Return the SELECTs whose rows are the answer."""
    match tree:
        case exp.Select():
            return [tree]
        case exp.SetOperation():
            return _arms(tree.left) + _arms(tree.right)
        case exp.Subquery():
            return _arms(tree.this)
        case _:
            return []


def _named(projection: exp.Expr) -> exp.Expr:
    if isinstance(projection, exp.Alias):
        alias = cast("exp.Identifier", projection.args["alias"])
        if not alias.quoted:
            projection.set("alias", exp.to_identifier(alias.name.lower(), quoted=True))
        return projection
    if isinstance(projection, exp.Star) or (
        isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
    ):
        return projection
    if isinstance(projection, exp.Dot) and isinstance(projection.expression, exp.Star):
        return projection
    return exp.alias_(projection, output_name(projection) or UNNAMED, quoted=True)


def _shown(node: exp.Expr) -> exp.Expr:
    """Return what the answer has for an expression: names of the catalog are texts there."""
    is_name = isinstance(node, exp.Cast) and type_name(node.to) in _SHOWN_BY_NAME
    is_procedure = isinstance(node, exp.Column) and node.name.lower() in procedures()
    return exp.cast(node.copy(), "TEXT") if is_name or is_procedure else node


def output_name(node: exp.Expr) -> str | None:
    """Return what Postgres calls a column of an answer; None where it has no name for it."""
    match node:
        case exp.Column():
            identifier = cast("exp.Identifier", node.this)
            return identifier.name if identifier.quoted else identifier.name.lower()
        case exp.Cast():
            named = type_name(node.to)
            inner = node.this
            # A type names what has no name of its own, the outermost one first.
            known = None if isinstance(inner, exp.Cast | exp.Case) else output_name(inner)
            while known is None and isinstance(inner, exp.Cast):
                inner = inner.this
                known = output_name(inner) if isinstance(inner, exp.Column | exp.Func) else None
                known = None if isinstance(inner, exp.Cast | exp.Case) else known
            return known or _TYPE_NAMES.get(named, named)
        case exp.Paren() | exp.Bracket() | exp.Collate() | exp.Filter() | exp.Window() | exp.AtTimeZone():
            return output_name(node.this)
        case exp.Dot():
            return output_name(node.expression) if isinstance(node.expression, exp.Func) else node.expression.name
        case exp.Subquery() | exp.Select():
            outputs = node.selects
            return (outputs[0].alias or output_name(outputs[0])) if outputs else None
        case exp.Boolean():
            return "bool"
        case exp.Case():
            default = node.args.get("default")
            return (output_name(default) if isinstance(default, exp.Column) else None) or "case"
        case _:
            return _function_name(node)


def _function_name(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Anonymous):
        return node.name.lower()
    known = _NAMES.get(type(node).__name__)
    if known is not None:
        return known
    if not isinstance(node, exp.Func) or isinstance(node, exp.Connector | exp.Binary):
        return None
    return node.sql_name().lower()
