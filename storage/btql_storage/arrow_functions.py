"""Arrow's compute functions under one name.

Arrow makes them at run time, where no type checker finds them, and takes its
time: 50 ms that a query over parts alone need not spend. So the module is
imported when a function is first asked for. They are untyped; whoever calls
one says what comes out.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class _Functions:
    """Looks every function up where Arrow has it."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as it says above
        function = getattr(import_module("pyarrow.compute"), name)
        setattr(self, name, function)
        return function


compute = _Functions()
