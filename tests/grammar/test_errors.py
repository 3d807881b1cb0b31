"""Drawings of the grammar's errors, in golden files by code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.golden import check_cases, read_cases

import btql_grammar
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse

FOLDER = Path(__file__).parent / "errors"
FILES = sorted(FOLDER.glob("*.test"))
SOURCES = Path(btql_grammar.__file__).parent.glob("*.py")
CODES = {code for path in SOURCES for code in re.findall(r'"(B01\d\d)"', path.read_text(encoding="utf-8"))}


def drawing(query: str) -> str:
    try:
        parse(query)
    except BtqlError as error:
        return str(error)
    return "no error"


def test_every_code_has_a_file() -> None:
    assert {file.stem for file in FILES} == CODES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_drawings(file: Path, update: bool) -> None:
    check_cases(file, drawing, update=update)
    assert all(case.expected.startswith(f"error[{file.stem}]") for case in read_cases(file))
