"""``btql ingest``: NDJSON into the database, batch by batch, each one durable before the next.

A batch is one transaction: all of it or nothing. What happens to a line that
cannot be stored is the choice of ``--on-error``:

stop     (default) nothing of its batch is kept, and the command ends with exit code 1
skip     it is reported on standard error and left out
reject   it is written to a file, with its place and the reason, and left out
"""

import time
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import btql
from btql.cli import units
from btql.cli.console import Failure, UsageFailure, note, progress
from btql.cli.examples import examples
from btql.cli.inputs import Batch, Input, batches, opened
from btql.cli.rejects import Rejects
from btql.connection import split_object
from btql_storage.errors import BadEvent
from btql_storage.limits import DEFAULT, Limits, from_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID


EXAMPLES = examples(
    "btql ingest ./db project_logs:demo spans.ndjson more.ndjson.gz",
    "zcat old.gz | btql ingest ./db project_logs:demo -",
    "btql ingest ./db project_logs:demo spans.ndjson --on-error reject bad.ndjson",
)


class OnError(StrEnum):
    """What to do with a line that cannot be stored."""

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


def ingest(
    database: Annotated[
        str, typer.Argument(metavar="DB", help="The database: a folder, made if missing, an address or a name.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="OBJECT", help="Where to put the spans: KIND:NAME, like project_logs:demo.")
    ],
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="NDJSON: paths or URLs, plain, gzip or Zstandard; - is standard input."),
    ],
    on_error: Annotated[
        OnError,
        typer.Option(
            metavar="stop|skip|reject FILE",
            help="What to do with a line that cannot be stored: stop and keep nothing of its batch, "
            "skip it, or write it and the reason to FILE.",
        ),
    ] = OnError.STOP,
    rejects: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Read spans from NDJSON files, one JSON object per line, and store them.

    Each batch of at most 10,000 lines or 16 MiB is one transaction and durable before the next
    begins. A span whose id is there already replaces it, or is merged into it with _is_merge.
    """
    if on_error is OnError.REJECT and rejects is None:
        raise UsageFailure("--on-error reject needs the file to write to: --on-error reject FILE")
    if rejects is not None and any(rejects.absolute() == Path(name).absolute() for name in files):
        raise UsageFailure(f"{rejects} cannot be both an input and the file for rejects")

    split_object(target)

    with ExitStack() as stack:
        # Everything that can be wrong with the call is found before a database is made.
        sources = [stack.enter_context(opened(name)) for name in files]
        connection = stack.enter_context(btql.connect(database))
        bad = stack.enter_context(Rejects(rejects, stop=on_error is OnError.STOP))
        run = _Run(connection, target, bad)
        bars = stack.enter_context(progress(size=True))
        try:
            run.read(sources, bars)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"{units.plural(run.events, 'event')} are stored; repeat the command to go on"
            ) from None
    note(run.summary(len(files)))


class _Run:
    """One call of the command: where the events go, and how many have gone."""

    def __init__(self, connection: btql.Connection, target: str, bad: Rejects) -> None:
        self.events = 0
        self._connection = connection
        self._target = target
        self._bad = bad
        self._limits = from_environment(DEFAULT)
        self._size_bytes = 0
        self._began = time.perf_counter()

    def read(self, sources: list[Input], bars: "Progress") -> None:
        sizes = [source.size_bytes for source in sources]
        known = [size for size in sizes if size is not None]
        total = sum(known) if len(known) == len(sizes) else None
        task = bars.add_task("ingesting", total=total, note="")
        done = 0
        for source in sources:
            for batch in batches(source, self._limits.document_bytes_max):
                self._store(source.name, batch)
                self._show(bars, task, done + source.read_bytes)
            done += source.read_bytes

    def summary(self, files: int) -> str:
        seconds = time.perf_counter() - self._began
        skipped = f", left out {units.plural(self._bad.count, 'line')}" if self._bad.count else ""
        where = f" (see {self._bad.path})" if self._bad.count and self._bad.path else ""
        return (
            f"ingested {units.plural(self.events, 'event')}, {units.size(self._size_bytes)}, "
            f"from {units.plural(files, 'file')} into {self._target} in {units.duration(seconds)} "
            f"({units.rate(self.events, seconds, 'events')}){skipped}{where}"
        )

    def _show(self, bars: "Progress", task: "TaskID", read_bytes: int) -> None:
        rate = units.rate(self.events, time.perf_counter() - self._began, "events")
        bars.update(task, completed=read_bytes, note=f"{units.count(self.events)} events · {rate}")

    def _store(self, name: str, batch: Batch) -> None:
        """Store one batch, leaving out or stopping at the lines that cannot be."""
        most = self._limits.document_bytes_max
        for number in batch.too_long:
            self._reject(name, batch, number, None, f"longer than {most:,} bytes, the limit `document_bytes_max`")
        numbered = list(zip(batch.numbers, batch.lines, strict=True))
        while True:
            lines = [line for _, line in numbered]
            try:
                self._connection.ingest(self._target, lines)
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
            raise Failure(
                f"{name}:{number}: {reason}; {units.plural(self.events, 'event')} before line {first} "
                f"stored, nothing of lines {first} to {last} (see --on-error)"
            )
        self._bad.add(name, number, line, reason)


def _bad_lines(lines: list[bytes], limits: Limits) -> "Iterator[tuple[int, str]]":
    """Yield index and reason of every line that cannot be stored, in their order."""
    from btql_storage.accept import accept

    for index, line in enumerate(lines):
        try:
            accept([line], limits=limits)
        except BadEvent as error:
            yield index, error.reason
