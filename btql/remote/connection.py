"""A connection to a server, which does what one to a folder does.

What only whoever has the folder can do is refused: compacting, which a server does by itself, and the status of the
files. Rows, types and errors are those of a folder, but for this: in a column of whole and fractional numbers all are
fractional, as they are in Arrow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, cast

from btql.connection import Connection
from btql.database import text_of
from btql.errors import NotSupportedError
from btql.remote.answer import remote_result
from btql.remote.failures import failure
from btql.remote.http import Client, RemoteStop
from btql.remote.wire_values import to_wire
from btql.tables import Table
from btql_grammar.diagnostic import BtqlError
from btql_storage import json_text

if TYPE_CHECKING:
    from btql.execution.stop import Stop
    from btql.remote.address import Address
    from btql.result import Result
    from btql_grammar.parameters import Values
    from btql_planner.options import QueryOptions
    from btql_storage.compaction.job import CompactionProgress, CompactionReport
    from btql_storage.status import Status

_ARROW = "application/vnd.apache.arrow.stream"


class HttpConnection(Connection):
    """A server that is asked over HTTP."""

    def __init__(self, address: Address, ca_file: str | None = None) -> None:
        self._address = address
        self._client = Client(address, ca_file)

    def run(
        self, query: str | Mapping[str, object], parameters: Values | None, options: QueryOptions, stop: Stop | None
    ) -> Result:
        """Return the answer to a statement."""
        body = self._body(query, options, stop)
        if parameters is not None:
            body["parameters"], body["parameter_sorts"] = to_wire(parameters)
        return self._ask(body, _text(query), stop)

    def run_many(self, query: str, parameters: Sequence[Values], stop: Stop) -> int:
        """Run a statement that writes once for each of several sequences of values; return how many rows it wrote."""
        body: dict[str, object] = {"query": query, "fmt": "arrow", **_seconds(stop)}
        wired = [to_wire(values) for values in parameters]
        body["parameter_sets"] = [values for values, _ in wired]
        body["parameter_sorts"] = [sorts for _, sorts in wired]
        return self._ask(body, query, stop).rows_written or 0

    def new_stop(self, seconds: float | None) -> Stop:
        """Return what ends a statement: the server after some seconds, or whoever tells it to."""
        return RemoteStop(seconds)

    def explain(self, text: str, *, analyze: bool = False) -> str:
        """Return how a query in SQL is understood and run; with ``analyze`` run it, and say what that took."""
        rows = self.query(f"EXPLAIN {'ANALYZE ' if analyze else ''}{text}").rows()
        return "\n".join(str(row["plan"]) for row in rows)

    def tables(self) -> list[Table]:
        """Return the objects that may be read as tables with columns."""
        found = self._client.call("/btql/tables", {})["tables"]
        return [
            Table(each["number"], each["schema"], each["name"], each["id"], each["note"], tuple(each["constants"]))
            for each in cast("list[dict[str, Any]]", found)
        ]

    def compact(self, progress: Callable[[CompactionProgress], None] | None = None) -> CompactionReport:  # noqa: ARG002
        """Refuse: a server compacts by itself."""
        self._refuse("a server compacts by itself: leave compact() out")

    def status(self) -> Status:
        """Refuse: what is in its files only the server knows."""
        self._refuse("the status of a folder is told where the folder is: `btql status`")

    def close(self) -> None:
        """Close the connections that wait for a request."""
        self.closed = True
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
        reply = self._client.post("/btql", json_text.dumps(body).encode(), stop, _ARROW)
        try:
            told = None if reply.status == HTTPStatus.OK else reply.read()
            if told is None:
                return remote_result(reply, text, stop)
        except BaseException:
            reply.close()
            raise
        reply.close()
        raise failure(reply.status, told, text)

    def _refuse(self, reason: str) -> NoReturn:
        raise NotSupportedError(f"{reason} ({self._address})", sqlstate="0A000")


def _text(query: str | Mapping[str, object]) -> str:
    """Return the text that places in errors are places of."""
    if isinstance(query, str):
        return query
    try:
        return text_of(query)
    except BtqlError:
        return ""


def _seconds(stop: Stop | None) -> dict[str, object]:
    return {"query_timeout_seconds": stop.limit} if isinstance(stop, RemoteStop) and stop.limit is not None else {}
