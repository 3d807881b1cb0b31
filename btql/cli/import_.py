"""``btql import``: the rows of an export, or of any Parquet or Arrow file, into an object."""

from pathlib import Path
from typing import Annotated

import typer

import btql
from btql.cli.database import NewDatabase
from btql.cli.examples import examples
from btql.cli.inputs import batches_of_any
from btql.cli.storing import OnError, Work

EXAMPLES = examples(
    "btql import ./db project_logs:copy demo.parquet",
    "btql export ./db dataset:golden | btql import ./other dataset:golden -",
    "btql import ./db project_logs:demo table.arrow --on-error reject bad.ndjson",
)


def import_(
    database: NewDatabase,
    target: Annotated[
        str, typer.Argument(metavar="OBJECT", help="Where to put the rows: KIND:NAME, like project_logs:demo.")
    ],
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...",
            help="Parquet, Arrow or NDJSON, known by its first bytes: paths or URLs; - is standard input.",
        ),
    ],
    on_error: Annotated[
        OnError,
        typer.Option(
            metavar="stop|skip|reject FILE",
            help="What to do with a row that cannot be stored: stop and keep nothing of its batch, "
            "skip it, or write it and the reason to FILE.",
        ),
    ] = OnError.STOP,
    rejects: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Read rows that btql export wrote, and store them: every field as it was, in the same order.

    A row replaces the one with its id. New are the transaction and the pagination key of each row; the versions of
    before do not come along. Of a Parquet or Arrow file from elsewhere, each row is a document: a column is a field, or
    a path such as metadata.model. Each batch of at most 10,000 rows or 16 MiB is one transaction, durable before the
    next begins; to repeat the command changes nothing.
    """
    Work("imported", target, batches_of_any, btql.Connection.import_rows, on_error, rejects).run(database, files)
