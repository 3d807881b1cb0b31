"""Writes what the evaluator answers into case files: where nothing is expected yet, or everywhere.

Only the evaluator fills in rows, never a door: what a door answers is what is being judged. Errors and
blocks marked ``by-hand`` are written by people and stay as they are. A block marked ``new`` is filled in although it is
there: it brings a tolerance, or says that the order is open.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from btql_conformance.cases import (
    ARROW,
    Block,
    Case,
    CaseFile,
    ExpectedRows,
    Section,
    read_cases,
    read_sheet,
    split_value,
)
from btql_conformance.documents import Document
from btql_conformance.doors import Page
from btql_conformance.evaluate import answer
from btql_conformance.rows import difference, plain, spelled
from btql_conformance.scope import EvaluationError, Options, Table
from btql_conformance.values import Value
from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse

Objects = Mapping[str, list[Document]]


@dataclass(frozen=True, slots=True)
class Problem:
    """A case that the evaluator cannot answer, or answers otherwise than expected."""

    case: Case
    language: str
    what: str


def evaluated(case: Case, language: str, objects: Objects) -> Table:
    """Return what the evaluator answers to one spelling of a case."""
    offset = case.options.get("tz_offset", 0)
    assert isinstance(offset, int)
    text = case.queries[language]
    query: str | tree.Statement = text
    if language == "json":
        from btql_grammar.json_form.form import from_json

        query = from_json(json.loads(text))
    if case.paged:
        return _in_pages(query, objects)
    return answer(query, objects, Options(offset))


def _in_pages(query: str | tree.Statement, objects: Objects) -> Table:
    """Return the rows of all pages, each with the number of its page in front."""
    statement = parse(query) if isinstance(query, str) else query
    assert isinstance(statement, tree.Query), "only a query has pages"
    assert statement.limit, "a page has a size"
    table = answer(replace(statement, limit=None), objects)
    rows = [(number // statement.limit + 1, *row) for number, row in enumerate(table.rows)]
    return replace(table, columns=("page", *table.columns), rows=rows)


def check_file(file: CaseFile) -> list[Problem]:
    """Return every spelling of every case that the evaluator does not answer as expected."""
    objects = file.data().objects()
    problems: list[Problem] = []
    for case in file.cases:
        if case.by_hand or not isinstance(case.expected, ExpectedRows):
            continue
        for language in case.queries:
            try:
                found = evaluated(case, language, objects).as_rows()
            except (EvaluationError, BtqlError) as error:
                problems.append(Problem(case, language, f"{type(error).__name__}: {error}"))
                continue
            what = difference(Page(found), case.expected)
            if what is not None:
                problems.append(Problem(case, language, what))
    return problems


def update_file(path: Path) -> list[Problem]:
    """Fill in what is expected in a case file, and return the cases for which that failed."""
    file = read_cases(path)
    objects = file.data().objects()
    sheet = read_sheet(path)
    updater = _Updater(file, objects)
    for section in sheet.sections:
        updater.update(section)
    lines = [line.rstrip() for line in sheet.head]
    while lines and not lines[-1]:
        lines.pop()
    for section in sheet.sections:
        lines += ["", *section.comments, f"=== {section.name}"]
        for block in section.blocks:
            lines.append(" ".join(["---", block.kind, *block.words]))
            lines += block.body.splitlines()
    path.write_text("\n".join([*lines, *sheet.tail]) + "\n", encoding="utf-8")
    return updater.problems


class _Updater:
    def __init__(self, file: CaseFile, objects: Objects) -> None:
        self._cases = {case.name: case for case in file.cases}
        self._objects = objects
        self.problems: list[Problem] = []

    def update(self, section: Section) -> None:
        """Fill in one section."""
        for block in section.blocks:
            if block.kind == "values" and "by-hand" not in block.words:
                block.lines = [self._value_line(section, line) for line in block.lines]
        case = self._cases.get(section.name)
        new = any("new" in block.words for block in section.blocks)
        if case is None or case.by_hand or not (case.expected is None or new):
            return
        if any(block.kind == "error" for block in section.blocks):
            return
        table = self._table(case)
        if table is None:
            return
        known = next((block for block in section.blocks if block.kind == "rows"), None)
        block = known or Block("rows", [], [], 0)
        if known is None:
            section.blocks.append(block)
        block.words = [word for word in block.words if word != "new"]
        if not table.in_order and len(table.rows) > 1 and "unordered" not in block.words:
            block.words.insert(0, "unordered")
        rows = table.as_rows()
        if "partial" in block.words and block.lines:
            rows = [{key: row[key] for key in json.loads(line)} for row, line in zip(rows, block.lines, strict=False)]
        block.lines = [spelled(row) for row in rows]

    def _value_line(self, section: Section, line: str) -> str:
        expression, expected = split_value(line)
        case = self._cases.get(f"{section.name}: {expression}")
        if case is None or expected is not None:
            return line
        table = self._table(case)
        if table is None:
            return line
        value: Value = table.rows[0][0]
        return f"{expression}{ARROW}{json.dumps(plain(value), ensure_ascii=False)}"

    def _table(self, case: Case) -> Table | None:
        for language in case.queries:
            try:
                return evaluated(case, language, self._objects)
            except (EvaluationError, BtqlError) as error:
                self.problems.append(Problem(case, language, f"{type(error).__name__}: {error}"))
        return None
