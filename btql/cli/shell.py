"""``btql shell``: a prompt with history, completion and highlighting."""

import sys
from typing import Annotated

import typer

from btql.cli.console import note
from btql.cli.examples import examples
from btql.cli.opening import reading
from btql_storage.addresses import shown

EXAMPLES = examples("btql shell ./db")


def shell(
    database: Annotated[str, typer.Argument(metavar="DB", help="The database: a folder, an address or a name.")],
) -> None:
    """Ask questions at a prompt, in BTQL and SQL, with history and completion.

    Lines piped in are run one statement after the other; the exit code is 1 if one failed.
    """
    from btql.cli.meta import Meta
    from btql.cli.repl import Loop, statements
    from btql.cli.vocabulary import ConnectionVocabulary, describe

    with reading(database) as connection:
        vocabulary = ConnectionVocabulary(connection)
        loop = Loop(connection, Meta(vocabulary, describe))
        if sys.stdin.isatty():
            from btql.cli.prompt import Prompt

            note(f"btql {_version()} on {shown(database)}; \\help for help, \\q to leave")
            Prompt(vocabulary).run(loop)
            return
        for statement in statements(sys.stdin):
            loop.run(statement)
            if loop.done:
                break
    if loop.failed:
        raise SystemExit(1)


def _version() -> str:
    from importlib.metadata import version

    return version("btql")
