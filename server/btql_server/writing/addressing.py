"""Which object a row belongs to, by the keys that it carries.

=========================================  ===================================
keys                                       object
=========================================  ===================================
``experiment_id``                          ``experiment('<id>')``
``dataset_id``                             ``dataset('<id>')``
``prompt_session_id`` (``log_id: "x"``)    ``playground_logs('<id>')``
``project_id`` (``log_id: "g"``)           ``project_logs('<id>')``
=========================================  ===================================

A ``project_id`` beside one of the other ids says where that object lives, and is not looked at. Rows with
``log_id: "p"`` would be prompts and functions: these have names to keep unique, so they are written by their
own routes.
"""

from __future__ import annotations

from btql_server.access.model import Level
from btql_server.access.objects import require_object
from btql_server.http.call import Call
from btql_server.http.errors import HttpError, invalid, spelled
from btql_server.writing.rows import Place, Row
from btql_server.writing.store import Path
from btql_storage.catalog import ObjectInfo


class Addresses:
    """The objects that one request writes; each is looked up, and permission asked for, once."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._known: dict[tuple[str | None, ...], ObjectInfo] = {}

    def of(self, row: Row, path: Path) -> ObjectInfo:
        """Return the object of the row at a path of the request; a 400 or 403 that names the row."""
        keys = row.address
        found = self._known.get(keys)
        if found is None:
            kind, name = _address(Place(*keys), path)
            try:
                found = self._known[keys] = require_object(self._call, Level.WRITE, kind, name)
            except HttpError as error:
                raise HttpError(error.status, f"{error.message} at `{spelled(path)}`") from None
        return found


def _address(place: Place, path: Path) -> tuple[str, str]:
    named = [
        (kind, name)
        for kind, name in (
            ("experiment", place.experiment_id),
            ("dataset", place.dataset_id),
            ("playground_logs", place.prompt_session_id),
        )
        if name
    ]
    if len(named) > 1:
        raise invalid(f"one of `{named[0][0]}` and `{named[1][0]}`, a row cannot belong to both", path)
    if named:
        return named[0]
    if not place.project_id:
        message = "a row needs `project_id` and `log_id`, `experiment_id`, `dataset_id` or `prompt_session_id`"
        raise invalid(message, path)
    if place.log_id in (None, "g"):
        return "project_logs", place.project_id
    if place.log_id == "p":
        raise invalid("prompts and functions are written by `/v1/prompt` and `/v1/function`", [*path, "log_id"])
    raise invalid(f"`log_id` is `g` for the logs of a project, not `{place.log_id[:40]}`", [*path, "log_id"])
