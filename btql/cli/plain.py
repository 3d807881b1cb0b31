"""``btql query DB TEXT`` in its plain form, without the library for command lines.

Importing Typer takes longer than a query. So the commonest form is read here: two
arguments, a format and an output, each at most once and with a value that does
not look like an option. All else, help and mistakes included, is left to Typer:
its declaration in ``query.py`` says what the command is, and a test compares the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from btql.cli.formats import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMAT = ("--format", "-f")
_OUTPUT = ("--output", "-o")

Question = tuple[str, str, Format | None, Path | None]
"""The first arguments of :func:`btql.cli.query.query`."""


def question(arguments: Sequence[str]) -> Question | None:
    """Return what a plain ``query`` asks for; None where Typer has to look."""
    if arguments[:1] != ["query"]:
        return None
    words: list[str] = []
    values: dict[tuple[str, ...], str] = {}
    rest = iter(arguments[1:])
    for word in rest:
        if not _looks_like_an_option(word):
            words.append(word)
            continue
        names = _FORMAT if word in _FORMAT else _OUTPUT
        value = next(rest, "--")
        if word not in names or names in values or _looks_like_an_option(value):
            return None
        values[names] = value
    form, path = values.get(_FORMAT), values.get(_OUTPUT)
    if len(words) != 2 or "" in (*words, path) or (form is not None and form not in list(Format)):
        return None
    database, text = words
    return database, text, None if form is None else Format(form), None if path is None else Path(path)


def _looks_like_an_option(word: str) -> bool:
    return word.startswith("-") and word != "-"
