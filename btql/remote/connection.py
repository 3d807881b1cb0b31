"""A connection to a server, which does what one to a folder does.

What only whoever has the folder can do is refused: compacting, which a server does by itself, and the status of the
files. Rows, types and errors are those of a folder, but for this: in a column of whole and fractional numbers all are
fractional, as they are in Arrow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from btql.arguments import seconds_of, text_of
from btql.connection import Connection
from btql.errors import NotSupportedError
from btql.explain import check_format
from btql.fixed_answer import PLAN_COLUMN
from btql.remote.stopping import RemoteStop
from btql_grammar.diagnostic import BtqlError

if TYPE_CHECKING:
    from btql.execution.stop import Stop
    from btql.moving.exporting import Export
    from btql.remote.address import Address
    from btql_grammar.tree_statements import ExplainFormat
    from btql_storage.compaction.job import CompactionProgress, CompactionReport
    from btql_storage.ingest.receipt import Receipt
    from btql_storage.retention.facade import Retention
    from btql_storage.retention.purge import PurgeReport
    from btql_storage.status import Status


class RemoteConnection(Connection):
    """What connections to a server have in common."""

    def __init__(self, address: Address) -> None:
        self.address = address
        """Where the server is."""

    def new_stop(self, seconds: float | None) -> Stop:
        """Return what ends a statement: the server after some seconds, or whoever tells it to."""
        return RemoteStop(seconds_of(seconds))

    def explain(self, text: str, *, analyze: bool = False, format: ExplainFormat = "text") -> str:  # noqa: A002
        """Return how a query is understood and run; with ``analyze`` run it, and say what that took."""
        check_format(format)
        options = ["ANALYZE"] * analyze + [f"FORMAT {format.upper()}"]
        lines = [row[PLAN_COLUMN] for row in self.query(f"EXPLAIN ({', '.join(options)}) {text}").rows()]
        return "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)

    def objects(self) -> list[str]:
        """Return the objects that may be read as ``kind:name``."""
        return [f"{each.schema}:{each.name}" for each in self.tables()]

    def import_rows(self, target: str, rows: Sequence[bytes]) -> Receipt:
        """Write one batch of rows."""
        return self.ingest(target, rows)

    def export(self, target: str, version: str | int | None = None) -> Export:  # noqa: ARG002
        """Refuse: a server has its rows out by queries."""
        self.refuse(f"{target} is exported where its database is; from a server, query it: `select: * | from: …`")

    def compact(self, progress: Callable[[CompactionProgress], None] | None = None) -> CompactionReport:  # noqa: ARG002
        """Refuse: a server compacts by itself."""
        self.refuse("a server compacts by itself: leave compact() out")

    def status(self) -> Status:
        """Refuse: what is in its files only the server knows."""
        self.refuse("the status of a folder is told where the folder is: `btql status`")

    def delete_object(self, target: str) -> None:
        """Refuse: over HTTP it is the project, the experiment or the dataset that is deleted."""
        self.refuse(f"{target} is deleted with its project, experiment or dataset: DELETE /v1/…")

    @property
    def retention(self) -> Retention:
        """Refuse: a server has routes for it."""
        self.refuse("retention is set where the folder is: `btql retention`, or PUT /v1/…/retention")

    def purge(self, target: str, texts: Sequence[str] = ()) -> PurgeReport:  # noqa: ARG002
        """Refuse: a server has a route for it."""
        self.refuse("purge where the folder is: `btql purge`, or POST /v1/…/purge")

    def close(self) -> None:
        """Close the connections that wait for a request."""
        self.closed = True

    def refuse(self, reason: str) -> NoReturn:
        """Raise the error for what this connection does not do."""
        raise NotSupportedError(f"{reason} ({self.address})", sqlstate="0A000")


def query_text(query: str | Mapping[str, object]) -> str:
    """Return the text that places in errors are places of."""
    if isinstance(query, str):
        return query
    try:
        return text_of(query)
    except BtqlError:
        return ""
