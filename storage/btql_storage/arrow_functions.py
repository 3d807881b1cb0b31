"""Arrow's compute functions under one name.

Arrow makes them at run time, where no type checker finds them. Imported by
name they are what they are: untyped; whoever calls one says what comes out.
"""

from __future__ import annotations

from importlib import import_module

compute = import_module("pyarrow.compute")
