"""What commands share: how they fail, how they show progress, and where text goes.

Standard output carries results and nothing else. Progress, notes and errors
go to standard error. A command raises :class:`Failure`, or lets an error of
the library through; :func:`guarded` turns each into one clear line and the
exit code, so that no command handles errors by itself.

Rich is imported only by what draws: most of a short query's time is imports.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, NoReturn, ParamSpec

from btql.cli.start import begin
from btql.cli.streams import forget_stderr, forget_stdout, is_stdout_stuck

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rich.console import Console
    from rich.progress import Progress

EXIT_WRONG = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

P = ParamSpec("P")


class Failure(Exception):  # noqa: N818 - not a fault of the program
    """The input or the request is wrong; the text is what the user reads."""


class UsageFailure(Failure):
    """The command was called in a way that cannot work."""


def note(text: str) -> None:
    """Say something on standard error, beside the result; a result does not depend on whether it is heard."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        forget_stderr()


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Return ``command`` with its errors turned into a line and an exit code."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            begin()
            _flushed(command, *args, **kwargs)
        except UsageFailure as error:
            _leave(EXIT_USAGE, f"error: {error}")
        except BrokenPipeError:
            forget_stdout()
            raise SystemExit(0) from None
        except KeyboardInterrupt as error:
            _interrupted(error)
        except Exception as error:
            _end_as_signalled(error)
            text = described(error)
            if text is None:
                raise
            _leave(EXIT_WRONG, text)

    return run


def _flushed(command: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    """Run a command and write what it has printed, also where it leaves by itself."""
    try:
        command(*args, **kwargs)
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()


def _end_as_signalled(error: Exception) -> None:
    """End as a signal wants it that came while a class was defined; Python makes another error of what it raises."""
    match error.__cause__:
        case SystemExit() as ended:
            raise ended from None
        case KeyboardInterrupt() as interrupt:
            _interrupted(interrupt)
        case _:
            pass


def _interrupted(error: KeyboardInterrupt) -> NoReturn:
    _leave(EXIT_INTERRUPTED, f"interrupted{f': {error}' if str(error) else ''}")


def described(error: Exception) -> str | None:
    """Return what to print for an error of the library or the system, None for a bug."""
    from btql.errors import Error, QueryError
    from btql_storage.errors import StorageError

    match error:
        case QueryError():
            return str(error)
        case StorageError():
            return f"error[{error.code}]: {error}"
        case Error() if str(error).startswith("error["):
            return str(error)
        case Error() | Failure():
            return f"error: {error}"
        case OSError(strerror=str(reason), filename=name):
            return f"error: {f'{name}: ' if name else ''}{reason.lower()}"
        case _:
            return None


def _leave(code: int, text: str) -> NoReturn:
    note(text)
    if is_stdout_stuck():
        forget_stdout()
    raise SystemExit(code) from None


def console(*, stderr: bool = False) -> Console:
    """Return a Rich console for standard output or error, free of markup and guessing."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


@contextmanager
def progress(*, size: bool = False, quiet: bool = False) -> Generator[Progress]:
    """Show progress bars on standard error, or nothing where that is no terminal."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    screen = console(stderr=True)
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        *([DownloadColumn(binary_units=True)] if size else []),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=screen,
        transient=True,
        disable=quiet or not screen.is_terminal,
    )
    with bars:
        yield bars
