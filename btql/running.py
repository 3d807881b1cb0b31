"""Running a statement: its batches, and its errors in our words.

The engine's bindings raise plain exceptions with texts about Parquet and plans. Here they become errors that say what
to do; a reader that stumbles over damaged bytes names the part that has them; and mistakes that only rows show are
drawn over the query.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.errors import EngineError, Error, QueryError, ResourceLimit, drawn_over
from btql.execution.answer import EngineAnswer
from btql.execution.run import Runner
from btql.execution.sources import Sources
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Source, Span
from btql_planner import errors
from btql_planner.engine_plan import OutputColumn
from btql_storage.errors import Damaged, DiskFull, NoMoreFiles, Quarantined, StorageError, from_os_error

if TYPE_CHECKING:
    from btql.execution.infer import JsonSchema

_NOT_BUILT = re.compile(
    r"not implemented|OuterReferenceColumn|not supported|RecursionLimitExceeded|table 'datafusion\.public\.r\d"
)
"""What the engine says of queries that it cannot run; the last, where the step of a recursive one is read twice."""
_UNREADABLE = ("Parquet", "Arrow error", "IO error", "Object Store error")
"""What it says where a file cannot be read."""
_OS_ERROR = re.compile(r"(?:\bfile (?P<path>/.+?): [^:]*)?\(os error (?P<number>\d+)\)")
"""What it says of a call to the system that failed; of a temporary file without the path."""


def run(runner: Runner, sources: Sources) -> Generator[pa.RecordBatch]:
    """Yield the batches of a run, and close the snapshots behind it."""
    try:
        with damage_named(sources), _engine_errors(), _let_go():
            yield from runner.batches()
    finally:
        sources.close()
        del runner


@contextmanager
def _let_go() -> Generator[None]:
    """Take what the frames of an error hold: whoever keeps one would keep the engine's session, and it at work."""
    try:
        yield
    except GeneratorExit:
        # Nobody keeps it; and where the program ends by now, nothing can be imported any more.
        raise
    except BaseException as error:
        from traceback import clear_frames

        clear_frames(error.__traceback__)
        raise


@contextmanager
def damage_named(sources: Sources) -> Generator[None]:
    """Look for the part that is damaged where a reader stumbles over its bytes; nobody looks while all is well."""
    try:
        yield
    except (Quarantined, ResourceLimit):
        raise
    except (EngineError, Damaged) as error:
        damaged = sources.damage(str(error)) if _may_be_damage(error) else None
        if damaged is None:
            raise
        raise damaged from error


def _may_be_damage(error: EngineError | Damaged) -> bool:
    """Whether bytes that are not what was written could be behind an error."""
    if isinstance(error, Damaged) or any(words in str(error) for words in _UNREADABLE):
        return True
    # What the engine raises on purpose is a plain exception. Bytes that look sound make a reader do anything: the
    # engine's panics, as it takes them for what it wrote, and ours misses what every file has.
    return type(error) is EngineError and type(error.__cause__) not in (Exception, type(None))


@contextmanager
def _engine_errors() -> Generator[None]:
    """Name what the engine says; its bindings raise plain exceptions."""
    try:
        yield
    except Error:
        raise
    except Exception as error:
        from btql.execution.functions import SEVERAL_ROWS

        if (several := SEVERAL_ROWS.search(str(error))) is not None:
            raise BtqlError.of(
                errors.SEVERAL_ROWS, "a subquery that stands for one value has several rows",
                Span(int(several[1]), int(several[2])), "this subquery",
                help="add `LIMIT 1`, or take one value with an aggregate such as `max(…)`",
            ) from error  # fmt: skip
        if _NOT_BUILT.search(str(error)) is not None:
            message = "the engine cannot run a query of this form"
            way_out = "take it apart: put the queries inside into WITH, or join instead"
            if "RecursionLimitExceeded" in str(error):
                message, way_out = "the query is too deep for the engine", "ask in several queries"
            raise QueryError(BtqlError.of(errors.NOT_SUPPORTED, message, help=way_out)) from error
        if (told := _of_system(str(error))) is not None:
            raise told from error
        lines = str(error).splitlines() or [type(error).__name__]
        raise EngineError(f"the engine stopped: {lines[0]}") from error
    except BaseException as error:
        # What the engine's own language calls a panic; its class can be imported from nowhere.
        if type(error).__name__ != "PanicException":
            raise
        raise EngineError(f"the engine has a defect that this query meets: {error}; ask in another way") from error


def _of_system(text: str) -> StorageError | None:
    """Return what the operating system has refused the engine; None where it was not that."""
    found = _OS_ERROR.search(text)
    if found is None:
        return None
    error = OSError(int(found["number"]), os.strerror(int(found["number"])))
    if found["path"] is None:
        from tempfile import gettempdir

        told = from_os_error(error, "write", gettempdir())
        # Of other failures it would have to be known which file it was.
        return told if isinstance(told, DiskFull | NoMoreFiles) else None
    told = from_os_error(error, "read", found["path"])
    # A file that is not there may be a copy that has gone.
    return None if isinstance(told, Damaged) else told


class DrawnErrors:
    """An answer whose mistakes, those that only its rows show, are drawn over the query."""

    def __init__(self, answer: EngineAnswer, source: Source) -> None:
        self._answer = answer
        self._source = source

    @property
    def has_cursor(self) -> bool:
        """Whether a next page can be asked for."""
        return self._answer.has_cursor

    def outputs(self) -> Sequence[OutputColumn]:
        """Return the columns."""
        with drawn_over(self._source):
            return self._answer.outputs()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        with drawn_over(self._source):
            yield from self._answer.batches()

    def cursor(self) -> str | None:
        """Return the token of the next page."""
        return self._answer.cursor()

    def inferred(self) -> JsonSchema | None:
        """Return the schema that was asked for with ``infer``."""
        with drawn_over(self._source):
            return self._answer.inferred()
