"""The door over HTTP: cases asked by ``POST /btql``, with nothing but the standard library.

:class:`HttpSession` asks any server that has the data already. :class:`HttpDoor` brings the data to a server first:
each object becomes a project, an experiment or a dataset of that name, written by ``/v1/…/insert`` and removed when
others take their place. A server holds clients to types that a database in the same process does not, and knows fewer
kinds of object; a set of data that it refuses is not for this door.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import cast
from urllib.parse import quote, urlsplit

from btql_conformance.dataset import DataSet, requests
from btql_conformance.doors import Answer, Failure, Page, State, Unsuitable
from btql_conformance.values import Value

PROJECT = "btql-conformance"
"""The project that experiments and datasets are made in."""
_KINDS = ("project_logs", "experiment", "dataset")
_WAIT_S = 60.0


class Refused(Exception):  # noqa: N818  it is what the server did
    """An answer that is no success, or is no JSON object."""

    def __init__(self, status: int, body: Mapping[str, object]) -> None:
        super().__init__(f"{status}: {body.get('Message', body)}")
        self.status = status
        self.body = body


class Http:
    """One connection to a server, opened again when it was closed."""

    def __init__(self, url: str, key: str | None) -> None:
        place = urlsplit(url)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise ValueError(f"`{url}` is no address: write `http://host:port`")
        make = HTTPSConnection if place.scheme == "https" else HTTPConnection
        self._connection = make(place.hostname, place.port, timeout=_WAIT_S)
        self._prefix = place.path.rstrip("/")
        self._headers = {"content-type": "application/json"}
        if key is not None:
            self._headers["authorization"] = f"Bearer {key}"

    def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """Return the JSON answer to a request; Refused where it is no success."""
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        try:
            status, answer = self._exchange(method, path, sent)
        except (HTTPException, ConnectionError):
            # The server has closed a connection that was not used for a while.
            self._connection.close()
            status, answer = self._exchange(method, path, sent)
        try:
            found = json.loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Refused(status, {"Message": answer.decode("utf-8", "replace")[:1_000]})
        if status >= 300:
            raise Refused(status, cast("dict[str, object]", found))
        return cast("dict[str, object]", found)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        self._connection.request(method, self._prefix + path, body, self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()


@dataclass
class HttpSession:
    """A server that has the data."""

    http: Http
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Ids that stand in rows for the names of objects, by id."""

    def query(self, language: str, text: str, options: Mapping[str, Value]) -> Answer:
        """Return the answer to a query."""
        body: dict[str, object] = {"query": json.loads(text) if language == "json" else text, "disable_limit": True}
        body |= {"lint_mode" if name == "lint" else name: value for name, value in options.items()}
        body.setdefault("lint_mode", "off")
        try:
            found = self.http.call("POST", "/btql", body)
        except Refused as error:
            return _failure(error)
        rows = cast("list[dict[str, Value]]", found["data"])
        shown = [{key: self._named(value) for key, value in row.items()} for row in rows] if self.names else rows
        return Page(shown, cast("str | None", found.get("cursor")))

    def close(self) -> None:
        """Close the connection."""
        self.http.close()

    def _named(self, value: Value) -> Value:
        return self.names.get(value, value) if isinstance(value, str) else value


def _failure(error: Refused) -> Failure:
    mistakes = error.body.get("errors")
    first = cast("list[Mapping[str, object]]", mistakes)[0] if isinstance(mistakes, list) and mistakes else {}
    line, column = first.get("line"), first.get("column")
    place = (line, column) if isinstance(line, int) and isinstance(column, int) else None
    return Failure(str(first.get("code", f"HTTP {error.status}")), place, str(error))


class HttpDoor:
    """A server that the data is written to before it is asked; it should serve nothing else meanwhile."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url
        self._key = key
        self._current: _Written | None = None

    def open(self, data: DataSet, state: State) -> _Written:
        """Return the server with some data; when it compacts is its own affair."""
        del state
        session = _Written(self, Http(self._url, self._key), data)
        try:
            self.take_over(session)
        except BaseException:
            session.close()
            raise
        return session

    def take_over(self, session: _Written) -> None:
        """Put the data of a session in the place of the data of another: both may have objects of one name."""
        if self._current is session:
            return
        if self._current is not None:
            self._current.remove()
        self._current = session
        session.write()

    def leave(self, session: _Written) -> None:
        """Remove the data of a session."""
        if self._current is session:
            self._current = None
            session.remove()


class _Written:
    """Data on a server, under names of its own."""

    def __init__(self, door: HttpDoor, http: Http, data: DataSet) -> None:
        self._door = door
        self._http = http
        self._data = data
        self._ids: dict[str, str] = {}
        """Object, as ``kind:name``, to its id."""
        self._project: str | None = None

    def query(self, language: str, text: str, options: Mapping[str, Value]) -> Answer:
        """Return the answer to a query."""
        self._door.take_over(self)
        names = {each: target.partition(":")[2] for target, each in self._ids.items()}
        return HttpSession(self._http, names).query(language, text, options)

    def close(self) -> None:
        """Remove the data, and close the connection."""
        self._door.leave(self)
        self._http.close()

    def write(self) -> None:
        """Make the objects, and write the events in their order."""
        for target, documents in requests(self._data.events):
            kind = target.partition(":")[0]
            if kind not in _KINDS:
                raise Unsuitable(f"a server has no objects of kind {kind} to write to")
            if target not in self._ids:
                self._ids[target] = self._make(target)
            path = f"/v1/{kind}/{quote(self._ids[target])}/insert"
            try:
                self._http.call("POST", path, {"events": documents})
            except Refused as error:
                raise Unsuitable(f"the server refuses data of {target}: {error}") from error

    def remove(self) -> None:
        """Remove the objects; their names are free again."""
        made: Sequence[tuple[str, str]] = [(_collection(target), each) for target, each in self._ids.items()]
        if self._project is not None:
            made = [*made, ("project", self._project)]
        self._ids, self._project = {}, None
        for collection, each in made:
            self._http.call("DELETE", f"/v1/{collection}/{quote(each)}")

    def _make(self, target: str) -> str:
        kind, _, name = target.partition(":")
        wanted = {"name": name}
        if kind != "project_logs":
            if self._project is None:
                self._project = str(self._http.call("POST", "/v1/project", {"name": PROJECT})["id"])
            wanted["project_id"] = self._project
        return str(self._http.call("POST", f"/v1/{_collection(target)}", wanted)["id"])


def _collection(target: str) -> str:
    kind = target.partition(":")[0]
    return "project" if kind == "project_logs" else kind
