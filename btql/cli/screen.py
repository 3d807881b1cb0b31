"""The terminal as tables need it: how wide it is, how wide text is on it, bold and dim.

Rich knows far more of terminals, and takes a tenth of a short query to import: so its
table of wide characters is asked alone, and only about text that is not ASCII.
"""

from __future__ import annotations

import os
import sys

WIDTH_UNKNOWN = 80
"""Cells, of a terminal that does not say."""
_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


class Screen:
    """Standard output as it is now; in a pipe or a file text has no style and a line no end."""

    def __init__(self) -> None:
        self.width = _width() if sys.stdout.isatty() else None
        """In cells; None where this is no terminal."""
        self._has_styles = self.width is not None and os.environ.get("TERM", "dumb") != "dumb"

    def bold(self, text: str) -> str:
        """Return text to be printed in bold."""
        return self._styled(_BOLD, text)

    def dim(self, text: str) -> str:
        """Return text to be printed fainter than the rest."""
        return self._styled(_DIM, text)

    def _styled(self, style: str, text: str) -> str:
        return f"{style}{text}{_PLAIN}" if self._has_styles and text else text


def _width() -> int:
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH_UNKNOWN
    except (OSError, ValueError):
        return WIDTH_UNKNOWN


def cells_of(text: str) -> int:
    """Return how many cells printable text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def cut_to(text: str, cells: int) -> str:
    """Return as much of printable text as fits into so many cells; half a wide character is a space."""
    if text.isascii():
        return text[:cells]
    from rich.cells import set_cell_size

    return set_cell_size(text, min(cells, cells_of(text)))
