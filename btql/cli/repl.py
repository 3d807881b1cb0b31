"""The shell's loop, without a terminal: text in, answers out.

A statement ends with ``;`` or with an empty line; a line that starts with a
backslash is a meta command by itself. The same rules hold for lines typed at the
prompt and for lines piped in, so a script can be tried by hand.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

from pygments.token import Comment, Punctuation, Whitespace

from btql.cli import units
from btql.cli.console import described, note
from btql.cli.formats import draw_table
from btql.cli.lexer import BtqlLexer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from btql.cli.meta import Meta
    from btql.result import Result

_LEXER = BtqlLexer(ensurenl=False, stripnl=False)


class Asks(Protocol):
    """What the loop needs of a connection."""

    def query(self, query: str, /) -> Result:
        """Run one query."""
        ...


def ends(text: str) -> bool:
    """Return whether ``text`` is complete: a meta command, or a statement with its end."""
    stripped = text.strip()
    if stripped.startswith("\\"):
        return True
    if not stripped or text.endswith("\n") or text.rsplit("\n", 1)[-1].strip() == "":
        return True
    meaningful = [
        (kind, value)
        for kind, value in _LEXER.get_tokens(text)
        if kind is not Whitespace and kind is not Comment.Single
    ]
    return bool(meaningful) and meaningful[-1] == (Punctuation, ";")


def statements(lines: Iterable[str]) -> Iterator[str]:
    """Yield the statements of piped lines."""
    open_lines: list[str] = []
    for line in lines:
        open_lines.append(line.rstrip("\n"))
        text = "\n".join(open_lines)
        if ends(text):
            open_lines.clear()
            if text.strip():
                yield text.strip()
    if open_lines:
        yield "\n".join(open_lines).strip()


class Loop:
    """Runs statements one after the other and remembers whether one failed."""

    def __init__(self, connection: Asks, meta: Meta) -> None:
        self.failed = False
        self.done = False
        self._connection = connection
        self._meta = meta

    def run(self, statement: str) -> None:
        """Run one statement; what is wrong with it is printed and not raised."""
        if statement.startswith("\\"):
            self._guarded(lambda: self._command(statement))
        elif statement.rstrip("; \n"):
            self._guarded(lambda: self._ask(statement))

    def _command(self, statement: str) -> None:
        self.done = self._meta.run(statement)

    def _ask(self, statement: str) -> None:
        began = time.perf_counter()
        result = self._connection.query(statement)
        for warning in result.warnings:
            note(f"warning: {warning}")
        rows, remarks = draw_table(result)
        details = [units.plural(rows, "row")]
        if self._meta.timing:
            details[0] += f" in {units.duration(time.perf_counter() - began)}"
        note("; ".join([*details, *remarks]).replace("--format jsonl has all", "btql query --format jsonl has all"))

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except KeyboardInterrupt:
            if not sys.stdin.isatty():
                # Whoever typed it meant all of a script.
                raise
            note("interrupted")
            self.failed = True
        except BrokenPipeError:
            raise
        except Exception as error:
            text = described(error)
            if text is None:
                raise
            note(text)
            self.failed = True
