"""The door over Arrow Flight SQL: cases asked by ADBC, whose driver and manager have to be installed.

:class:`FlightSession` asks any server that has the data already. What HTTP sends beside a text are headers of the call
here: ``x-btql-tz-offset: 480``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import cast

import pyarrow as pa
from adbc_driver_flightsql import DatabaseOptions, StatementOptions
from adbc_driver_flightsql import dbapi as flightsql

from btql_conformance.doors import Answer, Failure, Page, Unsuitable
from btql_conformance.spelling import as_btql
from btql_conformance.values import Value
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Source


class FlightSession:
    """A connection to a server that has the data."""

    def __init__(self, uri: str, key: str | None = None) -> None:
        options = {} if key is None else {DatabaseOptions.AUTHORIZATION_HEADER.value: f"Bearer {key}"}
        self._connection = flightsql.connect(uri, db_kwargs=options, autocommit=True)

    def query(self, language: str, text: str, options: Mapping[str, Value]) -> Answer:
        """Return the answer to a query."""
        if "cursor" in options:
            raise Unsuitable("Flight SQL has no cursors of pages")
        if not text.strip() or "lint" in options:
            raise Unsuitable("Flight SQL sends neither empty statements nor options")
        try:
            text = as_btql(text) if language == "json" else text
        except BtqlError as error:
            return Failure(error.diagnostics[0].code, None, str(error))
        header = f"{StatementOptions.RPC_CALL_HEADER_PREFIX.value}x-btql-"
        sent = {header + name.replace("_", "-"): str(value) for name, value in options.items()}
        with closing(self._connection.cursor(adbc_stmt_kwargs=sent or None)) as cursor:
            try:
                cursor.execute(text)
                return Page(_rows(cursor.fetch_arrow_table()))
            except flightsql.Error as error:
                return _failure(error, text)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _rows(table: pa.Table) -> list[dict[str, Value]]:
    columns = [_values(column) for column in table.columns]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pa.ChunkedArray) -> Sequence[Value]:
    if isinstance(column.type, pa.JsonType):
        texts = cast("list[str | None]", column.cast(pa.string()).to_pylist())
        return [None if text is None else json.loads(text) for text in texts]
    return cast("list[Value]", column.to_pylist())


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode()


def _failure(error: flightsql.Error, text: str) -> Failure:
    details = {_text(name): _text(value) for name, value in error.details}
    place = details.get("x-btql-position")
    position = None if place is None else Source(text).line_column(int(place) - 1)
    return Failure(details.get("x-btql-code", str(error.sqlstate)), position, str(error))
