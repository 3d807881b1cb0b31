"""How the code must look, as a test: sizes, docstrings, sorted exports, a page per error code.

A limit that does not fit a file gets a line in the allow-list below with its
reason. The allow-list may shrink; it grows only with a very good reason.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    "btql",
    "grammar/btql_grammar",
    "planner/btql_planner",
    "storage/btql_storage",
    "server/btql_server",
    "conformance/btql_conformance",
)

FILE_LINES_MAX = 600
TEST_FILE_LINES_MAX = 1000
FUNCTION_LINES_MAX = 60

ALLOWED_FILE_LINES: dict[str, tuple[int, str]] = {}
"""File to (lines, reason)."""

ALLOWED_FUNCTION_LINES: dict[str, tuple[int, str]] = {}
"""``file::function`` to (lines, reason)."""

ERROR_CODE = re.compile(r"""["']([BS]\d{4})["']""")


@cache
def _sources() -> list[Path]:
    return sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))


@cache
def _tests() -> list[Path]:
    return sorted((ROOT / "tests").rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def _lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines the body takes, its docstring not counted."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_files_are_not_too_long():
    found: list[str] = []
    for limit, paths in ((FILE_LINES_MAX, _sources()), (TEST_FILE_LINES_MAX, _tests())):
        for path in paths:
            lines = len(path.read_text(encoding="utf-8").splitlines())
            allowed = ALLOWED_FILE_LINES.get(_name(path), (limit, ""))[0]
            if lines > allowed:
                found.append(f"{_name(path)}: {lines} lines, {allowed} allowed")

    assert found == []


def test_functions_fit_a_screen():
    found: list[str] = []
    for path in _sources():
        for function in _functions(path):
            name = f"{_name(path)}::{function.name}"
            allowed = ALLOWED_FUNCTION_LINES.get(name, (FUNCTION_LINES_MAX, ""))[0]
            if _lines(function) > allowed:
                found.append(f"{name}: {_lines(function)} lines, {allowed} allowed")

    assert found == []


def test_the_allow_list_is_needed_and_reasoned():
    names = {_name(path) for path in [*_sources(), *_tests()]}
    functions = {f"{_name(path)}::{function.name}" for path in _sources() for function in _functions(path)}

    assert set(ALLOWED_FILE_LINES) <= names
    assert set(ALLOWED_FUNCTION_LINES) <= functions
    assert all(reason for _, reason in [*ALLOWED_FILE_LINES.values(), *ALLOWED_FUNCTION_LINES.values()])


def test_every_module_says_what_it_is():
    assert [_name(path) for path in _sources() if ast.get_docstring(_tree(path)) is None] == []


def test_every_package_is_typed():
    assert [folder for folder in SOURCES if not (ROOT / folder / "py.typed").exists()] == []


def test_exports_are_sorted():
    found: list[str] = []
    for path in _sources():
        for node in _tree(path).body:
            if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"):
                continue
            names = ast.literal_eval(node.value)
            if list(names) != sorted(names):
                found.append(_name(path))

    assert found == []


def test_every_error_code_has_a_page():
    raising = [path for path in _sources() if path.name != "sqlstates.py"]
    used = {code for path in raising for code in ERROR_CODE.findall(path.read_text(encoding="utf-8"))}
    pages = {path.stem for path in (ROOT / "docs" / "errors").glob("[BS][0-9]*.md")}

    assert sorted(used - pages) == [], "codes without a page in docs/errors"
    assert sorted(pages - used) == [], "pages for codes that nothing raises"


def test_no_todo_is_left():
    found = [_name(path) for path in _sources() if re.search(r"#\s*(TODO|FIXME|XXX)", path.read_text(encoding="utf-8"))]

    assert found == []


@pytest.mark.parametrize("name", ["LICENSE", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_project_introduces_itself(name):
    assert (ROOT / name).read_text(encoding="utf-8").strip()


def test_links_between_pages_lead_somewhere():
    found: list[str] = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        targets = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
        found += [f"{_name(page)}: {to}" for to in targets if "://" not in to and not (page.parent / to).exists()]

    assert found == []
