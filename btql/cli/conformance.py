"""``btql conformance``: hold a door of a database to the cases of the language."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from btql.cli.console import Failure, UsageFailure, note
from btql.cli.examples import examples

EXAMPLES = examples(
    "btql conformance",
    "btql conformance my/cases --state half --format junit > report.xml",
    "btql conformance my/cases --update",
)


def conformance(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...", help="Case files, or folders with some (default: those that come with btql)."
        ),
    ] = None,
    door: Annotated[str, typer.Option("--door", "-d", help="The way into the database that is tested.")] = "embedded",
    state: Annotated[
        str, typer.Option("--state", "-s", help="How much is compacted: before, half, after, or all of these in turn.")
    ] = "all",
    form: Annotated[str, typer.Option("--format", "-f", help="How to report: text, json or junit.")] = "text",
    update: Annotated[
        bool, typer.Option("--update", help="Ask nothing; fill in what is expected where a case does not say it yet.")
    ] = False,
) -> None:
    """Run cases of the language against a database and report what differs.

    A case is a query and the rows, or the error, that must come of it; conformance/README.md says how they are written.
    Leaves with 1 where any case fails.
    """
    from btql_conformance.cases import CaseFileError, find_case_files, own_corpus
    from btql_conformance.doors import DOORS, STATES
    from btql_conformance.report import FORMS, report
    from btql_conformance.runner import run_files

    _check("--door", door, DOORS)
    _check("--state", state, (*STATES, "all"))
    _check("--format", form, FORMS)
    try:
        files = find_case_files(paths or [own_corpus()])
    except CaseFileError as error:
        raise Failure(str(error)) from None
    if update:
        _update([file.path for file in files])
        return
    outcomes = list(run_files(files, DOORS[door](), [each for each in STATES if state in (each, "all")]))
    typer.echo(report(outcomes, form))
    if not all(outcome.passed for outcome in outcomes):
        raise SystemExit(1)


def _check(option: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise UsageFailure(f"{option} takes {', '.join(known)}, not {value}")


def _update(paths: list[Path]) -> None:
    from btql_conformance.update import update_file

    problems = [problem for path in paths for problem in update_file(path)]
    for problem in problems:
        note(f"{problem.case.id}, line {problem.case.line}: {problem.what}")
    if problems:
        raise SystemExit(1)
