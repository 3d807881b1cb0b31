"""The engine: DataFusion, as much of it as running a plan takes, under the names it has there.

The native module is imported without the Python package around it. That package
defines three hundred functions of an expression API and looks its own version
up, for longer than a query takes; nothing here uses any of it (docs/adr/0010).
Whoever imports ``datafusion`` as well, before or after, gets the whole of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Protocol, cast

import pyarrow as pa


def _load(package_name: str, module_name: str) -> ModuleType:
    """Import a module of a package, and not the package."""
    name = f"{package_name}.{module_name}"
    if name in sys.modules:
        return sys.modules[name]
    package = find_spec(package_name)
    spec = None if package is None else PathFinder.find_spec(name, package.submodule_search_locations)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"there is no {name}", name=name)
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CORES = os.cpu_count() or 1
WORKERS = max(32, 8 * CORES)
"""Threads of the engine. Were there only as many as cores, one query that does not give way would stop all others."""
os.environ.setdefault("TOKIO_WORKER_THREADS", str(WORKERS))
_native = _load("datafusion", "_internal")


class RecordBatch(Protocol):
    """A batch of rows as the engine holds it."""

    def to_pyarrow(self) -> pa.RecordBatch:
        """Return the batch in Arrow's Python library, not copied."""
        ...


class LogicalPlan(Protocol):
    """A plan before optimisation."""

    def to_bytes(self, context: None) -> bytes:
        """Return the plan as a protocol buffers message."""
        ...


class Metric(Protocol):
    """One number that an operator counted, in one of its partitions."""

    @property
    def name(self) -> str:
        """What was counted."""
        ...

    @property
    def value(self) -> object:
        """The number; None for what the bindings do not hand out."""
        ...

    def labels(self) -> Mapping[str, str]:
        """Return what it was counted for, such as the file."""
        ...


class Metrics(Protocol):
    """What an operator counted."""

    def metrics(self) -> Sequence[Metric]:
        """Return each number."""
        ...


class ExecutionPlan(Protocol):
    """A plan as it runs; that of a statement which has run knows what it did."""

    def display(self) -> str:
        """Return its topmost operator as text."""
        ...

    def display_indent(self) -> str:
        """Return the plan as text, one operator a line."""
        ...

    def children(self) -> Sequence[ExecutionPlan]:
        """Return the operators right below the topmost one."""
        ...

    def metrics(self) -> Metrics | None:
        """Return what its topmost operator counted."""
        ...


class RecordBatchStream(Protocol):
    """Batches as they are computed: for a thread that waits, or for an event loop."""

    def __iter__(self) -> Iterator[RecordBatch]:
        """Return the stream."""
        ...

    def __next__(self) -> RecordBatch:
        """Wait for the next batch."""
        ...

    def __aiter__(self) -> AsyncIterator[RecordBatch]:
        """Return the stream."""
        ...

    def __anext__(self) -> Awaitable[RecordBatch]:
        """Return the next batch, once it is there."""
        ...


class DataFrame(Protocol):
    """A statement that was planned and can be run."""

    def schema(self) -> pa.Schema:
        """Return the columns of the answer."""
        ...

    def logical_plan(self) -> LogicalPlan:
        """Return the plan as it was written."""
        ...

    def execution_plan(self) -> ExecutionPlan:
        """Return the plan as it will run."""
        ...

    def execute_stream(self) -> RecordBatchStream:
        """Run the statement; batches come as they are computed."""
        ...

    def into_view(self, *, temporary: bool) -> object:
        """Return the statement as a table that others can read."""
        ...


class ScalarUDF(Protocol):
    """A function of SQL that is written in Python."""

    @property
    def name(self) -> str:
        """How SQL calls it."""
        ...


class SessionContext:
    """An engine session: tables and functions under names, and SQL over them."""

    def __init__(
        self, settings: Mapping[str, str], memory_bytes: int, spill_bytes: int, metadata_bytes: int = 50 << 20
    ) -> None:
        runtime = _native.RuntimeEnvBuilder().with_fair_spill_pool(memory_bytes)
        self._context = _native.SessionContext(_native.SessionConfig(dict(settings)), runtime)
        self._tables: set[str] = set()
        # Settings of the runtime: the bindings (55) have no other way to them.
        self.sql(f"SET datafusion.runtime.max_temp_directory_size = '{spill_bytes >> 20}M'")
        self.sql(f"SET datafusion.runtime.metadata_cache_limit = '{metadata_bytes >> 20}M'")

    def sql(self, text: str) -> DataFrame:
        """Plan a statement."""
        frame = self._context.sql_with_options(text, options=None, param_values={}, param_strings={})
        return cast("DataFrame", frame)

    def read_parquet(self, path: str, schema: pa.Schema) -> DataFrame:
        """Plan a scan of one Parquet file that has these columns."""
        frame = self._context.read_parquet(path, [], True, ".parquet", True, schema, None)  # noqa: FBT003
        return cast("DataFrame", frame)

    def from_plan(self, message: bytes) -> DataFrame:
        """Return the frame of a logical plan that was made bytes."""
        plan = _native.LogicalPlan.from_bytes(self._context, message)
        return cast("DataFrame", self._context.create_dataframe_from_logical_plan(plan))

    def register_view(self, name: str, frame: DataFrame) -> None:
        """Make a statement a table."""
        self._context.register_table(name, frame.into_view(temporary=False))
        self._tables.add(name)

    def register_record_batches(self, name: str, partitions: Sequence[Sequence[pa.RecordBatch]]) -> None:
        """Make batches in memory a table."""
        self._context.register_record_batches(name, partitions)
        self._tables.add(name)

    def table(self, name: str) -> DataFrame:
        """Return all of a table."""
        return cast("DataFrame", self._context.table(name))

    def table_exist(self, name: str) -> bool:
        """Return whether there is a table of that name."""
        return cast("bool", self._context.table_exist(name))

    def deregister_table(self, name: str) -> None:
        """Forget a table."""
        self._context.deregister_table(name)
        self._tables.discard(name)

    def clear(self) -> None:
        """Forget all tables; what is known of files stays."""
        for name in tuple(self._tables):
            self.deregister_table(name)

    def register_udf(self, function: ScalarUDF) -> None:
        """Make a function of :func:`udf` known to SQL."""
        self._context.register_udf(function)


def counted(plan: ExecutionPlan) -> Iterator[tuple[Metric, int]]:
    """Yield what the topmost operator of a plan that has run counted, once for each partition and file."""
    metrics = plan.metrics()
    for each in () if metrics is None else metrics.metrics():
        if isinstance(each.value, int):
            yield each, each.value


def udf(
    function: Callable[..., pa.Array], inputs: Sequence[pa.DataType], output: pa.DataType, volatility: str, name: str
) -> ScalarUDF:
    """Return a Python function over arrays as a function of SQL."""
    fields = [pa.field(f"{name}_{place}", kind) for place, kind in enumerate(inputs)]
    return cast("ScalarUDF", _native.ScalarUDF(name, function, fields, pa.field("value", output), volatility))
