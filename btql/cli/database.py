"""How every command names the database that it is about."""

from typing import Annotated

import typer

Database = Annotated[str, typer.Argument(metavar="DB", help="The database: a folder, an address or a name.")]
"""One that is there."""
NewDatabase = Annotated[
    str, typer.Argument(metavar="DB", help="The database: a folder, made if missing, an address or a name.")
]
NewData = Annotated[
    str,
    typer.Option(
        "--data",
        metavar="DB",
        envvar="BTQL_DATABASE",
        help="The database: a folder, made if missing, an address or a name.",
    ),
]
