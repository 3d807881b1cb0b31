"""Drawings of the grammar's errors, in golden files by code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support.golden import check_cases, read_cases

import btql_grammar
from btql_grammar.detect import detect
from btql_grammar.diagnostic import BtqlError
from btql_grammar.json_form.form import from_json
from btql_grammar.parameters import parameters_of
from btql_grammar.parser import parse
from btql_grammar.printing.printer import print_btql, print_sql
from btql_grammar.span import Source

FOLDER = Path(__file__).parent / "errors"
FILES = sorted(FOLDER.glob("*.test"))
SOURCES = Path(btql_grammar.__file__).parent.rglob("*.py")
CODES = {code for path in SOURCES for code in re.findall(r'"(B0\d\d\d)"', path.read_text(encoding="utf-8"))}


def drawing(query: str) -> str:
    """Return the error of a query in text or JSON form, or else of putting it into the other language."""
    try:
        if query.startswith("{"):
            from_json(json.loads(query))
            return "no error"
        other = print_btql if detect(query) == "sql" else print_sql
        statement = parse(query)
        parameters_of(statement)
        other(statement)
    except BtqlError as error:
        error.source = error.source or Source(query)
        return str(error)
    return "no error"


def test_every_code_has_a_file() -> None:
    assert {file.stem for file in FILES} == CODES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_drawings(file: Path, update: bool) -> None:
    check_cases(file, drawing, update=update)
    assert all(case.expected.startswith(f"error[{file.stem}]") for case in read_cases(file))
