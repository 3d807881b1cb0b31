"""How a notebook shows answers, connections and mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from btql.cli.formats import one_line, plain
from btql.cli.table import NULL, Cell, draw
from btql.dbapi.rows import rows_of
from btql.result import pandas_frame, polars_frame

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

SHOWN_ROWS_MAX = 50
SHOWN_CHARACTERS_MAX = 500
"""Of one value."""
WIDTH = 100
"""Cells of a table where there is no HTML."""


class Answer:
    """The rows of a query, kept: a table in the notebook, and whatever form they are asked for in."""

    def __init__(self, table: pa.Table, warnings: Sequence[str] = ()) -> None:
        self.table = table
        """The rows as an Arrow table."""
        self.warnings = list(warnings)
        """What the query may not have meant."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return list(self.table.column_names)

    def rows(self) -> list[dict[str, object]]:
        """Return the rows as dictionaries."""
        return list(self)

    def to_pandas(self) -> pd.DataFrame:
        """Return the rows as a pandas data frame."""
        return pandas_frame(self.table)

    def to_polars(self) -> pl.DataFrame:
        """Return the rows as a polars data frame."""
        return polars_frame(self.table)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Hand the rows to DuckDB, polars, pandas and others, any number of times."""
        return self.table.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return cast("int", self.table.num_rows)

    def __iter__(self) -> Iterator[dict[str, object]]:
        for row in _rows(self.table):
            yield dict(zip(self.columns, row, strict=True))

    def __getitem__(self, place: int) -> dict[str, object]:
        """Return one row; a negative number counts from the end."""
        number = place + len(self) if place < 0 else place
        if not 0 <= number < len(self):
            raise IndexError(f"there are {len(self)} rows, no row {place}")
        (row,) = _rows(self.table.slice(number, 1))
        return dict(zip(self.columns, row, strict=True))

    def __repr__(self) -> str:
        """Draw the first rows."""
        shown = _rows(self.table.slice(0, SHOWN_ROWS_MAX))
        cells = [[Cell(NULL, null=True) if value is None else Cell(one_line(value)) for value in row] for row in shown]
        drawn = StringIO()
        with redirect_stdout(drawn):
            names = [one_line(name) for name in self.columns]
            draw(names, cells, [_is_number(field.type) for field in self.table.schema], WIDTH)
        return f"{drawn.getvalue()}{self._counted()}"

    def _repr_html_(self) -> str:
        """Return the first rows as a table of HTML."""
        heads = "".join(
            f"<th title='{escape(_type_name(field.type))}'>{escape(field.name)}</th>" for field in self.table.schema
        )
        body = "".join(
            f"<tr>{''.join(map(_html_cell, row))}</tr>" for row in _rows(self.table.slice(0, SHOWN_ROWS_MAX))
        )
        return (
            f"<table class='dataframe'><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
            f"<p>{escape(self._counted())}</p>"
        )

    def _counted(self) -> str:
        count = len(self)
        rows = f"{count:,} row{'' if count == 1 else 's'}"
        return rows if count <= SHOWN_ROWS_MAX else f"{rows}, the first {SHOWN_ROWS_MAX} are shown"


def _rows(table: pa.Table) -> Iterator[tuple[object, ...]]:
    for batch in table.to_batches():
        yield from rows_of(batch)


def _html_cell(value: object) -> str:
    if value is None:
        return "<td style='opacity:.5'>null</td>"
    text = one_line(value) if isinstance(value, float) else plain(value)
    cut = text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[: SHOWN_CHARACTERS_MAX - 1]}…"
    style = "text-align:right" if isinstance(value, int | float) and not isinstance(value, bool) else "text-align:left"
    return f"<td style='{style};white-space:pre-wrap'>{escape(cut)}</td>"


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _type_name(kind: pa.DataType) -> str:
    return "json" if isinstance(kind, pa.JsonType) else str(kind)
