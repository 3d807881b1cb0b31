"""Tables fit the terminal, and say when a value was cut."""

import contextlib
import fcntl
import os
import struct
import termios

import pytest
from rich.cells import cell_len

from btql.cli import table
from btql.cli.table import Cell


@pytest.fixture
def terminal(capsys):
    """Return a function that draws for some width, or for a pipe."""

    def draw(names, rows, numeric=None, width=None):
        was_cut = table.draw(names, _cells(rows), numeric or [False] * len(names), width)
        return capsys.readouterr().out.splitlines(), was_cut

    return draw


@pytest.fixture
def screen(monkeypatch):
    """Return a function that draws a table on a terminal of 30 columns, and returns what was sent there."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def draw(names, rows):
        with os.fdopen(theirs, "w", encoding="utf-8") as out:
            monkeypatch.setattr("sys.stdout", out)
            table.draw(names, _cells(rows), [False] * len(names))
            monkeypatch.undo()
        return b"".join(_received(ours)).decode().splitlines()

    yield draw
    os.close(ours)


def _received(terminal):
    """Yield what was sent to a terminal that nobody writes to any more."""
    with contextlib.suppress(OSError):
        while chunk := os.read(terminal, 65536):
            yield chunk


def _cells(rows):
    return [[Cell("null", null=True) if value is None else Cell(value) for value in row] for row in rows]


def test_columns_are_aligned_and_numbers_stand_right(terminal):
    lines, was_cut = terminal(["name", "n"], [["a", "1"], ["bcdefg", "1234"]], [False, True], width=40)

    assert lines == ["name        n", "──────   ────", "a           1", "bcdefg   1234"]
    assert not was_cut


def test_nothing_is_cut_in_a_pipe(terminal):
    lines, was_cut = terminal(["text"], [["x" * 5000]])

    assert "x" * 5000 in lines
    assert not was_cut


def test_long_values_are_cut_from_the_widest_column(terminal):
    lines, was_cut = terminal(["id", "text"], [["abc", "x" * 100]], width=30)

    assert was_cut
    assert lines[2] == "abc   " + "x" * 23 + "…"


def test_wide_characters_take_two_cells(terminal):
    lines, was_cut = terminal(["a", "b"], [["彩虹之上" * 10, "z" * 30]], width=40)

    assert was_cut
    assert all(cell_len(line) <= 40 for line in lines)


def test_many_columns_become_blocks(terminal):
    names = [f"column {number}" for number in range(12)]
    lines, was_cut = terminal(names, [["value " * 20] * 12, [None] * 12], width=60)

    assert was_cut
    assert lines[0].startswith("── row 1 ─")
    assert lines[14].split() == ["column", "0", "null"]
    assert len(lines) == 26
    assert all(cell_len(line) <= 60 for line in lines)


def test_no_rows_leave_the_header(terminal):
    lines, _ = terminal(["a", "bc"], [], width=40)

    assert lines == ["a   bc", "─   ──"]


@pytest.mark.parametrize("room", range(20, 120, 7))
def test_fitted_widths_fill_the_room_and_no_more(room):
    widths = table._fit([5, 80, 40, 7], room)

    assert sum(widths) <= max(room, 5 + 10 + 10 + 7)
    assert widths[0] == 5
    assert widths[3] == 7 or room < 32


def test_a_terminal_is_filled_and_gets_styles(screen):
    assert screen(["id", "text"], [["a", "x" * 40], ["b", None]]) == [
        "\x1b[1mid   text\x1b[0m",
        f"\x1b[2m──   {'─' * 25}\x1b[0m",
        f"a    {'x' * 24}…",
        "b    \x1b[2mnull\x1b[0m",
    ]


def test_a_terminal_that_knows_no_styles_gets_none(screen, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")

    assert screen(["id"], [[None]]) == ["id", "────", "null"]


def test_a_terminal_may_be_said_to_be_narrower(screen, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")

    assert screen(["text"], [["x" * 40]])[-1] == "x" * 19 + "…"
