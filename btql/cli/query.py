"""``btql query``: one question, one answer."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from btql.cli import units
from btql.cli.console import UsageFailure, note
from btql.cli.examples import examples
from btql.cli.formats import BINARY, Format, draw_table, from_name, write
from btql.cli.opening import reading
from btql.cli.output import output
from btql.cli.text import given

EXAMPLES = examples(
    "btql query ./db \"select: id, error | from: project_logs('demo') | filter: error is not null\"",
    "btql query ./db \"SELECT count(1) AS spans FROM project_logs('demo')\" --format json",
    "btql query ./db - -o slow.parquet < slow.btql",
)


def query(
    database: Annotated[Path, typer.Argument(metavar="DB", help="The folder of the database.")],
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The question, in BTQL or SQL; - reads it from standard input.")
    ],
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            "-f",
            help="How to write the answer (default: by the name of -o, else table).",
            show_default=False,
        ),
    ] = None,
    path: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write to FILE, which appears only when it is complete."),
    ] = None,
) -> None:
    """Ask one question in BTQL or SQL and print the answer.

    A table fits the terminal: long values are cut and end in an ellipsis. The other formats
    are exact and stream, however large the answer is.
    """
    form = _format(form, path)
    began = time.perf_counter()
    source = given(text)

    with reading(database) as connection:
        result = connection.query(source)
        for warning in result.warnings:
            note(f"warning: {warning}")
        if form is Format.TABLE and path is None:
            rows, remarks = draw_table(result)
            details = "".join(f"; {remark}" for remark in remarks)
            note(f"{units.plural(rows, 'row')} in {units.duration(time.perf_counter() - began)}{details}")
            return
        with output(path) as stream:
            rows = write(result, form, stream, seekable=path is not None)
    if path is not None:
        took = units.duration(time.perf_counter() - began)
        note(f"wrote {units.plural(rows, 'row')}, {units.size(path.stat().st_size)}, to {path} in {took}")


def _format(form: Format | None, path: Path | None) -> Format:
    if form is None:
        form = Format.TABLE if path is None else from_name(path)
        if form is None:
            raise UsageFailure(
                f"the name {path} does not say how to write: add --format json, jsonl, csv, arrow or parquet"
            )
    if form is Format.TABLE and path is not None:
        raise UsageFailure("a table is for the terminal: choose --format json, jsonl, csv, arrow or parquet for a file")
    if form in BINARY and path is None and sys.stdout.isatty():
        raise UsageFailure(f"{form} is not for a terminal: add -o FILE or send it into a pipe")
    return form
