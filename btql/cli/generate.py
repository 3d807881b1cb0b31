"""``btql generate``: made-up spans that look like the real ones."""

import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from btql.cli import units
from btql.cli.console import Failure, note, progress
from btql.cli.examples import examples
from btql_storage.errors import reason_of

if TYPE_CHECKING:
    from btql.generate.writer import Written

EXAMPLES = examples(
    "btql generate --profile small --spans 100000 --seed 7 -o spans.ndjson",
    "btql generate --profile real --spans 5000 -o real.ndjson.zst",
    "btql generate --spans 1000 | btql ingest ./db project_logs:demo -",
)


_STDOUT = Path("-")


class ProfileName(StrEnum):
    """The profiles of the generator."""

    SMALL = "small"
    REAL = "real"
    WIDE = "wide"


_Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where to write, compressed if it ends in .gz or .zst (default, or `-`: standard output).",
        show_default=False,
    ),
]


def generate(
    profile: Annotated[
        ProfileName,
        typer.Option(help="small: 2 KB a span; real: 50 KB on average, up to 20 MB; wide: thousands of distinct keys."),
    ] = ProfileName.SMALL,
    spans: Annotated[int, typer.Option(min=1, help="How many spans; each has two or three events.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same spans, byte for byte.")] = 0,
    path: _Output = None,
) -> None:
    """Write made-up AI traces as NDJSON, for a first try, for tests and for measuring.

    Spans come as applications log them: begun in one event, ended in another, feedback days later;
    with conversations that grow, several scripts, odd keys, errors, scores, and a few deletes.
    """
    from btql.generate.writer import write

    path = None if path == _STDOUT else path
    regular = path is not None and (path.is_file() or not path.exists())
    began = time.perf_counter()
    with progress(quiet=path is None) as bars:
        task = bars.add_task("generating", total=spans, note="")

        def show(done: "Written") -> None:
            bars.update(task, completed=done.spans, note=f"{units.count(done.spans)} spans · {units.size(done.size)}")

        try:
            if path is None:
                written = write(profile, spans, seed, sys.stdout.buffer, show)
            elif regular:
                written = write(profile, spans, seed, path, show)
            else:
                # A pipe or a device must not be replaced by a file.
                with path.open("wb") as stream:
                    written = write(profile, spans, seed, stream, show)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Failure(f"cannot write {path or '<stdout>'}: {reason_of(error)}") from error
    seconds = time.perf_counter() - began
    note(
        f"wrote {units.plural(written.spans, 'span')}, {units.plural(written.events, 'event')}, "
        f"{units.size(written.size)} in {units.duration(seconds)} ({units.rate(written.spans, seconds, 'spans')})"
    )
