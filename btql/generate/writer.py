"""Generated events into a file: plain, ``.gz`` or ``.zst``.

A file appears under its name only when it is complete: until then it is written
beside it as ``NAME.partial``, which is removed when writing fails or is interrupted.
The bytes of a file depend on profile, spans and seed alone, of a compressed one also on the
compressing library.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from btql.compressed import compressed
from btql.generate.profile import profile_named
from btql.generate.stream import batches

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Progress = Callable[["Written"], None]


@dataclass(frozen=True, slots=True)
class Written:
    """How far the writing has come."""

    spans: int
    events: int
    size: int
    """Bytes before compression."""


def write(profile: str, spans: int, seed: int, out: BinaryIO | str | Path, progress: Progress | None = None) -> Written:
    """Write generated events as NDJSON to a binary stream or to a file, compressed as its name says.

    ``progress`` is called after every batch, at most some thousand lines apart.
    """
    chosen = profile_named(profile)
    with _opened(out) as sink:
        written = Written(0, 0, 0)
        for batch in batches(chosen, spans, seed):
            sink.write(b"\n".join(batch.lines) + b"\n")
            written = Written(
                written.spans + batch.spans,
                written.events + len(batch.lines),
                written.size + batch.size + len(batch.lines),
            )
            if progress is not None:
                progress(written)
    return written


@contextmanager
def _opened(out: BinaryIO | str | Path) -> Generator[BinaryIO]:
    if not isinstance(out, str | Path):
        yield out
        return
    path = Path(out)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file, compressed(file, path.suffix) as sink:
            yield sink
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
