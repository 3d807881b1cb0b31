"""The answer of a server, a stream of Arrow, as :class:`btql.result.Result` reads any answer.

Over HTTP: should the query stop in the middle, its last batch is empty and says why (:data:`ERROR_KEY`); a stream that
ends without its end is a connection that broke.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, cast

import orjson
import pyarrow as pa

from btql.errors import OperationalError
from btql.fixed_answer import written
from btql.remote.failures import BROKEN, told_failure
from btql.result import Result
from btql_planner.engine_plan import OutputColumn
from btql_planner.lint import Lint
from btql_planner.types import Kind

if TYPE_CHECKING:
    from btql.execution.infer import JsonSchema
    from btql.execution.stop import Stop
    from btql.remote.http import Reply

ERROR_KEY = b"btql.error"
"""In the metadata of the last batch: the error, as the body of an answer has it."""
ROWS_WRITTEN = "x-btql-rows-written"
WARNINGS = "x-btql-warnings"
XACT_ID = "x-btql-xact-id"
CURSOR = "x-bt-cursor"

_KINDS: tuple[tuple[pa.DataType, Kind], ...] = (
    (pa.bool_(), Kind.BOOLEAN),
    (pa.int64(), Kind.INTEGER),
    (pa.float64(), Kind.FLOAT),
    (pa.string(), Kind.TEXT),
    (pa.timestamp("us", tz="UTC"), Kind.TIME),
    (pa.list_(pa.string()), Kind.LIST),
    (pa.json_(pa.string()), Kind.JSON),
)


class RemoteAnswer:
    """The columns and batches of an answer over the network."""

    def __init__(self, schema: pa.Schema, batches: Generator[pa.RecordBatch], cursor: str | None = None) -> None:
        self._batches = batches
        self._cursor = cursor
        self._outputs = [_output(number, field) for number, field in enumerate(schema)]

    @property
    def has_cursor(self) -> bool:
        """Whether a next page can be asked for."""
        return self._cursor is not None

    def outputs(self) -> Sequence[OutputColumn]:
        """Return the columns."""
        return self._outputs

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        with closing(self._batches):
            for batch in self._batches:
                arrays = [array.storage if isinstance(array, pa.ExtensionArray) else array for array in batch.columns]
                yield pa.RecordBatch.from_arrays(arrays, names=[f"c{number}" for number in range(len(arrays))])

    def cursor(self) -> str | None:
        """Return the token of the next page."""
        return self._cursor

    def inferred(self) -> JsonSchema | None:
        """Return None: the schema that ``infer`` asks for comes with rows in JSON only."""
        return None


def _source(reply: Reply) -> pa.NativeFile:
    """Return what the stream is read from: memory where the answer is short, so that its connection is free again."""
    if "content-length" not in reply.headers:
        return pa.PythonFile(reply, mode="r")
    received = reply.read()
    reply.close()
    return pa.BufferReader(received)


def _received(reader: pa.RecordBatchStreamReader, reply: Reply, text: str) -> Generator[pa.RecordBatch]:
    try:
        while (batch := _next(reader, text)) is not None:
            yield batch
        if not reply.closed:
            # So that the connection can be used again.
            reply.read()
    finally:
        reply.close()


def _next(reader: pa.RecordBatchStreamReader, text: str) -> pa.RecordBatch | None:
    try:
        batch, metadata = reader.read_next_batch_with_custom_metadata()
    except StopIteration:
        return None
    except pa.ArrowInvalid as error:
        # The bytes ended in the middle of a message.
        raise OperationalError(f"the connection broke in the middle of an answer: {error}", sqlstate=BROKEN) from error
    if metadata is not None and ERROR_KEY in metadata:
        raise told_failure(cast("dict[str, object]", orjson.loads(metadata[ERROR_KEY])), text)
    return batch


def remote_result(reply: Reply, text: str, stop: Stop) -> Result:
    """Return the answer of a server as a result."""
    headers = reply.headers
    if (count := headers.get(ROWS_WRITTEN)) is not None:
        reply.read()
        reply.close()
        return written(int(count))
    reader = pa.ipc.open_stream(_source(reply))
    answer = RemoteAnswer(reader.schema, _received(reader, reply, text), headers.get(CURSOR))
    result = Result(answer, stop=stop)
    # An answer that nobody reads must not keep its connection for ever.
    result.release = weakref.finalize(result, reply.close)
    if (xact_id := headers.get(XACT_ID)) is not None:
        result.xact_id = int(xact_id)
    for each in json.loads(headers.get(WARNINGS, "[]")):
        if each["code"] == "note":
            result.warnings.append(each["message"])
        else:
            result.lints.append(Lint(each["code"], each["message"], each["stage"], each["severity"]))
    return result


def _output(number: int, field: pa.Field) -> OutputColumn:
    """Return a column; what is of no kind that the planner knows is read as its text."""
    name = f"c{number}"
    if pa.types.is_null(field.type):
        return OutputColumn(field.name, {})
    kind = next((kind for arrow, kind in _KINDS if arrow == field.type), Kind.TEXT)
    return OutputColumn(field.name, {kind: name})
