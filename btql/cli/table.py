"""Draw rows as a table that fits the terminal.

Values that do not fit are cut, marked with an ellipsis, and the caller is told
so. Where even cut columns do not fit side by side, each row becomes a block
with one line per column. Into a pipe nothing is cut: its width is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql.cli.screen import Screen, cells_of, cut_to

if TYPE_CHECKING:
    from collections.abc import Sequence

NARROW = 10
"""A column is not squeezed below this many cells, unless its values are shorter."""
GAP = 3
"""Cells between two columns."""
NULL = "null"
ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Cell:
    """One value as text."""

    text: str
    null: bool = False


def draw(
    names: Sequence[str], rows: Sequence[Sequence[Cell]], numeric: Sequence[bool], width: int | None = None
) -> bool:
    """Print a table on standard output; return whether a value was cut."""
    screen = Screen()
    if width is None:
        width = screen.width
    limit = width or 10**9
    # Widths beyond the terminal's are all the same, and measuring documents takes long.
    wanted = [
        min(limit, max([cells_of(name), *(cells_of(row[i].text[: limit + 1]) for row in rows)]))
        for i, name in enumerate(names)
    ]
    if width is not None:
        least = sum(min(cells, NARROW) for cells in wanted) + GAP * (len(wanted) - 1)
        if least > width:
            return _blocks(screen, names, rows, width)
        wanted = _fit(wanted, width - GAP * (len(wanted) - 1))
    return _grid(screen, names, rows, numeric, wanted)


def _fit(wanted: list[int], room: int) -> list[int]:
    """Return widths that fit, taking from the widest columns first."""
    widths = list(wanted)
    excess = sum(widths) - room
    while excess > 0:
        widest = max(widths)
        at_top = [i for i, cells in enumerate(widths) if cells == widest]
        below = max([NARROW, *(cells for cells in widths if cells < widest)])
        if below >= widest:
            below = widest - 1
        step = min(widest - below, -(-excess // len(at_top)))
        for i in at_top:
            cut = min(step, excess)
            widths[i] -= cut
            excess -= cut
    return widths


def _grid(
    screen: Screen,
    names: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    numeric: Sequence[bool],
    widths: Sequence[int],
) -> bool:
    was_cut = False
    gap = " " * GAP
    header = gap.join(
        _padded(name, cells, right=right) for name, cells, right in zip(names, widths, numeric, strict=True)
    )
    print(screen.bold(header.rstrip()))
    print(screen.dim(gap.join("─" * cells for cells in widths)))
    for row in rows:
        line: list[str] = []
        for i, (cell, cells) in enumerate(zip(row, widths, strict=True)):
            text, cut = _cut(cell.text, cells)
            was_cut |= cut
            last = i == len(row) - 1 and not numeric[i]
            text = text if last else _padded(text, cells, right=numeric[i])
            line.append(screen.dim(text) if cell.null else text)
        print(gap.join(line))
    return was_cut


def _blocks(screen: Screen, names: Sequence[str], rows: Sequence[Sequence[Cell]], width: int) -> bool:
    was_cut = False
    label = min(max(cells_of(name) for name in names), max(NARROW, width // 3))
    for number, row in enumerate(rows, start=1):
        print(screen.dim(f"── row {number} ".ljust(min(width, 60), "─")))
        for name, cell in zip(names, row, strict=True):
            text, cut = _cut(cell.text, max(NARROW, width - label - GAP))
            was_cut |= cut
            title = screen.bold(_padded(_cut(name, label)[0], label))
            print(f"{title}{' ' * GAP}{screen.dim(text) if cell.null else text}")
    return was_cut


def _cut(text: str, cells: int) -> tuple[str, bool]:
    short = text[: cells + 1]
    if len(short) == len(text) and cells_of(text) <= cells:
        return text, False
    return cut_to(short, max(0, cells - 1)).rstrip() + ELLIPSIS, True


def _padded(text: str, cells: int, *, right: bool = False) -> str:
    text = _cut(text, cells)[0]
    space = " " * (cells - cells_of(text))
    return space + text if right else text + space
