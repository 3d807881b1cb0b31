"""Which constructs of the language the cases have: kinds of node, clauses and shapes, operators, functions, errors.

A construct counts once for each case that has it in any of its spellings.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import cast, get_args

from btql_conformance.cases import Case, ExpectedError
from btql_grammar import tree, tree_statements
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse
from btql_grammar.span import Span

Construct = tuple[str, str]
"""The group, and the name in it."""
_UNIONS = (tree.Expression, tree.Relation, tree.AnyQuery, tree_statements.NoQuery)
NODES = tuple(cls.__name__ for union in _UNIONS for cls in get_args(union))
_NO_CLAUSE = frozenset({"span", "language", "source", "with_", "windows"})
CLAUSES = tuple(each.name for each in fields(tree.Query) if each.name not in _NO_CLAUSE)
SHAPES: tuple[str, ...] = get_args(tree.Shape)
OPERATORS = (*get_args(tree.ComparisonOp), *get_args(tree.ArithmeticOp), *get_args(tree.JsonOp), "and", "or")
GROUPS = ("languages", "nodes", "clauses by shape", "operators", "functions", "errors")
_TITLES = {
    "languages": "Languages",
    "nodes": "Kinds of node",
    "clauses by shape": "Clauses, by the shape of the source",
    "operators": "Operators",
    "functions": "Functions",
    "errors": "Errors",
}


def known_constructs(functions: Iterable[str], errors: Iterable[str]) -> list[Construct]:
    """Return every construct there is; functions and codes of errors come from whoever knows them."""
    return [
        *(("languages", name) for name in ("btql", "sql", "json")),
        *(("nodes", name) for name in NODES),
        *(("clauses by shape", f"{clause} over {shape}") for clause in CLAUSES for shape in SHAPES),
        *(("operators", name) for name in OPERATORS),
        *(("functions", name) for name in sorted(functions)),
        *(("errors", code) for code in sorted(errors)),
    ]


def count(cases: Iterable[Case]) -> Counter[Construct]:
    """Return in how many cases each construct is."""
    counter: Counter[Construct] = Counter()
    for case in cases:
        counter.update(constructs(case))
    return counter


def constructs(case: Case) -> set[Construct]:
    """Return the constructs that a case has; of a text that cannot be read only its error."""
    found: set[Construct] = {("languages", language) for language in case.queries}
    if isinstance(case.expected, ExpectedError):
        found.add(("errors", case.expected.code))
    for language, text in case.queries.items():
        try:
            found.update(_in_tree(_read(language, text)))
        except BtqlError:
            assert isinstance(case.expected, ExpectedError), f"{case.id} cannot be read"
    for text in case.writes:
        found.update(_in_tree(parse(text)))
    if case.paged:
        found.update([("clauses by shape", f"cursor over {shape}") for shape in SHAPES if _has_shape(case, shape)])
    return found


def _has_shape(case: Case, shape: str) -> bool:
    trees = [_read(language, text) for language, text in case.queries.items()]
    return any(isinstance(each, tree.Query) and _shape(each) == shape for each in trees)


def _shape(query: tree.Query) -> str:
    return query.source.shape if isinstance(query.source, tree.From) else "spans"


def _read(language: str, text: str) -> tree.Statement:
    if language == "json":
        from btql_grammar.json_form.form import from_json

        return from_json(json.loads(text))
    return parse(text)


def _in_tree(node: object) -> Iterator[Construct]:
    if isinstance(node, tuple):
        for part in cast("tuple[object, ...]", node):
            yield from _in_tree(part)
        return
    if not is_dataclass(node) or isinstance(node, Span | type):
        return
    name = type(node).__name__
    if name in NODES:
        yield "nodes", name
    if isinstance(node, tree.Query):
        shape = _shape(node)
        empty = tree.Query()
        for clause in CLAUSES:
            if getattr(node, clause) != getattr(empty, clause):
                yield "clauses by shape", f"{clause} over {shape}"
    elif isinstance(node, tree.Comparison | tree.Arithmetic | tree.JsonOperator | tree.Boolean):
        yield "operators", node.op
    elif isinstance(node, tree.Call):
        yield "functions", node.name
    for each in fields(node):
        yield from _in_tree(getattr(node, each.name))


def page(known: Sequence[Construct], counted: Mapping[Construct, int], cases: int) -> str:
    """Return the table as a page of the documentation."""
    covered = sum(counted.get(construct, 0) > 0 for construct in known)
    lines = [
        "# What the conformance cases cover",
        "",
        "Made from the cases in `conformance/cases`; `pytest tests/test_conformance.py --update` writes it anew. A",
        "number says in how many cases a construct is, in any spelling. No number may become smaller.",
        "",
        f"{cases:,} cases, {covered} of {len(known)} constructs.",
    ]
    for group in GROUPS:
        members = [construct for construct in known if construct[0] == group]
        lines += ["", f"## {_TITLES[group]}", "", "| construct | cases |", "|---|---:|"]
        lines += [f"| `{name}` | {counted.get((group, name), 0)} |".replace("|`", "\\|`") for _, name in members]
    return "\n".join(lines) + "\n"
