"""``btql explain``: how a question is understood and run."""

from enum import StrEnum
from typing import Annotated

import typer

from btql.cli.database import Database
from btql.cli.examples import examples
from btql.cli.opening import reading
from btql.cli.text import given

EXAMPLES = examples(
    "btql explain ./db \"select: id | from: project_logs('demo') | filter: error is not null\" --analyze",
    "btql explain ./db \"select: id | from: project_logs('demo') | limit: 5\" --analyze --format tree",
)


class Format(StrEnum):
    """What a plan is written as."""

    text = "text"
    json = "json"
    tree = "tree"


def explain(
    database: Database,
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The question, in BTQL or SQL; - reads it from standard input.")
    ],
    analyze: Annotated[
        bool, typer.Option("--analyze", help="Run it as well, and say what was read and how long each step took.")
    ] = False,
    format: Annotated[  # noqa: A002
        Format, typer.Option("--format", help="Every form of it as text, a drawn plan, or JSON for tools.")
    ] = Format.text,
) -> None:
    """Show the plan of a question: as read, as rewritten, and as the engine gets it."""
    source = given(text)

    with reading(database) as connection:
        typer.echo(connection.explain(source, analyze=analyze, format=format.value))
