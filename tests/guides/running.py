"""Runs the blocks of a guide in ``docs/guides``: what a reader would type, in order, and what comes out.

How a guide is written:

- Each fenced block with a language is run, by the runner that its test has for that language. A language without a
  runner fails the test, so that no block is forgotten.
- A ``text`` block right behind it, with nothing but an empty line between, is what it prints: compared to the letter,
  apart from spaces at the ends of lines. A line of it that is ``...`` alone stands for any lines, and ``...`` within
  a line for any characters. ``pytest --update`` rewrites such a block where it does not match.
- ``<!-- not run: REASON -->`` on the line before a block leaves it out, such as a command that waits for ever.

How a test is written::

    def test_the_guide(tmp_path, monkeypatch, update):
        monkeypatch.chdir(tmp_path)
        run_guide("sqlalchemy.md", {"sh": Shell(tmp_path), "python": Python()}, update=update)

The runners here: :class:`Shell`, one bash from block to block, which has the programs of this environment and none of
the user's settings; :class:`Python`, one interpreter from block to block, in the process of the test; :class:`IPython`,
one real IPython shell. Anything that takes the block's text and returns what is printed is a runner, too: a function
that hands it to psql, to javac, to a driver. Addresses that only a test knows replace those in the guide by
``replace``: the server that a guide starts at ``127.0.0.1:8000`` is the test's, and its answers, too, are written with
the guide's address again.
"""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
BLOCK = re.compile(
    r"(?P<comment><!-- not run: [^\n]+ -->\n)?"
    r"```(?P<language>\w+)\n(?P<text>.*?)^```\n(?P<printed>\n```text\n(?P<expected>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
SECONDS_MAX = 120

Runner = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a guide."""

    language: str
    text: str
    expected: str | None
    line: int
    start: int
    """Where it begins in the page, and where it ends."""
    end: int


def run_guide(
    name: str, runners: Mapping[str, Runner], *, replace: Mapping[str, str] | None = None, update: bool = False
) -> None:
    """Run all blocks of a guide and compare what they print; with ``update``, write that down."""
    path = GUIDES / name
    page = path.read_text(encoding="utf-8")
    blocks = blocks_of(page)
    assert blocks, f"{name} has nothing to run"
    written, after = [], 0
    for block in blocks:
        where = f"docs/guides/{name}:{block.line}"
        assert block.language in runners, f"{where}: no runner for `{block.language}`"
        printed = _run(block, runners[block.language], replace or {}, where)
        if block.expected is None:
            continue
        if update and not matches(block.expected, printed):
            written.append(page[after : block.start] + _with_output(page[block.start : block.end], printed))
            after = block.end
        else:
            assert matches(block.expected, printed), f"{where} prints\n{printed}\ninstead of\n{block.expected}"
    if written:
        path.write_text("".join(written) + page[after:], encoding="utf-8")


def blocks_of(page: str) -> list[Block]:
    """Return the blocks to run."""
    return [
        Block(
            found["language"],
            found["text"],
            found["expected"],
            page.count("\n", 0, found.start("text")),
            found.start(),
            found.end(),
        )
        for found in BLOCK.finditer(page)
        if found["comment"] is None
    ]


def matches(expected: str, printed: str) -> bool:
    """Return whether a block prints what the guide says."""
    wanted, given = _tidy(expected), _tidy(printed)
    # A line of dots may be no line at all, so it takes the end of its line with it.
    pattern = "".join(
        "(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + "\n"
        for line in wanted.splitlines()
    )
    return re.fullmatch(pattern, given) is not None


def _run(block: Block, runner: Runner, replace: Mapping[str, str], where: str) -> str:
    text = block.text
    for ours, real in replace.items():
        text = text.replace(ours, real)
    try:
        printed = runner(text)
    except Exception as error:
        error.add_note(f"in {where}:\n{text}")
        raise
    for ours, real in replace.items():
        printed = printed.replace(real, ours)
    return printed


def _with_output(block: str, printed: str) -> str:
    return block[: block.index("\n```text\n")] + f"\n```text\n{_tidy(printed)}```\n"


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


class Shell:
    """One bash from block to block: variables and the folder that it is in stay."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self._folder = folder
        self._state = folder / ".shell"
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = os.environ | {"PATH": programs, "COLUMNS": "100", "NO_COLOR": "1"} | variables

    def __call__(self, script: str) -> str:
        """Run a script; what it prints on both streams comes back, and a command that fails fails the test."""
        before = f'[ -e "{self._state}" ] && source "{self._state}"\nset -e -o pipefail\n'
        after = f'\n{{ declare -px; printf "cd %q\\n" "$PWD"; }} > "{self._state}"\n'
        done = subprocess.run(
            ["bash", "-c", before + script + after],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_MAX,
        )
        assert done.returncode == 0, f"ends with {done.returncode}\n{done.stdout}"
        return done.stdout


class IPython:
    """One real IPython shell from block to block; it prints what its cells do, without ``Out[1]:``."""

    def __init__(self, **names: object) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        quiet = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
        self.shell = InteractiveShell(config=quiet, user_ns=names)

    def __call__(self, text: str) -> str:
        """Run a cell; one that fails fails the test, unless the shell has drawn the error itself."""
        from IPython.utils.capture import capture_output

        with capture_output() as captured:
            self.shell.run_cell(text, silent=False).raise_error()
        return re.sub(r"^Out\[\d+\]: ?\n?", "", captured.stdout, flags=re.MULTILINE) + captured.stderr


class Python:
    """One interpreter from block to block; the value of a last line that is an expression is printed, as in a shell.

    It has a thread of its own, where no event loop runs, as programs expect.
    """

    def __init__(self, **names: object) -> None:
        self.names: dict[str, object] = {"__name__": "__main__"} | names
        self._thread = ThreadPoolExecutor(1)

    def __call__(self, text: str) -> str:
        """Run a block."""
        return self._thread.submit(self._run, text).result()

    def _run(self, text: str) -> str:
        tree = ast.parse(text)
        last = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        printed = io.StringIO()
        with redirect_stdout(printed):
            module = ast.Module(tree.body[: -1 if last else None], [])
            exec(compile(module, "<guide>", "exec", dont_inherit=True), self.names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), "<guide>", "eval", dont_inherit=True), self.names)
                if value is not None:
                    print(repr(value))
        return printed.getvalue()
