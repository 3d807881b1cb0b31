"""``btql pause`` and ``btql resume``: whether the background work of a database goes on."""

from __future__ import annotations

from btql.cli import units
from btql.cli.console import note
from btql.cli.database import Database
from btql.cli.examples import examples

PAUSE_EXAMPLES = examples("btql pause ./db")
RESUME_EXAMPLES = examples("btql resume ./db")


def pause(database: Database) -> None:
    """Let nothing be compacted in the background until `btql resume`, by no server and no program.

    The job that runs ends first. Writes and queries go on; what is written waits, and once too much does, a server
    tells writers to come back. `btql compact` compacts all the same.
    """
    since = _set(database, paused=True)
    note(f"background work is paused since {since}; `btql resume` lets it go on")


def resume(database: Database) -> None:
    """Let background work go on after `btql pause`."""
    _set(database, paused=False)
    note("background work goes on")


def _set(database: str, *, paused: bool) -> str | None:
    from btql_storage.store import Storage

    with Storage.open(database) as storage:
        storage.pause_background(paused=paused)
        since = storage.background_paused_since()
        return None if since is None else units.moment(since)
