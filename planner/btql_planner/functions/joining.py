"""Functions that put values together as one text, and that quote them for SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence

from btql_planner import sql_text, types
from btql_planner.format_directives import unknown
from btql_planner.functions.call import ArgumentError, written_text
from btql_planner.functions.declare import Any, Text, scalar
from btql_planner.spelling import as_json, as_text
from btql_planner.types import Kind, Type
from btql_planner.value import choose, of, structure

_NAME = re.compile(sql_text.NAME)


def _joined_type(arguments: Sequence[Type]) -> Type:
    if not all(argument & types.CONTENTS for argument in arguments):
        return types.TEXT
    joins = all(argument <= types.CONTENTS for argument in arguments)
    return types.JSON if joins else types.JSON | types.TEXT


def _bounded(form: str, between: str, texts: Sequence[str]) -> str:
    """Return the SQL of texts that become one.

    Where a column is in it twice, and again in what is made of it, texts double with every step, and the engine counts
    no memory for them: so it is counted beforehand.
    """
    joined = form.format(between.join(texts))
    columns = [name for text in texts for name in {*_NAME.findall(text)}]
    if len(columns) == len({*columns}):
        return joined
    size = " + ".join(f"coalesce(CAST(octet_length({text}) AS BIGINT), 0)" for text in texts)
    return f"CASE WHEN btql_bytes_fit({size}) THEN {joined} END"


@scalar
def concat(*items: Any) -> Text:
    """Return the items as texts, one after the other; nulls are left out.

    >>> concat('a', 1, null, true)
    'a1true'
    """
    return _bounded("concat({})", ", ", [as_text(item) for item in items])


@scalar(returns=_joined_type)
def textcat(*items: Any) -> Any:
    """Return the items as texts, one after the other, and null where any of them is; SQL writes it ``||``.

    Arrays and objects alone make one longer array or one larger object; beside them, a text of the query that spells
    one is one.

    >>> textcat('a', 1, true)
    'a1true'
    """
    kinds = _joined_type([item.type for item in items])
    text = of(Kind.TEXT, sql_text.null(Kind.TEXT))
    if Kind.TEXT in kinds:
        text = of(Kind.TEXT, _bounded("({})", " || ", [as_text(item) for item in items]))
    if Kind.JSON not in kinds:
        return text
    documents = [document for item in items if (document := structure(item)) is not None]
    joined, *others = documents
    for other in others:
        joined = f"btql_json_merge({joined}, {other})"
    if kinds == types.JSON:
        return of(Kind.JSON, joined)
    are_documents = sql_text.all_of([f"{document} IS NOT NULL" for document in documents])
    return choose([(are_documents, of(Kind.JSON, joined))], text)


@scalar
def concat_ws(separator: Text, *items: Any) -> Text:
    """Return the items as texts with a separator between them; nulls are left out.

    >>> concat_ws('-', 'a', null, 1)
    'a-1'
    """
    texts = [as_text(item) for item in items] or [sql_text.null(Kind.TEXT)]
    if not any(_NAME.search(text) for text in texts) and _NAME.search(separator):
        # Of nulls alone, between which there is a column, the engine makes a plan that it then refuses.
        texts[0] = sql_text.varying(texts[0])
    return _bounded("concat_ws({})", ", ", [separator, *texts])


@scalar(python=True, name="format")
def format_(pattern: Text, *items: Any) -> Text:
    """Return ``pattern`` with each ``%s`` replaced by the next item, and ``%2$s`` by item 2.

    ``%L`` puts the item in quotes as a text of SQL, ``%I`` as a name, and ``%%`` is a per cent sign. ``%8s`` fills up
    to 8 characters on the left, ``%-8s`` on the right, and ``%*s`` to as many as the item before says.

    >>> format('%s is %s%%', 'a', 5)
    'a is 5%'
    """
    if (piece := unknown(written_text(pattern) or "")) is not None:
        advice = "`%%` is a per cent sign; `round` and `to_char` write numbers with as many digits as are wanted"
        raise ArgumentError(f"format knows `%s`, `%I` and `%L`, but not `{piece}`", 0, help=advice)
    members = " || ',' || ".join(f"coalesce({as_json(item)}, 'null')" for item in items)
    listed = f"'[' || {members} || ']'" if members else "'[]'"
    return f"btql_format({pattern}, {listed})"


@scalar
def quote_literal(value: Any) -> Text:
    """Return ``value`` as a text of SQL, in single quotes.

    >>> quote_literal('it''s')
    "'it''s'"
    """
    return f"('''' || replace({as_text(value)}, '''', '''''') || '''')"


@scalar
def quote_ident(value: Text) -> Text:
    """Return ``value`` as a name of SQL, in double quotes.

    >>> quote_ident('my field')
    '"my field"'
    """
    return f"""('"' || replace({value}, '"', '""') || '"')"""
