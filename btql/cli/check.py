"""``btql check``: whether everything that a database holds is what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from btql.cli import units
from btql.cli.console import EXIT_WRONG, note, progress
from btql.cli.examples import examples

if TYPE_CHECKING:
    from btql_storage.care.findings import Finding, Report

EXAMPLES = examples(
    "btql check ./db", "btql check ./db --deep", "btql check ./db --json", "btql check production --services"
)


def check(
    database: Annotated[str, typer.Argument(metavar="DB", help="The folder of the database, or its address.")],
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also make each part anew from its documents, and compare; takes long.")
    ] = False,
    mark: Annotated[
        bool,
        typer.Option("--mark/--no-mark", help="Quarantine damaged parts, so that no query reads them."),
    ] = True,
    services: Annotated[
        bool,
        typer.Option("--services", help="Only try what can be reached and is allowed: files, catalog, Redis, cache."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write what was found as JSON lines.")] = False,
) -> None:
    """Hold every file, checksum, statistic and row of the catalog against one another.

    It may run beside writers and readers. The exit code is 0 where all is sound, 1 where something is not;
    files that nobody needs, and those that were written before there were checksums, are told and do no harm.
    """
    if services:
        from btql.cli.services import check_services

        check_services(database, as_json=as_json)
        return
    from btql_storage.care.facade import check_database

    with progress(quiet=as_json) as bars:
        task = bars.add_task("checking", total=None, note="")
        report = check_database(database, deep=deep, mark=mark, progress=lambda name: bars.update(task, note=name))
    for finding in report.findings:
        typer.echo(_json(finding) if as_json else str(finding))
    if not as_json:
        note(_summary(report))
    if not report.is_sound:
        raise SystemExit(EXIT_WRONG)


def _json(finding: Finding) -> str:
    import orjson

    document = {
        "kind": finding.kind,
        "serious": finding.is_serious,
        "subject": finding.subject,
        "object": finding.object,
        "message": finding.message,
    }
    return orjson.dumps(document).decode()


def _summary(report: Report) -> str:
    seen = report.looked_at
    looked = (
        f"looked at {units.plural(seen['objects'], 'object')}, {units.plural(seen['parts'], 'part')} and "
        f"{units.plural(seen['wal_files'], 'log file')} ({units.size(seen['bytes'])})"
    )
    if report.is_sound:
        return f"{looked}: all is sound"
    count = units.plural(len(report.serious), "thing")
    return f"{looked}: {count} not as it should be; `btql repair` says what can be done"
