"""Set the process up for a short life: what is decided before anything is imported.

Arrow imports NumPy, pandas and cloudpickle wherever they are installed, for longer
than a query takes, and the command line wants none of what it does with them: so
Arrow does not find them. Looking for cyclic garbage during imports finds none.
A polite kill is treated like Ctrl-C, so that nothing half-written stays behind.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NoReturn

from btql.cli.streams import prepare_streams

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType

GARBAGE_THRESHOLD = 50_000
GARBAGE_THRESHOLD_OF_A_QUERY = 500_000
"""A short query ends before it has made so many; to look through all that is imported takes a tenth of its time."""
EXIT_TERMINATED = 143
NEEDED_LATE = ("inspect", "ipaddress", "pickle", "socket", "textwrap")
"""Modules that others import to use them seldom, or never in a query, with a dozen more in their train."""


class _Without:
    """An import finder that says of some packages that they are not installed."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def find_spec(
        self, name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in self._names:
            raise ModuleNotFoundError(f"the command line does without {name}", name=name)
        return None


def prepare() -> None:
    """Set up the process; call it once, before other imports."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    do_without_pandas()
    prepare_streams()
    signal.signal(signal.SIGTERM, _terminate)


def begin() -> None:
    """Have Ctrl-C raise an exception from now on: there is a command that takes it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def prepare_for_a_query() -> None:
    """Set up the process for one query, which is all that it will do; call it before other imports."""
    gc.set_threshold(GARBAGE_THRESHOLD_OF_A_QUERY)
    # For many queries at once, the engine has threads for each of them. One query needs as many as there are cores.
    os.environ.setdefault("TOKIO_WORKER_THREADS", str(max(2, os.cpu_count() or 1)))
    for name in NEEDED_LATE:
        _import_later(name)


def _import_later(name: str) -> None:
    """Put a module in its place that imports the real one when something of it is first asked for.

    What ``importlib`` has for this looks at the module's spec and is undone by the next ``import`` already.
    """

    def found(attribute: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    stand_in = ModuleType(name)
    vars(stand_in)["__getattr__"] = found
    sys.modules.setdefault(name, stand_in)


def do_without_pandas() -> None:
    """Keep Arrow from importing pandas when it makes its first array; for a process that hands nothing to pandas."""
    sys.meta_path.insert(0, _Without("pandas"))


def import_arrow() -> None:
    """Import Arrow without NumPy, for a process that only reads; call it before anything else imports Arrow.

    We calculate with NumPy all the same: what goes to Arrow and comes from it
    passes through ``btql_storage.arrow``, which wants no help from Arrow.
    """
    alone = _Without("cloudpickle", "numpy")
    sys.meta_path.insert(0, alone)
    try:
        import_module("pyarrow")
    finally:
        sys.meta_path.remove(alone)


def import_engine() -> None:
    """Import what runs queries, which ends at once where a signal comes: there is nothing yet to tidy up.

    Modules that are not written in Python take an exception in the middle of their import for a bug of theirs.
    """
    with _ending_at_once():
        import_module("btql.database")


@contextmanager
def _ending_at_once() -> Generator[None]:
    of_python = {
        number: handler for number in (signal.SIGINT, signal.SIGTERM) if callable(handler := signal.getsignal(number))
    }
    if threading.current_thread() is not threading.main_thread():
        of_python.clear()
    for number in of_python:
        signal.signal(number, signal.SIG_DFL)
    try:
        yield
    finally:
        for number, handler in of_python.items():
            signal.signal(number, handler)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(EXIT_TERMINATED)
