"""``btql keys``: make, list and revoke the keys that a server asks for."""

from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from btql.cli.console import Failure, UsageFailure, note
from btql.cli.database import NewData
from btql.cli.examples import examples

if TYPE_CHECKING:
    from collections.abc import Generator

    from btql_server.access.desk import Desk, Issued

GROUP = typer.Typer(
    name="keys",
    help="Keys of a server: make them, list them, revoke them.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
CREATE_EXAMPLES = examples(
    "btql keys create --data traces --user ann@example.com --level admin",
    "btql keys create --data traces --service-token ci --project checkout --expires 90d",
    "btql keys create --data traces --organization acme --user bob@acme.example --level read",
)
LIST_EXAMPLES = examples("btql keys list --data traces", "btql keys list --data traces --all --format jsonl")
REVOKE_EXAMPLES = examples("btql keys revoke sk-0123456789ab --data traces")
LEVELS = ("read", "write", "admin")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONG = re.compile(r"(\d{1,6})([mhdw])")

Data = Annotated[
    str,
    typer.Option("--data", metavar="DB", envvar="BTQL_DATABASE", help="The database: a folder, an address or a name."),
]


def create(
    data: NewData,
    organization: Annotated[
        str | None, typer.Option("--organization", metavar="O", help="Whose key: a name or an id; made if missing.")
    ] = None,
    user: Annotated[str | None, typer.Option("--user", metavar="EMAIL", help="The user that the key is for.")] = None,
    service_token: Annotated[
        str | None, typer.Option("--service-token", metavar="NAME", help="The program that the key is for.")
    ] = None,
    level: Annotated[str, typer.Option("--level", help="The most that it allows: read, write or admin.")] = "write",
    project: Annotated[
        str | None, typer.Option("--project", metavar="ID_OR_NAME", help="The only project that it is for.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="WHEN", help="How long it works, as 30d or 12h, or until a time.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="What lists call it.")] = None,
) -> None:
    """Make a key and print it on standard output. It is shown this once: only a hash of it is stored.

    The organization and the user, or service token, are made if they are missing, and are given what the key is for.
    Without --user and --service-token it belongs to the service token `default`. Write access is what SDKs need;
    admin access manages members, keys and permissions over HTTP.
    """
    if user is not None and service_token is not None:
        raise UsageFailure("a key is for --user or for --service-token, not for both")
    if level not in LEVELS:
        raise UsageFailure(f"--level takes {', '.join(LEVELS)}, not {level}")
    expires_at = None if expires is None else moment(expires, datetime.now(UTC))
    with _desk(data, "btql keys create", create=True) as desk:
        from btql_server.access.desk import Wanted
        from btql_server.access.model import Level

        issued = desk.issue(Wanted(organization, user, service_token, Level[level.upper()], project, name, expires_at))
        try:
            print(issued.text, flush=True)
        except OSError:
            # Nobody has seen it, and nobody will.
            desk.revoke(issued.key.id)
            raise
    _note_changes(issued)
    ending = "" if issued.key.expires_at is None else f", until {issued.key.expires_at}"
    place = "" if project is None else f" in the project {project}"
    note(f"key {issued.key.prefix} of {issued.owner.name}: {level}{place}{ending}; it is not shown again")


def _note_changes(issued: Issued) -> None:
    for change in issued.made:
        if change.object_type != "key":
            note(" ".join(filter(None, (change.action, change.object_type, change.name, change.detail))))


def list_(
    data: Data,
    organization: Annotated[
        str | None, typer.Option("--organization", metavar="O", help="Only of this one: a name or an id.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that were revoked or have expired.")] = False,
    form: Annotated[str, typer.Option("--format", "-f", help="How to print: table or jsonl.")] = "table",
) -> None:
    """List keys, newest first, without their secrets."""
    if form not in ("table", "jsonl"):
        raise UsageFailure(f"--format takes table, jsonl, not {form}")
    with _desk(data, "btql keys list") as desk:
        rows = [
            {
                "key": each.key.prefix,
                "name": each.key.name,
                "owner": each.owner,
                "organization": each.organization,
                "level": each.key.level.name.lower(),
                "project": each.project,
                "created": each.key.created,
                "expires": each.key.expires_at,
                "last_used": each.key.last_used_at,
                "revoked": each.key.revoked_at,
            }
            for each in desk.keys(organization, ended=every)
        ]
    if form == "jsonl":
        _print_lines(rows)
    elif rows:
        _print_table(rows)
    else:
        note("there are no keys; make one with `btql keys create`")


def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Its beginning as in the list, or its id.")],
    data: Data,
) -> None:
    """Revoke a key: from now on no server takes it. This cannot be undone."""
    with _desk(data, "btql keys revoke") as desk:
        found = desk.revoke(key)
    if found.revoked_at is not None:
        note(f"{found.prefix} was revoked before, at {found.revoked_at}")
    else:
        note(f"revoked {found.prefix}, {found.name}")


def moment(text: str, now: datetime) -> datetime:
    """Return when something ends that is written as ``30d``, ``12h`` or as a time; it must be in the future."""
    found = _LONG.fullmatch(text.strip())
    try:
        if found is not None:
            ends = now + timedelta(**{_UNITS[found[2]]: int(found[1])})
        else:
            ends = datetime.fromisoformat(text.strip())
            # Whoever writes a time without a zone means the one of their clock.
            ends = ends.astimezone(UTC)
    except (ValueError, OverflowError):
        raise UsageFailure(f"`{text}` is no time: write 30d, 12h, 8w, or a time such as 2030-01-31T12:00Z") from None
    if ends <= now:
        raise UsageFailure(f"`{text}` is not in the future")
    return ends


@contextmanager
def _desk(data: str, command: str, *, create: bool = False) -> Generator[Desk]:
    try:
        from btql_server.access.desk import Desk
    except ModuleNotFoundError as error:
        raise Failure(f"{error.name} is not installed; write `pip install 'btql[server]'`") from None
    with Desk.at(data, command, create=create) as desk:
        yield desk


def _print_lines(rows: list[dict[str, str | None]]) -> None:
    import orjson

    for row in rows:
        print(orjson.dumps(row).decode())


def _print_table(rows: list[dict[str, str | None]]) -> None:
    from btql.cli.formats import one_line
    from btql.cli.table import Cell, draw

    # What no key has is no column.
    names = [name for name in rows[0] if any(row[name] is not None for row in rows)]
    cells = [[Cell(one_line(row[name] or ""), null=row[name] is None) for name in names] for row in rows]
    draw(names, cells, [False] * len(names))
