"""``btql compact``: process and compact until nothing is pending."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import btql
from btql.cli import units
from btql.cli.console import note, progress
from btql.cli.database import Database
from btql.cli.examples import examples
from btql.cli.start import import_engine

if TYPE_CHECKING:
    from btql_storage.compaction.job import CompactionProgress

EXAMPLES = examples("btql compact ./db")


def compact(
    database: Database,
) -> None:
    """Turn everything that was ingested into parts: sorted columns, documents and a text index.

    Queries see every span with or without it; afterwards they are faster. It may run beside
    writers and readers, and may be interrupted at any time: what is done stays done.
    """
    import_engine()
    began = time.perf_counter()
    with btql.connect(database, create=False) as connection, progress() as bars:
        task = bars.add_task("compacting", total=None, note="")

        def show(done: CompactionProgress) -> None:
            parts = units.plural(done.parts_written, "part")
            bars.update(task, completed=done.events_done, total=done.events_total, note=parts)

        report = connection.compact(progress=show)
    seconds = time.perf_counter() - began
    if not report.parts:
        note("nothing was waiting")
        return
    rate = units.rate(report.events, seconds, "events")
    note(
        f"compacted {units.plural(report.events, 'event')} into {units.plural(report.parts, 'part')}, "
        f"{units.plural(report.rows, 'row')}, in {units.duration(seconds)} ({rate})"
    )
