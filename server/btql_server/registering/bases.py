"""What an experiment is compared with: its base.

1. The one that was chosen when it was made: by id, by name, or as the nearest ancestor in the history of commits.
2. Else the latest experiment of the project that was made before it. One that comes later does not change
   what an evaluation was compared with.

An experiment that was deleted, or that the principal may not read, is no base.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from btql_server.access.model import Level
from btql_server.access.objects import usual
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.registering.crud import readable
from btql_server.registry.entity import Entity, Listing

_LOOKED_AT_MAX = 1_000
"""How many experiments are looked at for one at an ancestor: the latest."""


def base_of(call: Call, experiment: Entity) -> Entity | None:
    """Return what an experiment is compared with unless something else is asked for."""
    chosen = experiment.body.get("base_exp_id")
    if chosen is not None:
        found = _readable_by_id(call, str(chosen))
        if found is not None:
            return found
    earlier = Listing("experiment", project_id=experiment.project_id, starting_after=experiment.id, limit=1)
    return next(iter(readable(call, earlier)), None)


def require_base(call: Call, base_id: str) -> None:
    """Raise if the experiment that a request chooses as a base, by id, does not exist."""
    if _readable_by_id(call, base_id) is None:
        raise _no_base(f"id `{base_id[:80]}`")


def base_named(call: Call, project: Entity | None, name: str) -> str:
    """Return the id of the experiment that a request chooses as a base, by name."""
    found = None if project is None else call.state.registry.find("experiment", project.id, name)
    if found is None or call.principal.level(found.resource) < Level.READ:
        raise _no_base(f"`{name[:80]}` in this project")
    return found.id


def ancestor_of(call: Call, project: Entity, commits: Sequence[str]) -> str | None:
    """Return the latest experiment at the nearest of some commits, which come nearest first."""
    if not commits:
        return None
    nearest: dict[str, str] = {}
    for experiment in readable(call, Listing("experiment", project_id=project.id, limit=_LOOKED_AT_MAX)):
        commit = commit_of(experiment)
        if commit is not None:
            nearest.setdefault(commit, experiment.id)
    return next((nearest[commit] for commit in commits if commit in nearest), None)


def commit_of(experiment: Entity) -> str | None:
    """Return the commit at which an experiment ran."""
    info = experiment.body.get("repo_info")
    known = cast("dict[str, object]", info).get("commit") if isinstance(info, dict) else None
    commit = experiment.body.get("commit") or known
    return None if commit is None else str(commit)


def _readable_by_id(call: Call, experiment_id: str) -> Entity | None:
    found = call.state.registry.get("experiment", usual(experiment_id))
    return found if found is not None and call.principal.level(found.resource) >= Level.READ else None


def _no_base(described: str) -> HttpError:
    # SDKs look for these words, leave the name out, and ask again.
    return HttpError(400, f"there is no base experiment {described}")
