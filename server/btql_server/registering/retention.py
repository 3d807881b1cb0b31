"""How long an object is kept, and the purge of what was deleted: ``/v1/{kind}/{id}/retention`` and ``…/purge``.

All of it is for administrators of the object. Policies for all objects of a kind are set on the command line, as a
kind has no owner; so is a purge that looks for texts, as it looks into the files of everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta, Struct, structs, to_builtins

from btql_server.access.model import Level
from btql_server.access.objects import require_object
from btql_server.http.answer import Answer, json_answer
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.http.pools import PoolName
from btql_server.http.routes import Routes
from btql_server.registry.store import time_text
from btql_storage.catalog import ObjectInfo
from btql_storage.catalog.shapes import VERSIONED_KINDS
from btql_storage.retention.facade import PurgeStatus
from btql_storage.retention.policy import RetentionPolicy
from btql_storage.retention.purge import PurgeReport

KINDS = ("project_logs", "experiment", "dataset")
routes = Routes("Retention")
Positive = Annotated[int, Meta(ge=1, le=(1 << 53) - 1)]


class Policy(Struct):
    """How much of an object is kept; what is missing is no limit."""

    age_s: Positive | None = None
    """Seconds since ``created`` of the newest row of a trace, which goes as a whole."""
    json_bytes: Positive | None = None
    """JSON of the rows; the oldest traces go."""
    rows: Positive | None = None
    """Rows; the oldest traces go."""
    history_s: Positive | None = None
    """Seconds that experiments and datasets keep what rows were."""


class RetentionStatus(Struct):
    """How long an object is kept, and which deletes may still be in files."""

    policy: Policy | None
    """Its own; null where it has none."""
    in_force: Policy
    """Its own, or that of its kind."""
    waiting_since: str | None
    """When the oldest delete was whose bytes may still be in a file; null where there is none."""
    due: str | None
    """Until when these are gone."""


class Leftover(Struct):
    """A file that has something that should be gone."""

    path: str
    needle: str


class Purged(Struct):
    """What a purge did, and its proof."""

    proved: bool
    """Whether nothing was found."""
    last: str
    """The transaction up to which deletes are purged."""
    rows: int
    """Rows that were deleted or replaced and were still in a file."""
    removed_files: int
    removed_bytes: int
    read_files: int
    """How many files were read for the proof."""
    read_bytes: int
    found: list[Leftover]
    beyond: list[str]
    """What nobody can see who reads files."""


def _status(call: Call, target: ObjectInfo) -> Answer:
    retention = call.state.storage.retention
    policies = retention.policies()
    own = policies.get(f"{target.kind}:{target.name}")
    mine = next((one for one in retention.status() if one.object == target), None)
    status = RetentionStatus(
        None if own is None else Policy(**asdict(own)),
        Policy(**asdict(retention.policy_of(target, policies))),
        _time(mine, "waiting_since"),
        _time(mine, "due"),
    )
    return json_answer(to_builtins(status))


def _time(status: PurgeStatus | None, name: str) -> str | None:
    moment: int | None = None if status is None else getattr(status, name)
    return None if moment is None else time_text(datetime.fromtimestamp(moment, UTC))


def _add(kind: str) -> None:
    """Add the routes of one kind of object."""

    def administered(call: Call, object_id: str) -> ObjectInfo:
        return require_object(call, Level.ADMIN, kind, object_id)

    def get(call: Call, object_id: str) -> Answer:
        return _status(call, administered(call, object_id))

    def put(call: Call, object_id: str, body: Policy) -> Answer:
        target = administered(call, object_id)
        policy = RetentionPolicy(**structs.asdict(body))
        if policy.is_empty:
            raise HttpError(400, "a policy needs a limit: age_s, json_bytes, rows or history_s; DELETE removes it")
        if policy.history_s is not None and not target.keeps_history:
            kept = " and ".join(each for each in KINDS if each in VERSIONED_KINDS)
            raise HttpError(400, f"{kind} has no versions: leave `history_s` out, it is for {kept}")
        call.state.storage.retention.set_policy(f"{kind}:{target.name}", policy)
        return _status(call, target)

    def delete(call: Call, object_id: str) -> Answer:
        target = administered(call, object_id)
        call.state.storage.retention.set_policy(f"{kind}:{target.name}", None)
        return _status(call, target)

    def purge(call: Call, object_id: str) -> Answer:
        report = call.state.storage.retention.purge(administered(call, object_id))
        return json_answer(to_builtins(_purged(report)))

    what = kind.replace("_", " ")
    path = f"/v1/{kind}/{{object_id}}"
    declared: Sequence[tuple[str, str, object, Callable[..., Answer], str]] = [
        ("GET", f"{path}/retention", RetentionStatus, get, f"Return how long the rows of a {what} are kept."),
        ("PUT", f"{path}/retention", RetentionStatus, put, f"Set how long the rows of a {what} are kept."),
        (
            "DELETE",
            f"{path}/retention",
            RetentionStatus,
            delete,
            f"Keep the rows of a {what} as long as its kind says.",
        ),
        ("POST", f"{path}/purge", Purged, purge, f"Purge what was deleted from a {what} now, and prove it."),
    ]
    for method, route, answer, handler, summary in declared:
        handler.__doc__ = summary
        pool: PoolName = "bulk" if handler is purge else "small"
        routes.add(method, route, answer=answer, pool=pool)(handler)


def _purged(report: PurgeReport) -> Purged:
    proof = report.proof
    return Purged(
        proof.holds,
        str(report.last),
        report.rows,
        len(report.removed),
        report.removed_bytes,
        proof.files,
        proof.bytes,
        [Leftover(one.path, one.needle) for one in proof.found],
        list(proof.beyond),
    )


for _kind in KINDS:
    _add(_kind)
