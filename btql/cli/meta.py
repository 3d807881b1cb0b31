r"""The shell's meta commands: ``\d``, ``\help``, ``\q`` and ``\timing``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql.cli import units
from btql.cli.complete import Vocabulary
from btql.cli.console import Failure
from btql.cli.words import spelled

if TYPE_CHECKING:
    from collections.abc import Callable

_HELP = """\
A statement is BTQL or SQL and ends with ; or an empty line:

    select: span_attributes.name, metrics.tokens
    | from: project_logs('demo')
    | filter: error is not null
    | limit: 5;

    SELECT metadata.model, count(1) AS spans FROM project_logs('demo') GROUP BY 1;

\\d               the objects of this database
\\d OBJECT        the fields of one, like \\d project_logs:demo
\\help            this page
\\help FUNCTION   what a function does; \\help functions lists all
\\timing          say how long each query took, or stop saying it
\\q               leave (or Ctrl-D)

Tab completes fields and functions, Ctrl-R searches the history, Ctrl-C gives a query up."""


class Meta:
    """Runs meta commands; each is a method by its name in a table."""

    def __init__(self, vocabulary: Vocabulary, describe: Callable[[str], str | None]) -> None:
        self.timing = True
        self._vocabulary = vocabulary
        self._describe = describe

    def run(self, line: str) -> bool:
        """Run one command; return True where the shell should end."""
        name, _, argument = line.strip().rstrip(";").partition(" ")
        argument = argument.strip()
        match name:
            case "\\q" | "\\quit" | "\\exit":
                return True
            case "\\d":
                self._fields(argument) if argument else self._objects()
            case "\\timing":
                self.timing = not self.timing
                print(f"timing is {'on' if self.timing else 'off'}")
            case "\\help" | "\\h" | "\\?":
                self._help(argument)
            case _:
                raise Failure(f"no command {name}; \\help lists them")
        return False

    def _objects(self) -> None:
        objects = self._vocabulary.objects()
        for name in objects:
            print(name)
        if not objects:
            print("there are no objects yet: btql ingest makes the first")

    def _fields(self, argument: str) -> None:
        name = argument if ":" in argument else _from_call(argument)
        if name not in self._vocabulary.objects():
            raise Failure(f"no object {argument}; \\d lists them")
        paths = sorted(spelled(path) for path in self._vocabulary.paths(name))
        for path in paths:
            print(path)
        print(units.plural(len(paths), "field"))

    def _help(self, argument: str) -> None:
        if not argument:
            print(_HELP)
        elif argument.lower() == "functions":
            print("  ".join(sorted(self._vocabulary.functions())))
        else:
            text = self._describe(argument.lower().removesuffix("()"))
            if text is None:
                raise Failure(f"no function {argument}; \\help functions lists them")
            print(text)


def _from_call(text: str) -> str:
    """Return ``project_logs('demo')`` as ``project_logs:demo``."""
    kind, _, rest = text.partition("(")
    name = rest.rstrip(") ").strip(" \"'")
    return f"{kind.strip()}:{name}" if rest else text
