"""How one system is told about one suite: what makes its tables, and every question in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.beside.system import Parameters


@dataclass(frozen=True, slots=True)
class Pages:
    """A statement that is asked again and again, each time for what comes behind the last row, until no row comes."""

    text: str
    """With ``{after}`` where ``first`` goes at first, and ``next`` later."""
    first: str
    next: str
    """A condition with ``{0}``, ``{1}``, … for the values of the page's last row."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """For one system and one suite."""

    load: Sequence[str]
    """Statements that fill the tables. ``{file}`` is the file with the documents; databases that cannot read one have
    them in the table ``raw``, column ``doc``, as text."""
    texts: Mapping[str, str | Pages]
    """Questions by name, with ``{name}`` for parameters; a system is not asked what is not here."""


def filled(text: str, parameters: Parameters) -> str:
    """Return a statement with its parameters; all of them come from generated data, and none needs quoting."""
    for name, value in parameters.items():
        text = text.replace("{" + name + "}", str(value))
    return text
