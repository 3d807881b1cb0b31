"""A connection to a server over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from btql.remote.answer import remote_result
from btql.remote.connection import RemoteConnection, query_text
from btql.remote.failures import failure
from btql.remote.http import Client
from btql.remote.stopping import RemoteStop
from btql.remote.wire_values import to_wire
from btql.tables import Table
from btql_storage import json_text
from btql_storage.ingest.receipt import Receipt

if TYPE_CHECKING:
    from btql.execution.stop import Stop
    from btql.remote.address import Address
    from btql.result import Result
    from btql_grammar.parameters import Values
    from btql_planner.options import QueryOptions
    from btql_storage.ingest.accept import Event

_ARROW = "application/vnd.apache.arrow.stream"


class HttpConnection(RemoteConnection):
    """A server that is asked over HTTP."""

    def __init__(self, address: Address, ca_file: str | None = None) -> None:
        super().__init__(address)
        self._client = Client(address, ca_file)

    @property
    def _open(self) -> Client:
        self.check_open()
        return self._client

    def run(
        self, query: str | Mapping[str, object], parameters: Values | None, options: QueryOptions, stop: Stop | None
    ) -> Result:
        """Return the answer to a statement."""
        body = self._body(query, options, stop)
        if parameters is not None:
            body["parameters"], body["parameter_sorts"] = to_wire(parameters)
        return self._ask(body, query_text(query), stop)

    def run_many(self, query: str, parameters: Sequence[Values], stop: Stop) -> int:
        """Run a statement that writes once for each of several sequences of values; return how many rows it wrote."""
        body: dict[str, object] = {"query": query, "fmt": "arrow", "disable_limit": True, **_seconds(stop)}
        wired = [to_wire(values) for values in parameters]
        body["parameter_sets"] = [values for values, _ in wired]
        body["parameter_sorts"] = [sorts for _, sorts in wired]
        return self._ask(body, query, stop).rows_written or 0

    def tables(self) -> list[Table]:
        """Return the objects that may be read as tables with columns."""
        found = self._open.call("/btql/tables", {})["tables"]
        return [
            Table(each["number"], each["schema"], each["name"], each["id"], each["note"], tuple(each["constants"]))
            for each in cast("list[dict[str, Any]]", found)
        ]

    def paths(self, target: str) -> list[tuple[str, ...]]:
        """Return every field and path that rows of an object have."""
        found = cast("list[list[str]]", self._open.call("/btql/paths", {"target": target})["paths"])
        return [tuple(path) for path in found]

    def ingest(self, target: str, events: Iterable[Mapping[str, object]] | Iterable[bytes]) -> Receipt:
        """Write one batch of events to an object such as ``project_logs:demo``."""
        from btql_storage.ingest.accept import line_of
        from btql_storage.limits import DEFAULT

        texts = [line_of(event, index, DEFAULT) for index, event in enumerate(cast("Iterable[Event]", events))]
        body = b'{"target":%s,"events":[%s]}' % (json_text.dumps(target).encode(), b",".join(texts))
        told = self._open.call_bytes("/btql/ingest", body)
        return Receipt(int(str(told["xact_id"])), len(texts), tuple(cast("list[str]", told["row_ids"])))

    def close(self) -> None:
        """Close the connections that wait for a request."""
        super().close()
        self._client.close()

    def _body(self, query: str | Mapping[str, object], options: QueryOptions, stop: Stop | None) -> dict[str, object]:
        return {
            "query": query,
            "fmt": "arrow",
            "lint_mode": options.lint,
            "tz_offset": options.tz_offset,
            "version": options.version,
            "cursor": options.cursor,
            "limit": options.default_limit,
            "disable_limit": True,
            **_seconds(stop),
        }

    def _ask(self, body: Mapping[str, object], text: str, stop: Stop | None) -> Result:
        stop = stop if isinstance(stop, RemoteStop) else RemoteStop()
        reply = self._open.post("/btql", json_text.dumps(body).encode(), stop, _ARROW)
        try:
            if reply.status == HTTPStatus.OK:
                return remote_result(reply, text, stop)
            told = reply.read()
        except BaseException:
            reply.close()
            raise
        reply.close()
        raise failure(reply.status, told, text)


def _seconds(stop: Stop | None) -> dict[str, object]:
    return {"query_timeout_seconds": stop.limit} if isinstance(stop, RemoteStop) and stop.limit is not None else {}
