"""``btql retention``: how long objects are kept, and what was deleted and may still be in files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from btql.cli import units
from btql.cli.amounts import count, duration, size
from btql.cli.console import UsageFailure, note
from btql.cli.database import Database
from btql.cli.examples import examples
from btql.connection import split_object
from btql_grammar.sources import KINDS

if TYPE_CHECKING:
    from btql_storage.retention.facade import PurgeStatus
    from btql_storage.retention.policy import RetentionPolicy

GROUP = typer.Typer(
    name="retention",
    help="How long objects are kept: set policies, show them, run them; and what waits to be purged.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)
SET_EXAMPLES = examples(
    "btql retention set ./db project_logs --age 90d",
    "btql retention set ./db project_logs:demo --rows 1000000 --bytes 50GB",
    "btql retention set ./db dataset --history 1w",
)
SHOW_EXAMPLES = examples("btql retention show ./db", "btql retention show ./db --json")
CLEAR_EXAMPLES = examples("btql retention clear ./db project_logs")
RUN_EXAMPLES = examples("btql retention run ./db", "btql retention run ./db project_logs:demo")
STATUS_EXAMPLES = examples("btql retention status ./db")

Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="A kind, as project_logs, or an object, as kind:name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def set_(
    database: Database,
    scope: Scope,
    age: Annotated[
        str | None, typer.Option("--age", metavar="TIME", help="Traces whose newest row is older go, as 90d.")
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="N", help="The oldest traces go until so many rows are left.")
    ] = None,
    json_bytes: Annotated[
        str | None, typer.Option("--bytes", metavar="SIZE", help="They go until so much JSON is left, as 50GB.")
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            "--history",
            metavar="TIME",
            help="How long experiments, datasets, prompts and functions keep what rows were.",
        ),
    ] = None,
) -> None:
    """Set how much of an object is kept, or of every object of a kind. It takes the place of the policy of before.

    What an object's own policy says holds in the place of the one of its kind. A trace goes as a whole, by the
    `created` of its newest row. Policies are applied in the background, or by `btql retention run`.
    """
    from btql_storage.catalog.shapes import VERSIONED_KINDS
    from btql_storage.retention.policy import RetentionPolicy
    from btql_storage.store import Storage

    policy = RetentionPolicy(
        None if age is None else duration(age),
        None if json_bytes is None else size(json_bytes),
        None if rows is None else count(rows),
        None if history is None else duration(history),
    )
    if policy.is_empty:
        raise UsageFailure("a policy needs at least one of --age, --rows, --bytes and --history")
    kind = _checked(scope).partition(":")[0]
    if policy.history_s is not None and kind not in VERSIONED_KINDS:
        raise UsageFailure(f"{kind} has no versions: --history is for datasets, experiments, prompts and functions")
    with Storage.open(database) as storage:
        storage.retention.set_policy(scope, policy)
    note(f"{scope}: keep {described(policy)}")


def clear(database: Database, scope: Scope) -> None:
    """Remove a policy: what it was for is kept for ever, or as the policy of its kind says."""
    from btql_storage.store import Storage

    with Storage.open(database) as storage:
        retention = storage.retention
        if _checked(scope) not in retention.policies():
            note(f"there is no policy for {scope}")
            return
        retention.set_policy(scope, None)
        kind, colon, _ = scope.partition(":")
        of_kind = retention.policies().get(kind) if colon else None
    kept = "everything" if of_kind is None else f"{described(of_kind)}, as the policy of {kind} says"
    note(f"{scope}: keep {kept}")


def show(database: Database, as_json: AsJson = False) -> None:
    """Show the policies."""
    from btql_storage.store import Storage

    with Storage.open(database, read_only=True) as storage:
        policies = storage.retention.policies()
    if as_json:
        import orjson

        print(orjson.dumps(policies).decode())
    elif policies:
        width = max(map(len, policies))
        for scope, policy in policies.items():
            print(f"{scope.ljust(width)}   {described(policy)}")
    else:
        note("there are no policies: everything is kept")


def run(
    database: Database,
    target: Annotated[str | None, typer.Argument(metavar="OBJECT", help="Only this one, as kind:name.")] = None,
) -> None:
    """Apply the policies now: what they do not keep is no longer seen when this returns.

    Its bytes go from the files later; `btql retention status` tells when, and `btql purge` removes them at once.
    """
    from btql.cli.start import import_arrow

    import_arrow()
    from btql_storage.store import Storage

    with Storage.open(database) as storage:
        only = None if target is None else storage.object(*split_object(target))
        done = storage.retention.run(only)
        waiting = storage.waiting(only).events if storage.retention.policies() else 0
    for one in done:
        past = f", {units.plural(one.expired.past_rows, 'row')} of the past" if one.expired.past_rows else ""
        note(f"{one.object.kind}:{one.object.name}: {units.plural(one.expired.rows, 'row')} expired{past}")
    if not done:
        note("nothing has expired")
    if waiting:
        events = units.plural(waiting, "event")
        note(f"traces of {events} that wait for compaction stay for now: run `btql compact` first")


def status(
    database: Database,
    every: Annotated[bool, typer.Option("--all", help="Also objects that were purged more than 30 days ago.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what was deleted, since when, and until when its bytes are gone from every file."""
    from btql_storage.store import Storage

    with Storage.open(database, read_only=True) as storage:
        found = storage.retention.status(0 if every else None)
    if as_json:
        import orjson

        rows = [
            {
                "object": f"{one.object.kind}:{one.object.name}",
                "deleted_at": one.deleted_at,
                "waiting_since": one.waiting_since,
                "due": one.due,
                "parts": one.parts,
                "purged_at": one.purged_at,
            }
            for one in found
        ]
        print(orjson.dumps(rows).decode())
        return
    for one in found:
        print(f"{one.object.kind}:{one.object.name}\n    {told(one)}")
    if not found:
        note("nothing that was deleted is still in a file")


def told(one: PurgeStatus) -> str:
    """Return in a line what became of deletes."""
    what = "rows were deleted" if one.deleted_at is None else f"deleted as a whole on {_time(one.deleted_at)}"
    if one.waiting_since is None:
        return f"{what}, and gone from every file since {_time(one.purged_at)}"
    parts = f", in {units.plural(one.parts, 'part')}" if one.parts else ""
    return f"{what}, the first on {_time(one.waiting_since)}{parts}; gone from every file by {_time(one.due)}"


def described(policy: RetentionPolicy) -> str:
    """Return a policy in words."""
    pieces = [
        None if policy.age_s is None else f"traces of the last {units.duration(policy.age_s)}",
        None if policy.rows is None else f"at most {units.count(policy.rows)} rows",
        None if policy.json_bytes is None else f"at most {units.size(policy.json_bytes)} of JSON",
        None if policy.history_s is None else f"the past for {units.duration(policy.history_s)}",
    ]
    return ", ".join(filter(None, pieces))


def _checked(scope: str) -> str:
    kind, colon, name = scope.partition(":")
    if kind not in KINDS or (colon and not name):
        raise UsageFailure(f"`{scope}` is neither a kind nor an object: write project_logs, or project_logs:demo")
    return scope


def _time(moment_s: int | None) -> str:
    return "?" if moment_s is None else datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
