"""``btql delete``: delete a whole object."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from btql.cli.console import UsageFailure, note
from btql.cli.database import Database
from btql.cli.examples import examples
from btql.connection import split_object

EXAMPLES = examples("btql delete ./db project_logs:demo", "btql delete ./db dataset:questions --yes")


def delete(
    database: Database,
    target: Annotated[str, typer.Argument(metavar="OBJECT", help="The object, as kind:name.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete an object with all that it holds. No query sees it any more; this cannot be undone.

    Its bytes go from the files in the background, within the time that `btql retention status` tells;
    `btql purge` removes them at once, and proves it. The name is free again.
    """
    from btql_storage.store import Storage

    kind, name = split_object(target)
    with Storage.open(database) as storage:
        found = storage.object(kind, name)
        if not yes:
            _ask(target)
        storage.retention.delete_object(found)
    note(f"deleted {target}; `btql purge {database} {target}` removes its bytes at once")


def _ask(target: str) -> None:
    if not sys.stdin.isatty():
        raise UsageFailure(f"this deletes all of {target}: say so with --yes")
    typer.confirm(f"delete all of {target}?", abort=True, err=True)
