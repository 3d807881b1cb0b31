"""Standard streams that somebody has closed, that are full, or that nobody reads any more.

A stream that is closed leaves its number to the first file that is opened: what is then printed would go into the
database. So something else is opened in its place, as other programs do: what is read from standard input and
written to standard output fails, and says so; what is written to standard error is lost, as nobody could be told.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import ReadableBuffer, WriteableBuffer

_STDIN, _STDOUT, _STDERR = range(3)
_MODES: Sequence[int] = (os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)
"""How each is opened in place of one that is closed: the first two the wrong way round."""
STDIN_NAME, STDOUT_NAME = "standard input", "standard output"


class _Output(io.FileIO):
    """Standard output that says of itself that it cannot be written, as files do by their names."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            reason = "it is closed" if error.errno == errno.EBADF else error.strerror
            raise OSError(error.errno, reason, STDOUT_NAME) from None


class _ClosedInput(io.RawIOBase):
    """Standard input where there is none."""

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: WriteableBuffer, /) -> NoReturn:
        raise OSError(errno.EBADF, "it is closed", STDIN_NAME)


def prepare_streams() -> None:
    """Put something in the place of each standard stream that is closed; call it before a file is opened.

    A terminal that cannot show a character gets an escape and not a crash.
    """
    closed = [number for number in range(3) if _is_closed(number)]
    for number in closed:
        opened = os.open(os.devnull, _MODES[number])
        os.dup2(opened, number)
        if opened != number:
            os.close(opened)
    if _STDIN in closed:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_ClosedInput()), encoding="utf-8")
    if _STDERR in closed:
        sys.stderr = open(_STDERR, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  it stays open
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="backslashreplace")
    if _STDOUT in closed or isinstance(sys.stdout, io.TextIOWrapper):
        encoding = "utf-8" if _STDOUT in closed else sys.stdout.encoding
        raw = _Output(_STDOUT, "w", closefd=False)
        buffered = io.BufferedWriter(raw)
        sys.stdout = io.TextIOWrapper(buffered, encoding, "backslashreplace", line_buffering=raw.isatty())


def _is_closed(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return True
    return False


def is_stdout_stuck() -> bool:
    """Whether something was printed that cannot be written."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return True
    return False


def forget_stdout() -> None:
    """Keep the interpreter from complaining about a reader that went away, or a disk that is full."""
    _forget(_STDOUT)


def forget_stderr() -> None:
    """The same of standard error."""
    _forget(_STDERR)


def _forget(number: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
