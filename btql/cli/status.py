"""``btql status``: what is in a database and what is still to be done."""

from typing import Annotated

import typer

from btql.cli.examples import examples
from btql.cli.opening import reading

EXAMPLES = examples("btql status ./db")


def status(
    database: Annotated[str, typer.Argument(metavar="DB", help="The database: a folder, an address or a name.")],
) -> None:
    """Show objects, segments, parts, rows, bytes by kind of file, and what waits for compaction."""
    from btql.cli.status_page import page

    with reading(database) as connection:
        typer.echo(page(connection.status()))
