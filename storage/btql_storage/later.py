"""NumPy, imported when something of it is first asked for.

Most queries calculate with no row numbers, and importing NumPy takes longer than
answering one. What opens a database and reads it says ``from btql_storage.later
import np``; what only writers need imports NumPy as usual.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Later", "is_here", "np"]


class Later:
    """Stands for a library; looks every name up where the library has it."""

    def __init__(self, library: str) -> None:
        self._library = library

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a library holds anything
        """Return what the library has under a name, and keep it."""
        found = getattr(import_module(self._library), name)
        setattr(self, name, found)
        return found


def is_here() -> bool:
    """Whether NumPy has been imported already, so that it costs nothing to use it."""
    return "numpy" in sys.modules


if not TYPE_CHECKING:
    np = Later("numpy")
