"""Pages of systems that know no cursors: each page is asked for by what the last row of the one before holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.beside.recipe import Pages

Row = Sequence[object]


def pages(words: Pages, text: str, ask: Callable[[str], tuple[object, Row | None]]) -> list[object]:
    """Return every page; ``ask`` returns one, and its last row where it has any."""
    found: list[object] = []
    after = words.first
    while True:
        page, last = ask(text.replace("{after}", after))
        if last is None:
            return found
        found.append(page)
        after = words.next.format(*last)
