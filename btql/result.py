"""The answer to a query: rows, Arrow, data frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from btql.errors import Error
from btql.values import arrow_type, arrow_values, python_values
from btql_planner.engine_plan import OutputColumn

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


class Result:
    """An answer, computed while it is read. Read it once: as rows, as Arrow, or in batches."""

    def __init__(
        self,
        outputs: Sequence[OutputColumn],
        batches: Iterator[pa.RecordBatch],
        schema: Callable[[], pa.Schema],
        warnings: Sequence[str] = (),
    ) -> None:
        self._outputs = outputs
        self._batches = batches
        self._schema = schema
        self._types: pa.Schema | None = None
        self.warnings = list(warnings)
        """What the query may not have meant, such as names that no row has."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order."""
        return [output.name for output in self._outputs]

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of :meth:`batches`."""
        if self._types is None:
            engine = self._schema()
            self._types = pa.schema([pa.field(output.name, arrow_type(output, engine)) for output in self._outputs])
        return self._types

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as Arrow record batches, as they are computed."""
        schema = self.schema
        for batch in self._batches:
            yield pa.RecordBatch.from_arrays([arrow_values(output, batch) for output in self._outputs], schema=schema)

    def arrow(self) -> pa.Table:
        """Return all rows as an Arrow table."""
        return pa.Table.from_batches(list(self.batches()), self.schema)

    def __iter__(self) -> Iterator[dict[str, object]]:
        """Yield the rows as dictionaries, as they are computed."""
        names = self.columns
        for batch in self._batches:
            values = [python_values(output, batch) for output in self._outputs]
            for row in zip(*values, strict=True):
                yield dict(zip(names, row, strict=True))

    def rows(self) -> list[dict[str, object]]:
        """Return all rows as dictionaries; values are as in the documents, times are datetimes in UTC."""
        return list(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return all rows as a pandas data frame; pandas has to be installed."""
        _require("pandas")
        return cast("pd.DataFrame", self.arrow().to_pandas())

    def to_polars(self) -> pl.DataFrame:
        """Return all rows as a polars data frame; polars has to be installed."""
        polars = _require("polars")
        table = self.arrow()
        plain = [
            column.cast(pa.string()) if isinstance(column.type, pa.JsonType) else column for column in table.columns
        ]
        return cast("pl.DataFrame", polars.fromarrow_values(pa.table(plain, names=table.column_names)))


def _require(library: str) -> ModuleType:
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        raise Error(f"{library} is not installed; write `pip install 'btql[{library}]'`") from error
