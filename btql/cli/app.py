"""The Typer application: every command under its name, in the order of a first visit."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Annotated, NoReturn

import typer

from btql.cli import (
    backup,
    check,
    compact,
    conformance,
    delete,
    explain,
    export,
    fmt,
    generate,
    import_,
    ingest,
    keys,
    pausing,
    purge,
    query,
    repair,
    retention,
    serve,
    shell,
    status,
)
from btql.cli.console import guarded
from btql.cli.storing import spread

_EPILOG = (
    "Every command says more with --help. In `btql shell DB`, \\help tells of statements and functions; "
    "in Python, btql.functions() lists these and help(btql.connect) is where to begin."
)

app = typer.Typer(
    name="btql",
    help="An open database for AI traces: spans go in, BTQL and SQL questions are answered.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"btql {version('btql')}")
        raise typer.Exit


@app.callback()
def root(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Say the version and stop.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Take what holds for all commands; there is nothing yet but the version."""


def _paragraphs(command: Callable[..., None]) -> str:
    """Return a docstring with one line per paragraph: Typer keeps the breaks inside."""
    return "\n\n".join(" ".join(part.split()) for part in cleandoc(command.__doc__ or "").split("\n\n"))


def run(arguments: list[str]) -> NoReturn:
    """Run the command line on some arguments and leave with its exit code."""
    if arguments[:1] in (["ingest"], ["import"]):
        arguments = spread(arguments)
    guarded(app)(arguments, prog_name="btql")
    raise AssertionError("Typer leaves by itself")


def _add(command: Callable[..., None], help_examples: str, group: typer.Typer = app) -> None:
    name = command.__name__.removesuffix("_")
    group.command(name, help=_paragraphs(command), epilog=help_examples)(guarded(command))


_add(generate.generate, generate.EXAMPLES)
_add(ingest.ingest, ingest.EXAMPLES)
_add(query.query, query.EXAMPLES)
_add(explain.explain, explain.EXAMPLES)
_add(fmt.fmt, fmt.EXAMPLES)
_add(export.export, export.EXAMPLES)
_add(import_.import_, import_.EXAMPLES)
_add(compact.compact, compact.EXAMPLES)
_add(pausing.pause, pausing.PAUSE_EXAMPLES)
_add(pausing.resume, pausing.RESUME_EXAMPLES)
_add(status.status, status.EXAMPLES)
_add(check.check, check.EXAMPLES)
_add(repair.repair, repair.EXAMPLES)
_add(backup.backup, backup.BACKUP_EXAMPLES)
_add(backup.restore, backup.RESTORE_EXAMPLES)
_add(delete.delete, delete.EXAMPLES)
_add(purge.purge, purge.EXAMPLES)
app.add_typer(retention.GROUP)
_add(retention.set_, retention.SET_EXAMPLES, retention.GROUP)
_add(retention.show, retention.SHOW_EXAMPLES, retention.GROUP)
_add(retention.clear, retention.CLEAR_EXAMPLES, retention.GROUP)
_add(retention.run, retention.RUN_EXAMPLES, retention.GROUP)
_add(retention.status, retention.STATUS_EXAMPLES, retention.GROUP)
_add(shell.shell, shell.EXAMPLES)
_add(serve.serve, serve.EXAMPLES)
app.add_typer(keys.GROUP)
_add(keys.create, keys.CREATE_EXAMPLES, keys.GROUP)
_add(keys.list_, keys.LIST_EXAMPLES, keys.GROUP)
_add(keys.revoke, keys.REVOKE_EXAMPLES, keys.GROUP)
_add(conformance.conformance, conformance.EXAMPLES)
