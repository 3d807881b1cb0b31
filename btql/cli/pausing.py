"""``btql pause`` and ``btql resume``: whether the background work of a database goes on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from btql.cli.console import note
from btql.cli.examples import examples

PAUSE_EXAMPLES = examples("btql pause ./db")
RESUME_EXAMPLES = examples("btql resume ./db")
_Place = Annotated[str, typer.Argument(metavar="DB", help="The database: a folder, an address or a name.")]


def pause(database: _Place) -> None:
    """Let nothing be compacted in the background until `btql resume`, by no server and no program.

    The job that runs ends first. Writes and queries go on; what is written waits, and once too much does, a server
    tells writers to come back. `btql compact` compacts all the same.
    """
    since = _set(database, paused=True)
    note(f"background work is paused since {since}; `btql resume` lets it go on")


def resume(database: _Place) -> None:
    """Let background work go on after `btql pause`."""
    _set(database, paused=False)
    note("background work goes on")


def _set(database: str, *, paused: bool) -> str | None:
    from btql_storage.store import Storage

    with Storage.open(database) as storage:
        storage.pause_background(paused=paused)
        since = storage.background_paused_since()
        return None if since is None else f"{datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC"
