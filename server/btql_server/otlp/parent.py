"""Where spans belong: the header ``x-bt-parent`` of a request, or the attribute ``braintrust.parent``.

Of a span's own attribute, its resource's attribute and the header, the first one counts. It is ``project_id:<id>``,
``project_name:<name>`` (made where it is missing), ``experiment_id:<id>``, or an exported span.
"""

from __future__ import annotations

from dataclasses import dataclass

from btql_server.access.model import Level
from btql_server.access.objects import require_object
from btql_server.http.call import Call
from btql_server.http.errors import HttpError
from btql_server.otlp.slug import Exported, parse_exported
from btql_server.registering.crud import get_or_create
from btql_server.registering.places import NAME_LENGTH_MAX, own_organization
from btql_server.registering.projects import PROJECT
from btql_storage.catalog import ObjectInfo

HEADER = "x-bt-parent"
_FORMS = "`project_id:<id>`, `project_name:<name>`, `experiment_id:<id>` or an exported span"
MISSING = f"no parent: say where the spans belong with the header `{HEADER}`, as {_FORMS}"


def read_header(value: str) -> str:
    """Return what a header says, which arrives as Latin-1 whatever it was: bytes that are UTF-8 are read as such."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeDecodeError:
        return value


@dataclass(frozen=True, slots=True)
class Parent:
    """Where spans go."""

    target: ObjectInfo
    exported: Exported | None = None
    """The span that they are below, where one was given."""


class Parents:
    """The parents that one request names: each is looked up, and its permission checked, once."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._known: dict[str, Parent | HttpError] = {}

    def find(self, text: str) -> Parent:
        """Return a parent that the principal may write to; HttpError otherwise."""
        if text not in self._known:
            try:
                self._known[text] = self._look_up(text.strip())
            except HttpError as error:
                self._known[text] = error
        found = self._known[text]
        if isinstance(found, HttpError):
            raise found
        return found

    def _look_up(self, text: str) -> Parent:
        form, colon, name = text.partition(":")
        if colon and name:
            match form:
                case "project_id":
                    return self._object("project_logs", name)
                case "project_name":
                    return self._project(name)
                case "experiment_id":
                    return self._object("experiment", name)
                case _:
                    pass
        try:
            exported = parse_exported(text)
        except ValueError as error:
            raise HttpError(400, f"the parent `{text[:80]}` is none of {_FORMS} ({error})") from None
        return Parent(self._exported(exported).target, exported if exported.span_id is not None else None)

    def _exported(self, exported: Exported) -> Parent:
        if exported.object_id is not None:
            return self._object(exported.kind, exported.object_id)
        match exported.kind, exported.arguments:
            case "project_logs", {"project_id": str() as project_id}:
                return self._object("project_logs", project_id)
            case "project_logs", {"project_name": str() as name}:
                return self._project(name)
            case _:
                raise HttpError(400, f"an exported span of kind {exported.kind} needs an `object_id` here")

    def _object(self, kind: str, name: str) -> Parent:
        return Parent(require_object(self._call, Level.WRITE, kind, name))

    def _project(self, name: str) -> Parent:
        if len(name) > NAME_LENGTH_MAX:
            raise HttpError(400, f"the name of a project has at most {NAME_LENGTH_MAX:,} characters")
        project, _ = get_or_create(self._call, PROJECT, own_organization(self._call), {"name": name})
        return self._object("project_logs", project.id)
