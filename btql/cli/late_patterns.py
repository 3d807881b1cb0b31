"""Regular expressions that are compiled when they are first used.

Modules of btql compile some fifty where they are defined, and those of the standard library that it imports another
thirty; a query uses a third of them. Only ``btql query`` does this, before it imports the rest, and only for packages
that are known to do no more with an expression than to call its methods.
"""

from __future__ import annotations

import re
import sys
from typing import Any, cast

_PACKAGES = frozenset({"btql", "btql_grammar", "btql_planner", "btql_storage", "json", "logging", "platform", "string"})
_compile = re.compile


class _Pattern:
    """Stands for a compiled expression; whatever is asked of it is asked of that one."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a method, or what the expression tells of itself
        found = getattr(_compile(self.pattern, self._flags), name)
        setattr(self, name, found)
        return found


def compile_patterns_late() -> None:
    """Have modules of these packages that are imported from now on compile their expressions late."""
    re.compile = cast("Any", _late)


def _late(pattern: str | bytes, flags: int = 0) -> Any:  # noqa: ANN401 - what an expression is asked for
    # Only the frame knows who asks.
    module = str(sys._getframe(1).f_globals.get("__name__", ""))  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    return _Pattern(pattern, flags) if module.partition(".")[0] in _PACKAGES else _compile(pattern, flags)
