"""The functions of both languages: one declaration each, found by listing this folder.

A module is loaded when a name is asked for that no module before it has: most
queries need operators and aggregates and little else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from btql_planner.functions.registry import REGISTRY, Registry

_FIRST = ("operators", "aggregate", "dynamic", "time", "time_parts", "search", "text", "joining", "maths")
"""Where names are looked up first."""
_NOT_DECLARATIONS = ("__init__", "declare", "function", "page", "registry")


@cache
def functions() -> Registry:
    """Return every function and operator by name."""
    names = {file.stem for folder in __path__ for file in Path(folder).iterdir() if file.suffix == ".py"}
    others = sorted(names - {*_FIRST, *_NOT_DECLARATIONS})
    REGISTRY.load_from([_loader(name) for name in (*_FIRST, *others)])
    return REGISTRY


def _loader(module: str) -> Callable[[], object]:
    return lambda: import_module(f"{__name__}.{module}")
