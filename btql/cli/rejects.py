"""Where the lines go that cannot be stored: to a file, or to standard error and away."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, BinaryIO, Self

from btql.cli.console import note
from btql.cli.output import create

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

REPORTED_MAX = 20
"""So many skipped lines are named on standard error; the rest are only counted."""


class Rejects:
    """Takes bad lines; as a context manager it owns the file they go to."""

    def __init__(self, path: Path | None, *, stop: bool) -> None:
        self.path = path
        self.stop = stop
        """The first bad line ends everything, so none arrives here."""
        self.count = 0
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        if self.path is not None:
            self._file = create(self.path, self.path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if self._file is None and self.count > REPORTED_MAX:
            note(f"and {self.count - REPORTED_MAX:,} more lines were left out")

    def add(self, name: str, number: int, line: bytes | None, reason: str) -> None:
        """Take one line; ``line`` is None where its text was too long to keep."""
        self.count += 1
        if self._file is not None:
            self._file.write(_record(name, number, line, reason))
            self._file.flush()
        elif self.count <= REPORTED_MAX:
            note(f"left out {name}:{number}: {reason}")


def _record(name: str, number: int, line: bytes | None, reason: str) -> bytes:
    """Return one JSON line; text that is not UTF-8 is kept exactly, as base64."""
    import orjson

    record: dict[str, object] = {"file": name, "line": number, "reason": reason}
    if line is not None:
        try:
            record["text"] = line.decode()
        except UnicodeDecodeError:
            record["base64"] = b64encode(line).decode()
    return orjson.dumps(record) + b"\n"
