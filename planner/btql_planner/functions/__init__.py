"""The functions of both languages: one declaration each, found by listing this folder."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from btql_planner.functions.registry import REGISTRY, Registry


@cache
def functions() -> Registry:
    """Return every function and operator by name."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    return REGISTRY
