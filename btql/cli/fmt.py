"""``btql fmt``: the layout of queries put in order, in files or between two pipes."""

from pathlib import Path
from typing import Annotated

import typer

from btql.cli.console import Failure, UsageFailure, note
from btql.cli.examples import examples
from btql.cli.output import output
from btql.cli.text import given
from btql.errors import QueryError
from btql_grammar.diagnostic import BtqlError
from btql_grammar.fmt.formatter import format_text

EXAMPLES = examples(
    "btql fmt report.btql costs.sql",
    "btql fmt --check *.btql",
    "echo 'select id from project_logs' | btql fmt -",
)


def fmt(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files with one query each; - reads standard input.")
    ],
    check: Annotated[bool, typer.Option("--check", help="Change nothing; say which files are not in order.")] = False,
) -> None:
    """Format queries in BTQL or SQL, one clause a line; comments stay.

    Files are rewritten in place. What comes from standard input goes to standard output.
    """
    if "-" in files and len(files) > 1:
        raise UsageFailure("standard input cannot be formatted together with files")
    changed = [file for file in files if _formatted(file, check=check)]
    if check and changed:
        raise Failure(f"not in order: {', '.join(changed)}; run `btql fmt` to change that")


def _formatted(file: str, *, check: bool) -> bool:
    """Format one file, or only ``check`` it; tell whether it is not in order."""
    text = given(file) if file == "-" else _read(Path(file))
    try:
        made = format_text(text, "<query>" if file == "-" else file)
    except BtqlError as error:
        raise QueryError(error) from error
    if file == "-" and not check:
        typer.echo(made, nl=False)
    elif made != text and not check:
        with output(Path(file)) as stream:
            stream.write(made.encode())
        note(f"formatted {file}")
    return made != text


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error
