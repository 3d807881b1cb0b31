"""``btql repair``: what can be made again from something sound, is."""

from __future__ import annotations

from typing import Annotated

import typer

from btql.cli import units
from btql.cli.console import EXIT_WRONG, note, progress
from btql.cli.examples import examples

EXAMPLES = examples("btql repair ./db", "btql repair ./db --from ./backup", "btql repair ./db --give-up-rows")


def repair(
    database: Annotated[str, typer.Argument(metavar="DB", help="The folder of the database, or its address.")],
    *,
    source: Annotated[
        str | None, typer.Option("--from", metavar="BACKUP", help="Bring damaged and missing files back from a backup.")
    ] = None,
    give_up_rows: Annotated[
        bool,
        typer.Option("--give-up-rows", help="Give up rows that cannot be read any more, so that all else goes on."),
    ] = False,
    catalog: Annotated[
        bool, typer.Option("--catalog", help="Make the catalog again from the files, though there is one.")
    ] = False,
) -> None:
    """Make a lost catalog again from the files alone, and damaged parts from their documents.

    Stop everything else that has the database open first, and read what `btql check` says. Nothing is given up unless
    that is asked for; files that are replaced stay for a while, under another name or until they are removed as ever.
    """
    from btql_storage.care.facade import repair_database

    with progress() as bars:
        task = bars.add_task("repairing", total=None, note="")
        outcome = repair_database(
            database,
            source=source,
            give_up_rows=give_up_rows,
            catalog=catalog,
            progress=lambda name: bars.update(task, note=name),
        )
    for line in outcome.done:
        typer.echo(line)
    for line in outcome.lost:
        typer.echo(f"lost: {line}")
    for finding in outcome.left:
        typer.echo(f"left: {finding}")
    if outcome.is_sound:
        note("all is sound" if outcome.done else "nothing was to be done: all is sound")
        return
    left = units.plural(sum(one.is_serious for one in outcome.left), "thing")
    note(f"{left} not as it should be; bring files back with --from BACKUP, or go on without them with --give-up-rows")
    raise SystemExit(EXIT_WRONG)
