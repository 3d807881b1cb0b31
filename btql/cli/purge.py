"""``btql purge``: remove the bytes of what was deleted, now, and prove it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from btql.cli import units
from btql.cli.console import Failure
from btql.cli.database import Database
from btql.cli.examples import examples
from btql.connection import split_object

if TYPE_CHECKING:
    from btql_storage.retention.purge import PurgeReport

EXAMPLES = examples(
    "btql purge ./db project_logs:demo",
    'btql purge ./db dataset:users --search "jane@example.com" --json > proof.json',
)


def purge(
    database: Database,
    target: Annotated[str, typer.Argument(metavar="OBJECT", help="The object, as kind:name; it may be deleted.")],
    search: Annotated[
        list[str] | None,
        typer.Option("--search", metavar="TEXT", help="Verify that no file contains TEXT; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Remove every byte of the rows that were deleted from an object, or of all of it where it was deleted.

    Delete first, the rows or the object; then this takes them out of the log, of every part, of the past of datasets
    and experiments and of the catalog's own file, at once. It reads all that is left as a proof, and fails where
    anything was found. Queries that run meanwhile may have to be asked again.
    """
    from btql.cli.start import import_arrow

    import_arrow()
    from btql_storage.store import Storage

    kind, name = split_object(target)
    with Storage.open(database) as storage:
        retention = storage.retention
        report = retention.purge(retention.find(kind, name), search or [])
    if as_json:
        import orjson

        print(orjson.dumps(_document(target, report), option=orjson.OPT_INDENT_2).decode())
    else:
        print(page(target, report))
    if not report.proof.holds:
        raise Failure(f"something of {target} is still there: see the report")


def page(target: str, report: PurgeReport) -> str:
    """Return the report as text."""
    proof = report.proof
    sought = " and ".join(filter(None, (_some(proof.ids, "deleted id"), _some(proof.texts, "text"))))
    lines = [
        f"{target}, all that was deleted up to transaction {report.last}",
        f"    taken out   {units.plural(report.rows, 'row')} of {units.plural(report.parts_written, 'part')}",
        f"    removed     {units.plural(len(report.removed), 'file')}, {units.size(report.removed_bytes)}",
        *(f"                {one.name}  {units.size(one.bytes)}" for one in report.removed),
        f"    read after  {units.plural(proof.files, 'file')}, {units.size(proof.bytes)}"
        + (f", for {sought}" if sought else ""),
        f"    found       {'nothing' if proof.holds else ''}".rstrip(),
        *(f"                {one.path}: {one.needle}" for one in proof.found),
        "    not seen    what no program sees that reads files:",
        *(f"                {one}" for one in proof.beyond),
    ]
    return "\n".join(lines)


def _some(number: int, noun: str) -> str:
    return units.plural(number, noun) if number else ""


def _document(target: str, report: PurgeReport) -> dict[str, object]:
    shown: dict[str, object] = asdict(report)
    return {**shown, "object": target, "removed_bytes": report.removed_bytes, "proved": report.proof.holds}
