"""What ``btql ingest`` and ``btql import`` share: documents go into the database batch by batch.

Each batch is one transaction, all of it or nothing, and durable before the next begins. What happens to a document
that cannot be stored is the choice of ``--on-error``: stop (nothing of its batch is kept), skip it, or write it to a
file with its place and the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import btql
from btql.cli import units
from btql.cli.console import Failure, UsageFailure, note, progress
from btql.cli.inputs import Batch, Input, opened
from btql.cli.rejects import Rejects
from btql.cli.start import import_engine
from btql.connection import split_object
from btql_storage.errors import BadEvent
from btql_storage.limits import DEFAULT, Limits, from_environment
from btql_storage.opening.location import locate

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from btql_storage.ingest.receipt import Receipt

_NO_LINES = ("not JSON", "not an object")


class OnError(StrEnum):
    """What to do with a document that cannot be stored."""

    STOP = "stop"
    SKIP = "skip"
    REJECT = "reject"


def spread(args: list[str]) -> list[str]:
    """Return the command's words with ``--on-error reject FILE`` as two options of one value each."""
    result: list[str] = []
    words = iter(args)
    for word in words:
        if word == "--":
            return [*result, word, *words]
        value = next(words, None) if word == "--on-error" else word.removeprefix("--on-error=")
        if value == word:
            result.append(word)
            continue
        result += ["--on-error"] if value is None else [f"--on-error={value}"]
        if value == OnError.REJECT:
            result += [f"--rejects={file}" for file in [next(words, None)] if file is not None]
    return result


@dataclass(frozen=True, slots=True)
class Work:
    """What a command does with files."""

    did: str
    """For the summary: ``ingested``."""
    target: str
    batches: Callable[[Input, int], Iterator[Batch]]
    """Reads a file, given the limit of a document."""
    write: Callable[[btql.Connection, str, Sequence[bytes]], Receipt]
    on_error: OnError
    rejects: Path | None

    def run(self, database: str, files: Sequence[str]) -> None:
        """Store what is in files."""
        if self.on_error is OnError.REJECT and self.rejects is None:
            raise UsageFailure("--on-error reject needs the file to write to: --on-error reject FILE")
        if self.rejects is not None and any(self.rejects.absolute() == Path(name).absolute() for name in files):
            raise UsageFailure(f"{self.rejects} cannot be both an input and the file for rejects")
        import_engine()
        split_object(self.target)
        # A server takes its rows by other ways than a command: its address is none of a database.
        locate(database)
        with ExitStack() as stack:
            # Everything that can be wrong with the call is found before a database is made.
            sources = [stack.enter_context(opened(name)) for name in files]
            connection = stack.enter_context(btql.connect(database))
            bad = stack.enter_context(Rejects(self.rejects, stop=self.on_error is OnError.STOP))
            run = _Run(self, connection, bad)
            bars = stack.enter_context(progress(size=True))
            try:
                run.read(sources, bars)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(
                    f"{units.plural(run.events, 'event')} are stored; repeat the command to go on"
                ) from None
        note(run.summary(len(files)))


class _Run:
    """One call of a command: where the documents go, and how many have gone."""

    def __init__(self, work: Work, connection: btql.Connection, bad: Rejects) -> None:
        self.events = 0
        self._work = work
        self._connection = connection
        self._bad = bad
        self._limits = from_environment(DEFAULT)
        self._size_bytes = 0
        self._began = time.perf_counter()

    def read(self, sources: Sequence[Input], bars: Progress) -> None:
        sizes = [source.size_bytes for source in sources]
        known = [size for size in sizes if size is not None]
        total = sum(known) if len(known) == len(sizes) else None
        task = bars.add_task("reading", total=total, note="")
        done = 0
        for source in sources:
            for batch in self._work.batches(source, self._limits.document_bytes_max):
                self._store(source.name, batch)
                self._show(bars, task, done + source.read_bytes)
            done += source.read_bytes

    def summary(self, files: int) -> str:
        seconds = time.perf_counter() - self._began
        bad = self._bad
        skipped = f", left out {units.plural(bad.count, 'line')}" if bad.count else ""
        where = f" (see {bad.path})" if bad.count and bad.path else ""
        return (
            f"{self._work.did} {units.plural(self.events, 'event')}, {units.size(self._size_bytes)}, "
            f"from {units.plural(files, 'file')} into {self._work.target} in {units.duration(seconds)} "
            f"({units.rate(self.events, seconds, 'events')}){skipped}{where}"
        )

    def _show(self, bars: Progress, task: TaskID, read_bytes: int) -> None:
        rate = units.rate(self.events, time.perf_counter() - self._began, "events")
        bars.update(task, completed=read_bytes, note=f"{units.count(self.events)} events · {rate}")

    def _store(self, name: str, batch: Batch) -> None:
        """Store one batch, leaving out or stopping at the documents that cannot be."""
        most = self._limits.document_bytes_max
        for number in batch.too_long:
            self._reject(name, batch, number, None, f"longer than {most:,} bytes, the limit `document_bytes_max`")
        numbered = list(zip(batch.numbers, batch.lines, strict=True))
        while True:
            lines = [line for _, line in numbered]
            try:
                self._work.write(self._connection, self._work.target, lines)
                break
            except BadEvent as error:
                # A line that is fine by itself may name a parent that is not there.
                bad = dict(_bad_lines(lines, self._limits)) or {error.index: error.reason}
            for index, reason in bad.items():
                self._reject(name, batch, *numbered[index], reason)
            numbered = [one for index, one in enumerate(numbered) if index not in bad]
        self.events += len(lines)
        self._size_bytes += batch.size_bytes

    def _reject(self, name: str, batch: Batch, number: int, line: bytes | None, reason: str) -> None:
        if self._bad.stop:
            last = max([*batch.numbers[-1:], *batch.too_long[-1:]])
            first = min([*batch.numbers[:1], *batch.too_long[:1]])
            if number == 1 and reason.startswith(_NO_LINES):
                reason += " (a file has one object a line: `jq -c .` writes an indented one so, `jq -c '.[]'` an array)"
            raise Failure(
                f"{name}:{number}: {reason}; {units.plural(self.events, 'event')} before line {first} "
                f"stored, nothing of lines {first} to {last} (see --on-error)"
            )
        self._bad.add(name, number, line, reason)


def _bad_lines(lines: list[bytes], limits: Limits) -> Iterator[tuple[int, str]]:
    """Yield index and reason of every line that cannot be stored, in their order."""
    from btql_storage.ingest.accept import accept

    for index, line in enumerate(lines):
        try:
            accept([line], limits=limits)
        except BadEvent as error:
            yield index, error.reason
