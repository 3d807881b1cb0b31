"""Where rows come from: objects, named queries, queries in FROM, functions that give rows, joins by nested loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from btql_conformance.documents import PLACE, Document
from btql_conformance.expressions import evaluate
from btql_conformance.intervals import Interval
from btql_conformance.operators import arithmetic, text_of
from btql_conformance.scope import Context, EvaluationError, Fields, Row, Scope, Table, document_fields
from btql_conformance.shapes import summary_rows
from btql_conformance.values import Number, Value, eq, time_in
from btql_grammar import tree

CONSTANTS = {
    "project_logs": "project_id",
    "experiment": "experiment_id",
    "dataset": "dataset_id",
    "playground_logs": "prompt_session_id",
}
"""By kind of object: the field that holds its name in every row."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one or more relations side by side."""

    fields: tuple[Fields, ...]
    rows: list[tuple[Row, ...]]

    def scopes(self, template: Scope) -> list[Scope]:
        """Return one scope for each row."""
        return [replace(template, relations=tuple(zip(self.fields, row, strict=True))) for row in self.rows]


NOTHING = Rows((), [()])
"""What a query without FROM goes through: one row without fields."""


def relation_rows(source: tree.Relation | None, scope: Scope) -> Rows:
    """Return the rows of a relation; ``scope`` is what a query around it, or a LATERAL, may look at."""
    match source:
        case None:
            return NOTHING
        case tree.From():
            return _documents(source, scope.context)
        case tree.Table():
            return _named(source, scope.context)
        case tree.Derived():
            table = scope.context.run(source.query, scope.context, scope if source.lateral else scope.outer)
            return _table_rows(table, source.alias, source.columns)
        case tree.TableCall():
            return _call_rows(source, scope)
        case tree.Join():
            return _joined(source, scope)


def _documents(source: tree.From, context: Context) -> Rows:
    documents: list[Document] = []
    for name in source.arguments:
        documents += _object(source.kind, name, context)
    documents.sort(key=lambda document: cast("str", document[PLACE]), reverse=True)
    constants = [CONSTANTS[source.kind]] if source.kind in CONSTANTS else []
    if source.kind == "project_logs":
        constants.append("log_id")
    if source.shape == "summary":
        documents = summary_rows(documents)
    fields = document_fields(source.alias, documents, constants)
    return Rows((fields,), [(document,) for document in documents])


def _object(kind: str, name: str, context: Context) -> list[Document]:
    found = context.objects.get(f"{kind}:{name}")
    if found is None:
        raise EvaluationError(f"there is no {kind} called {name}")
    constants: Document = {CONSTANTS[kind]: name} if kind in CONSTANTS else {}
    if kind == "project_logs":
        constants["log_id"] = "g"
    return [{**document, **constants} for document in found]


def _named(source: tree.Table, context: Context) -> Rows:
    name = source.path[-1]
    if len(source.path) == 1 and name in context.tables:
        return _table_rows(context.tables[name], source.alias or name, source.columns)
    wanted = [
        key for key in context.objects if key == ":".join(source.path) or key.partition(":")[2] == ".".join(source.path)
    ]
    if len(wanted) != 1:
        raise EvaluationError(f"{'.'.join(source.path)} is no table, or more than one")
    kind, _, name = wanted[0].partition(":")
    return _documents(tree.From(kind, (name,), alias=source.alias or source.path[-1]), context)


def _table_rows(table: Table, alias: str | None, renamed: Sequence[str]) -> Rows:
    columns = (*renamed, *table.columns[len(renamed) :])
    return Rows((Fields(alias, columns),), [(dict(zip(columns, row, strict=True)),) for row in table.rows])


# Functions that give rows


def _call_rows(source: tree.TableCall, scope: Scope) -> Rows:
    call = source.call
    arguments = [evaluate(argument, scope) for argument in call.arguments]
    columns, rows = _CALLS[call.name](arguments)
    if source.columns:
        columns = [*source.columns, *columns[len(source.columns) :]]
    elif len(columns) == 1 and columns != ["value"] and source.alias:
        columns = [source.alias]
    if source.ordinality:
        columns = [*columns, *(["ordinality"] if len(columns) == len(rows[0] if rows else columns) else [])]
        rows = [(*row, number) for number, row in enumerate(rows, 1)]
    fields = Fields(source.alias or call.name, tuple(columns))
    return Rows((fields,), [(dict(zip(columns, row, strict=False)),) for row in rows])


Columns = list[str]
Listed = list[tuple[Value, ...]]


def _unnest(arguments: list[Value]) -> tuple[Columns, Listed]:
    return ["unnest"], [(element,) for element in _array(arguments[0])]


def _array(value: Value) -> list[Value]:
    return cast("list[Value]", value) if isinstance(value, list) else []


def _members(value: Value) -> Mapping[str, Value]:
    return cast("dict[str, Value]", value) if isinstance(value, dict) else {}


def _series(arguments: list[Value]) -> tuple[Columns, Listed]:
    if len(arguments) == 3 and isinstance(arguments[2], Interval):
        return ["generate_series"], [(moment,) for moment in _moments(*arguments)]
    begin, end, step = cast("list[Number]", [*arguments, 1][:3])
    rows: Listed = []
    while (begin <= end) if step > 0 else (begin >= end):
        rows.append((begin,))
        begin += step
    return ["generate_series"], rows


def _moments(begin: Value, end: Value, step: Value) -> Iterator[Value]:
    """Yield the times from one to another; a step back is none that a case has."""
    moment, last = time_in(begin), time_in(end)
    while moment is not None and last is not None and moment <= last:
        yield moment
        moment = time_in(arithmetic("add", moment, step))


_CALLS: dict[str, Callable[[list[Value]], tuple[Columns, Listed]]] = {
    "unnest": _unnest,
    "explode": _unnest,
    "generate_series": _series,
    "jsonb_array_elements": lambda a: (["value"], [(element,) for element in _array(a[0])]),
    "json_array_elements": lambda a: (["value"], [(element,) for element in _array(a[0])]),
    "jsonb_array_elements_text": lambda a: (["value"], [(text_of(element),) for element in _array(a[0])]),
    "jsonb_object_keys": lambda a: (["jsonb_object_keys"], [(key,) for key in _members(a[0])]),
    "json_object_keys": lambda a: (["json_object_keys"], [(key,) for key in _members(a[0])]),
    "jsonb_each": lambda a: (["key", "value"], list(_members(a[0]).items())),
    "json_each": lambda a: (["key", "value"], list(_members(a[0]).items())),
    "jsonb_each_text": lambda a: (["key", "value"], [(key, text_of(value)) for key, value in _members(a[0]).items()]),
}


# Joins


def _joined(join: tree.Join, scope: Scope) -> Rows:
    left = relation_rows(join.left, scope)
    template = replace(scope, outer=scope.outer)
    fixed = None if _depends(join.right) else relation_rows(join.right, scope)
    shape = fixed or relation_rows(join.right, _row_scope(left, _blank(left), template))
    shared = _shared(join, left, shape)
    rows: list[tuple[Row, ...]] = []
    taken: set[int] = set()
    for row in left.rows:
        right = fixed or relation_rows(join.right, _row_scope(left, row, template))
        matches = [
            at for at, other in enumerate(right.rows) if _matches(join, shared, (left, row), (right, other), template)
        ]
        taken.update(matches)
        rows += [(*row, *right.rows[at]) for at in matches]
        if not matches and join.kind in ("left", "full"):
            rows.append((*row, *_blank(shape)))
    if join.kind in ("right", "full"):
        rows += [(*_blank(left), *other) for at, other in enumerate(shape.rows) if at not in taken]
    return _merged(Rows((*left.fields, *shape.fields), rows), shared, len(left.fields))


def _blank(rows: Rows) -> tuple[Row, ...]:
    return tuple({} for _ in rows.fields)


def _depends(source: tree.Relation) -> bool:
    return isinstance(source, tree.TableCall) or (isinstance(source, tree.Derived) and source.lateral)


def _row_scope(left: Rows, row: tuple[Row, ...], template: Scope) -> Scope:
    own = tuple(zip(left.fields, row, strict=True))
    return replace(template, relations=(*template.relations, *own))


def _shared(join: tree.Join, left: Rows, right: Rows) -> tuple[str, ...]:
    if not join.natural:
        return join.using
    names = [name for fields in left.fields for name in fields.columns if fields.offers(name)]
    return tuple(name for name in dict.fromkeys(names) if any(fields.offers(name) for fields in right.fields))


def _matches(
    join: tree.Join,
    shared: Sequence[str],
    left: tuple[Rows, tuple[Row, ...]],
    right: tuple[Rows, tuple[Row, ...]],
    template: Scope,
) -> bool:
    one = tuple(zip(left[0].fields, left[1], strict=True))
    other = tuple(zip(right[0].fields, right[1], strict=True))
    if shared:
        here, there = replace(template, relations=one), replace(template, relations=other)
        return all(eq(here.value((name,)), there.value((name,))) is True for name in shared)
    if join.on is None:
        return True
    return evaluate(join.on, replace(template, relations=(*one, *other))) is True


def _merged(rows: Rows, shared: Sequence[str], left: int) -> Rows:
    """Put the columns of USING into a relation of their own, in front of the others."""
    if not shared:
        return rows
    covered = tuple(replace(fields, covered=fields.covered | set(shared)) for fields in rows.fields)
    own = Fields(None, tuple(shared))
    merged: list[tuple[Row, ...]] = []
    for row in rows.rows:
        one, other = (
            {name: next((each.get(name) for each in side if each.get(name) is not None), None) for name in shared}
            for side in (row[:left], row[left:])
        )
        both = {name: one[name] if one[name] is not None else other[name] for name in shared}
        merged.append((both, *row))
    return Rows((own, *covered), merged)
