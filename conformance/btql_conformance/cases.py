r"""Case files: a query in one or more spellings, and what must come of it. The format is in conformance/README.md.

data: odd

=== a path with a dot in its name
--- btql
select: id | from: project_logs('odd') | filter: metadata."a.b" = 7
--- sql
SELECT id FROM project_logs('odd') WHERE metadata."a.b" = 7
--- rows
{"id": "dot"}

=== casts
--- values
'42'::integer => 42
'x'::integer => null
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from btql_conformance.dataset import DataSet, read_data
from btql_conformance.values import Value

LANGUAGES = ("btql", "sql", "json")
ARROW = " => "
_BLOCK = re.compile(r"--- ([a-z]+)(.*)")
_POSITION = re.compile(r"(\d+):(\d+)")
_TEMPLATES = {
    "btql": "select: {} as value | from: project_logs('one')",
    "sql": "SELECT {} AS value FROM project_logs('one')",
}
"""What an expression of a ``values`` block is put into; the data sets of its file have this object, with one row."""


class CaseFileError(Exception):
    """A case file that cannot be read."""


@dataclass(frozen=True, slots=True)
class ExpectedRows:
    """The rows that must come."""

    rows: tuple[Mapping[str, Value], ...]
    in_order: bool = True
    partial: bool = False
    """Only the columns that are named here are compared."""
    tolerance: float = 1e-9
    """How far fractions may be apart, relative to their size."""


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """The error that must come."""

    code: str
    position: tuple[int, int] | None = None
    """Line and column, both from 1; None where the query was put together here."""


Expected = ExpectedRows | ExpectedError


@dataclass(frozen=True, slots=True)
class Case:
    """One case."""

    file: str
    name: str
    line: int
    queries: Mapping[str, str]
    """By language; all of them mean the same."""
    expected: Expected | None
    """None where it has yet to be worked out."""
    options: Mapping[str, Value] = field(default_factory=dict[str, Value])
    paged: bool = False
    """The query is asked again with the cursor of the page before, until there is none; rows have the number of
    their page in front."""
    writes: tuple[str, ...] = ()
    """Statements that come first, in a database of their own."""
    by_hand: bool = False
    """The evaluator has no say: the expected rows were written by a person."""

    @property
    def id(self) -> str:
        """The case as reports name it."""
        return f"{self.file}::{self.name}"


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of one subject and the data they are about."""

    name: str
    path: Path
    data_names: tuple[str, ...]
    inline: str
    cases: tuple[Case, ...]

    def data(self) -> DataSet:
        """Return the data, read from its files."""
        folder = corpus_folder(self.path) / "data"
        return read_data([folder / f"{name}.ndjson" for name in self.data_names], self.inline)


def corpus_folder(path: Path) -> Path:
    """Return the folder of the corpus that a case file is in: the one with ``data`` in it."""
    return next((each for each in path.resolve().parents if (each / "data").is_dir()), path.parent)


@dataclass(slots=True)
class Block:
    """A ``---`` line and the lines below it."""

    kind: str
    words: list[str]
    lines: list[str]
    line: int

    @property
    def body(self) -> str:
        """The lines, without empty ones at the end."""
        return "\n".join(self.lines).rstrip()


@dataclass(slots=True)
class Section:
    """A ``===`` line and its blocks."""

    name: str
    line: int
    comments: list[str] = field(default_factory=list[str])
    """Lines that stand before the ``===``."""
    blocks: list[Block] = field(default_factory=list[Block])


@dataclass(slots=True)
class Sheet:
    """A case file as text, taken apart so that it can be written again."""

    head: list[str]
    sections: list[Section]
    tail: list[str] = field(default_factory=list[str])


def read_sheet(path: Path) -> Sheet:
    """Take a case file apart."""
    sheet = Sheet([], [])
    pending: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        matched = _BLOCK.fullmatch(line)
        if line.startswith("=== "):
            sheet.sections.append(Section(line[4:].strip(), number, pending))
            pending = []
        elif matched is not None and sheet.sections:
            sheet.sections[-1].blocks.append(Block(matched[1], matched[2].split(), [], number))
        elif not sheet.sections:
            sheet.head.append(line)
        elif line.startswith("#"):
            pending.append(line)
        elif sheet.sections[-1].blocks:
            sheet.sections[-1].blocks[-1].lines.append(line)
        elif line.strip():
            raise CaseFileError(f"{path}:{number}: expected a line with `---`")
    sheet.tail = pending
    return sheet


def read_cases(path: Path) -> CaseFile:
    """Read a case file."""
    sheet = read_sheet(path)
    folder = corpus_folder(path)
    shown = path.resolve().relative_to(folder).with_suffix("").as_posix()
    names: tuple[str, ...] = ()
    inline: list[str] = []
    for line in sheet.head:
        if line.startswith("data:"):
            names = tuple(piece.strip() for piece in line.removeprefix("data:").split(",") if piece.strip())
        elif line.startswith("{"):
            inline.append(line)
        elif line.strip() and not line.startswith("#"):
            raise CaseFileError(f"{path}: unknown line at the top: {line}")
    cases = tuple(case for section in sheet.sections for case in _cases(shown, section))
    ids = [case.id for case in cases]
    twice = {each for each in ids if ids.count(each) > 1}
    if twice:
        raise CaseFileError(f"{path}: cases with the same name: {', '.join(sorted(twice))}")
    return CaseFile(shown, path, names, "\n".join(inline), cases)


def _cases(file: str, section: Section) -> Iterator[Case]:
    queries: dict[str, str] = {}
    case = Case(file, section.name, section.line, queries, None)
    for block in section.blocks:
        match block.kind:
            case "btql" | "sql" | "json":
                queries[block.kind] = block.body
            case "pages":
                case = replace(case, paged=True)
            case "writes":
                case = replace(case, writes=tuple(line for line in block.lines if line.strip()))
            case "options":
                case = replace(case, options=json.loads(block.body))
            case "rows":
                case = replace(case, expected=read_rows(block), by_hand="by-hand" in block.words)
            case "error":
                case = replace(case, expected=_error(block.words))
            case "values":
                yield from _values(file, section, block, case.options)
            case _:
                raise CaseFileError(f"{file}, line {block.line}: unknown block `{block.kind}`")
    if queries:
        yield case


def read_rows(block: Block) -> ExpectedRows:
    """Return the rows of a block."""
    rows = tuple(cast("dict[str, Value]", json.loads(line)) for line in block.lines if line.strip())
    tolerance = next((float(word.partition("=")[2]) for word in block.words if word.startswith("tolerance=")), 1e-9)
    return ExpectedRows(rows, "unordered" not in block.words, "partial" in block.words, tolerance)


def _error(words: list[str]) -> ExpectedError:
    if not words:
        raise CaseFileError("an error needs its code")
    matched = _POSITION.fullmatch(words[1]) if len(words) > 1 else None
    return ExpectedError(words[0], (int(matched[1]), int(matched[2])) if matched else None)


def _values(file: str, section: Section, block: Block, options: Mapping[str, Value]) -> Iterator[Case]:
    wanted = [word for word in block.words if word in LANGUAGES] or ["btql", "sql"]
    for number, line in enumerate(block.lines, block.line + 1):
        if not line.strip() or line.startswith("--"):
            continue
        expression, expected = split_value(line)
        queries = {language: _TEMPLATES[language].replace("{}", expression) for language in wanted}
        name = f"{section.name}: {expression}"
        yield Case(file, name, number, queries, expected, options, by_hand="by-hand" in block.words)


def split_value(line: str) -> tuple[str, Expected | None]:
    """Return the expression on a line of a ``values`` block, and what it must be."""
    expression, arrow, value = line.rpartition(ARROW)
    if not arrow:
        return line.strip(), None
    if value.startswith("error "):
        return expression.strip(), _error(value.split()[1:])
    return expression.strip(), ExpectedRows(({"value": json.loads(value)},))


def find_case_files(paths: list[Path]) -> list[CaseFile]:
    """Read every case file at or below the paths."""
    found = [each for path in paths for each in (sorted(path.rglob("*.cases")) if path.is_dir() else [path])]
    return [read_cases(path) for path in dict.fromkeys(found)]


def own_corpus() -> Path:
    """Return the folder of the corpus that comes with this package."""
    here = Path(__file__).resolve().parent
    installed = here / "cases"
    return installed if installed.is_dir() else here.parent / "cases"
