"""``btql export``: an object, whole and exact, as NDJSON, Parquet or Arrow."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from btql.cli import units
from btql.cli.console import UsageFailure, note
from btql.cli.database import Database
from btql.cli.examples import examples
from btql.cli.opening import reading
from btql.cli.output import output
from btql.compressed import COMPRESSED, compressed
from btql.moving.formats import SUFFIXES, Format

EXAMPLES = examples(
    "btql export ./db project_logs:demo -o demo.parquet",
    "btql export ./db dataset:golden --version 1000192656880881099 -o golden.ndjson",
    "btql export ./db project_logs:demo -o demo.ndjson.zst",
)


def export(
    database: Database,
    target: Annotated[str, typer.Argument(metavar="OBJECT", help="What to export: KIND:NAME, like project_logs:demo.")],
    path: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to FILE, which appears only when it is complete; compressed if it ends in .gz or .zst.",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="How to write; by default as the name of FILE says, else ndjson."),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(
            metavar="XACT", help="An experiment, dataset, prompt or function as it was right after this transaction."
        ),
    ] = None,
) -> None:
    """Write every row of an object with everything that it holds, in the order in which rows were first written.

    All rows are of one moment, and writers go on meanwhile. Comments, audit entries and fields that no query names are
    in it, numbers as they were spelled. btql import reads it. Deleted rows and earlier versions are not in it.
    """
    packed = path.suffix if path is not None and path.suffix in COMPRESSED else ""
    form = _format(form, path, packed)
    began = time.perf_counter()
    with reading(database) as connection, connection.export(target, version) as found:
        from btql.moving.files import write

        with output(path) as file, compressed(file, packed) as stream:
            write(found, form, stream, seekable=path is not None)
        rows = found.rows
    if path is not None:
        took = units.duration(time.perf_counter() - began)
        note(
            f"exported {units.plural(rows, 'row')} of {target}, {units.size(path.stat().st_size)}, to {path} in {took}"
        )


def _format(form: Format | None, path: Path | None, packed: str) -> Format:
    if form is None:
        name = None if path is None else Path(path.name.removesuffix(packed))
        form = Format.NDJSON if name is None else SUFFIXES.get(name.suffix.lower())
    if form is None:
        raise UsageFailure(f"the name {path} does not say how to write: add --format ndjson, parquet or arrow")
    if packed and form is not Format.NDJSON:
        raise UsageFailure(f"{form} is compressed by itself: take {packed} off the name {path}")
    if form is not Format.NDJSON and path is None and sys.stdout.isatty():
        raise UsageFailure(f"{form} is not for a terminal: add -o FILE or send it into a pipe")
    return form
