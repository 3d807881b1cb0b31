"""``btql query``: one question, one answer."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from btql.cli import units
from btql.cli.console import UsageFailure, note
from btql.cli.examples import examples
from btql.cli.formats import BINARY, Format, draw_table, from_name, write
from btql.cli.opening import reading
from btql.cli.output import output
from btql.cli.pages import note_next_page, write_schema
from btql.cli.text import given

if TYPE_CHECKING:
    import typer

    from btql.result import Result
else:
    from btql_storage.later import Later

    # Only whoever reads the annotations needs it: a plain query does not (plain.py).
    typer = Later("typer")


class LintChoice(StrEnum):
    """What to do about lints."""

    OFF = "off"
    DEFAULT = "default"
    STRICT = "strict"


EXAMPLES = examples(
    "btql query ./db \"select: id, error | from: project_logs('demo') | filter: error is not null\"",
    "btql query ./db \"SELECT count(1) AS spans FROM project_logs('demo')\" --format json",
    "btql query ./db - -o slow.parquet < slow.btql",
    "btql query ./db \"select: id | from: project_logs('demo') | limit: 100\" --cursor aQJI5+sNAAA",
)


def query(
    database: Annotated[str, typer.Argument(metavar="DB", help="The database: a folder, an address or a name.")],
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
    limit: Annotated[
        int | None, typer.Option(min=0, metavar="ROWS", help="The limit of a query that has none of its own.")
    ] = None,
    cursor: Annotated[
        str | None, typer.Option(metavar="TOKEN", help="Continue behind the page that gave this token.")
    ] = None,
    tz_offset: Annotated[
        int, typer.Option(metavar="MINUTES", help="Minutes from local time to UTC, for day() and the like: 480 is PST.")
    ] = 0,
    version: Annotated[
        str | None,
        typer.Option(
            metavar="XACT",
            help="Read an experiment, dataset, prompt or function as it was right after this transaction.",
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, metavar="SECONDS", help="Stop a query that takes longer.")
    ] = None,
    lint: Annotated[
        LintChoice, typer.Option(help="off, default (say what may be slow) or strict (refuse it).")
    ] = LintChoice.OFF,
) -> None:
    """Ask one question in BTQL or SQL and print the answer.

    A table shows at most 1,000 rows and fits the terminal: long values are cut and end in an ellipsis; in a pipe none
    is cut. The other formats are exact and stream, however large the answer is.
    """
    form = _format(form, path)
    began = time.perf_counter()
    source = given(text)

    with reading(database) as connection:
        result = connection.query(
            source,
            limit=limit,
            cursor=cursor,
            tz_offset=tz_offset,
            version=version,
            lint=lint.value,
            timeout=timeout,
        )
        _note_what_is_said_of(result)
        if result.inferred is not None:
            write_schema(result.inferred, path)
        elif form is Format.TABLE:
            _draw(result, began)
        else:
            _write(result, form, path, began)


def _format(form: Format | None, path: Path | None) -> Format:
    """Return the format that was asked for, in so many words or by the name of the file."""
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


def _note_what_is_said_of(result: Result) -> None:
    for warning in result.warnings:
        note(f"warning: {warning}")
    for each in result.lints:
        note(f"{each.severity}: {each.code}: {each.message}")


def _draw(result: Result, began: float) -> None:
    """Draw the answer as a table on the terminal."""
    rows, remarks = draw_table(result)
    details = "".join(f"; {remark}" for remark in remarks)
    note(f"{units.plural(rows, 'row')} in {units.duration(time.perf_counter() - began)}{details}")
    note_next_page(result)


def _write(result: Result, form: Format, path: Path | None, began: float) -> None:
    """Write the whole answer to a file, or to standard output."""
    with output(path) as stream:
        rows = write(result, form, stream, seekable=path is not None)
    note_next_page(result)
    if path is not None:
        took = units.duration(time.perf_counter() - began)
        note(f"wrote {units.plural(rows, 'row')}, {units.size(path.stat().st_size)}, to {path} in {took}")
