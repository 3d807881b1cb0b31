"""From a text to its rows, in the one way that all doors take: permissions, limits, a time limit, cancellation.

A door has an :class:`~btql_server.access.asker.Asker` for each statement, and a
:class:`~btql.execution.stop.Stop` that ends it::

    asker = Asker(state, principal, trace_id)
    stop = stop_of(asker, seconds)
    result = run_query(asker, text, stop, options=options, parameters=values)

1. Every name in the text goes through :class:`~btql_server.reading.directory.Visible`: what the principal may not read
   does not exist, what it may not write is refused, and queries are counted against ``queries_per_minute``.
2. What the statement has changed is in ``asker.changes``; :func:`btql_server.access.recorder.record_statement` makes
   that durable before the door answers.
3. ``asker.gone`` ends the statement, and so does ``stop.cancel()``; whoever reads the result gets the error. Time that
   a slow reader takes does not count, if the door adds it: ``stop.add(seconds)``.
4. The result is computed while it is read. Both block: they belong on a thread of ``state.pools["query"]``, and what
   comes after the first piece on one of ``state.pools["bulk"]``.

``pinned`` is what the statements of one transaction share: all of them see the objects as of one moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql.execution.stop import Stop
from btql_server.reading.directory import Visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from btql.database import Database
    from btql.describe import Described
    from btql.execution.pinned import Pinned
    from btql.result import Result
    from btql_grammar.parameters import Values
    from btql_planner.options import QueryOptions
    from btql_server.access.asker import Asker
    from btql_storage.catalog import ObjectInfo


def stop_of(asker: Asker, seconds: float | None = None) -> Stop:
    """Return what ends a statement: after some seconds, no more than the server allows, or with whoever asks."""
    most = asker.state.settings.limits.query_seconds_max
    return Stop(most if seconds is None else min(seconds, most), asker.gone.is_set)


def database_for(
    asker: Asker,
    stop: Stop,
    visible: Visible | None = None,
    pinned: Pinned | None = None,
    *,
    watching: bool = False,
) -> Database:
    """Return the database as one statement sees it; ``visible`` learns what the statement changed."""
    return asker.state.database.for_one(
        directory=visible or Visible(asker), stop=stop, pinned=pinned, watching=watching
    )


def run_query(
    asker: Asker,
    query: str | Mapping[str, object],
    stop: Stop,
    *,
    options: QueryOptions | None = None,
    parameters: Values | None = None,
    pinned: Pinned | None = None,
    watching: bool = False,
) -> Result:
    """Return the answer to a statement in either language; what it writes is written."""
    visible = Visible(asker)
    database = database_for(asker, stop, visible, pinned, watching=watching)
    result = database.query(query, options=options, parameters=parameters)
    asker.changes.extend(visible.changes)
    return result


def run_many(
    asker: Asker,
    query: str | Mapping[str, object],
    parameters: Sequence[Values],
    stop: Stop,
    *,
    options: QueryOptions | None = None,
) -> Result:
    """Run a statement that writes once for each of several sequences of values; its answer is the count of rows."""
    from btql.fixed_answer import written

    visible = Visible(asker)
    count = database_for(asker, stop, visible).query_many(query, parameters, options)
    asker.changes.extend(visible.changes)
    return written(count)


def describe_query(
    asker: Asker,
    query: str,
    stop: Stop,
    *,
    options: QueryOptions | None = None,
    pinned: Pinned | None = None,
    lenient: bool = False,
) -> Described:
    """Return what a statement takes and gives, without running it."""
    return database_for(asker, stop, pinned=pinned).describe(query, options, lenient=lenient)


def target_of(asker: Asker, statement: str, *, create: bool) -> ObjectInfo | None:
    """Return the object that an INSERT is for, made with ``create`` where it is missing.

    Forbidden where it may not be written.
    """
    from btql.write_statements import target_of_insert

    visible = Visible(asker)
    target = target_of_insert(database_for(asker, stop_of(asker), visible), statement, create=create)
    if create:
        asker.changes.extend(visible.changes)
    return target
