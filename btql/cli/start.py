"""Set the process up for a short life: what is decided before anything is imported.

The command line never needs pandas, but Arrow imports it, half a second long, as
soon as it is installed. Looking for cyclic garbage during imports finds none.
A polite kill is treated like Ctrl-C, so that nothing half-written stays behind.
"""

from __future__ import annotations

import gc
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import FrameType, ModuleType

GARBAGE_THRESHOLD = 50_000
EXIT_TERMINATED = 143


UNWANTED = frozenset({"pandas"})


class _Without:
    """An import finder that says of some packages that they are not installed."""

    @staticmethod
    def find_spec(
        name: str, _path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in UNWANTED:
            raise ModuleNotFoundError(f"the command line does without {name}", name=name)
        return None


def prepare() -> None:
    """Set up the process; call it once, before other imports."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    sys.meta_path.insert(0, _Without())
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets an escape and not a crash.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(EXIT_TERMINATED)
