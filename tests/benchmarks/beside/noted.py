"""Systems of a suite, with what a reader must know about how they are used in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.beside.system import System


def noted(system: Callable[..., System], *arguments: object, **options: object) -> Callable[[Path], System]:
    """Return what makes a system in a folder: the last argument is its note, the others and the options are its own."""
    *given, note = arguments
    assert isinstance(note, str), "a note comes last"

    def make(folder: Path) -> System:
        made = system(folder, *given, **options)
        made.note = note
        return made

    return make
