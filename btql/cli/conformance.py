"""``btql conformance``: hold a door of a database to the cases of the language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from btql.cli.console import Failure, UsageFailure, note
from btql.cli.examples import examples

if TYPE_CHECKING:
    from btql_conformance.cases import CaseFile
    from btql_conformance.runner import Outcome

EXAMPLES = examples(
    "btql conformance",
    "btql conformance my/cases --state half --format junit > report.xml",
    "btql conformance my/cases --update",
    "btql conformance --url http://localhost:8000",
)


def conformance(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...", help="Case files, or folders with some (default: those that come with btql)."
        ),
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="The address of a server to test instead; its objects come and go.")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="The API key for it.", envvar="BRAINTRUST_API_KEY")] = None,
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
    outcomes = list(
        run_files(files, DOORS[door](), [each for each in STATES if state in (each, "all")])
        if url is None
        else _run_over_http(files, url, key)
    )
    typer.echo(report(outcomes, form))
    if not all(outcome.passed for outcome in outcomes):
        raise SystemExit(1)


def _run_over_http(files: Sequence[CaseFile], url: str, key: str | None) -> Iterator[Outcome]:
    """Yield the outcome of every case through a server, which compacts when it likes: there is one state."""
    from http.client import HTTPException

    from btql_conformance.http_door import HttpDoor, Refused
    from btql_conformance.runner import run_files

    try:
        yield from run_files(files, HttpDoor(url, key), ["before"])
    except Refused as error:
        raise Failure(f"{url} answers {error}") from None
    except (OSError, HTTPException) as error:
        raise Failure(f"cannot ask {url}: {str(error) or type(error).__name__}") from None
    except ValueError as error:
        raise Failure(str(error)) from None


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
