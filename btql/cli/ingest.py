"""``btql ingest``: NDJSON into the database, batch by batch, each one durable before the next.

A batch is one transaction: all of it or nothing. What happens to a line that
cannot be stored is the choice of ``--on-error``:

stop     (default) nothing of its batch is kept, and the command ends with exit code 1
skip     it is reported on standard error and left out
reject   it is written to a file, with its place and the reason, and left out
"""

from pathlib import Path
from typing import Annotated

import typer

import btql
from btql.cli.database import NewDatabase
from btql.cli.examples import examples
from btql.cli.inputs import batches
from btql.cli.storing import OnError, Work

EXAMPLES = examples(
    "btql ingest ./db project_logs:demo spans.ndjson more.ndjson.gz",
    "zcat old.gz | btql ingest ./db project_logs:demo -",
    "btql ingest ./db project_logs:demo spans.ndjson --on-error reject bad.ndjson",
)


def ingest(
    database: NewDatabase,
    target: Annotated[
        str, typer.Argument(metavar="OBJECT", help="Where to put the spans: KIND:NAME, like project_logs:demo.")
    ],
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="NDJSON: paths or URLs, plain, gzip or Zstandard; - is standard input."),
    ],
    on_error: Annotated[
        OnError,
        typer.Option(
            metavar="stop|skip|reject FILE",
            help="What to do with a line that cannot be stored: stop and keep nothing of its batch, "
            "skip it, or write it and the reason to FILE.",
        ),
    ] = OnError.STOP,
    rejects: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Read spans from NDJSON files, one JSON object per line, and store them.

    Each batch of at most 10,000 lines or 16 MiB is one transaction and durable before the next
    begins. A span whose id is there already replaces it, or is merged into it with _is_merge.
    """
    Work("ingested", target, batches, btql.Connection.ingest, on_error, rejects).run(database, files)
