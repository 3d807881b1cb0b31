"""``btql status``: what is in a database and what is still to be done."""

import typer

from btql.cli.database import Database
from btql.cli.examples import examples
from btql.cli.opening import reading

EXAMPLES = examples("btql status ./db")


def status(
    database: Database,
) -> None:
    """Show objects, segments, parts, rows, bytes by kind of file, and what waits for compaction."""
    from btql.cli.status_page import page

    with reading(database) as connection:
        typer.echo(page(connection.status()))
