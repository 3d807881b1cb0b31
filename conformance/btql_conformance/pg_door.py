"""The door over the Postgres wire: cases asked by psycopg, which has to be installed.

:class:`PgSession` asks any server that has the data already; rows come in the binary or in the text format. What HTTP
sends beside a text are settings of the session here: ``SET btql.tz_offset = '480'``.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import psycopg
from psycopg import pq
from psycopg.adapt import Buffer, Loader

from btql_conformance.doors import Answer, Failure, Page, Unsuitable
from btql_conformance.intervals import Interval, spelled_interval
from btql_conformance.spelling import as_btql
from btql_conformance.values import Value
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Source


class _BinaryInterval(Loader):
    """psycopg makes days of months; cases tell them apart."""

    format = pq.Format.BINARY

    def load(self, data: Buffer) -> str:
        micros, days, months = struct.unpack(">qii", data)
        return spelled_interval(Interval(months, timedelta(days=days, microseconds=micros)))


class _TextInterval(Loader):
    def load(self, data: Buffer) -> str:
        return bytes(data).decode()


class PgSession:
    """A connection to a server that has the data."""

    def __init__(self, conninfo: str, *, binary: bool = True) -> None:
        self._binary = binary
        self._connection = psycopg.connect(conninfo, autocommit=True)
        for loader in (_BinaryInterval, _TextInterval):
            self._connection.adapters.register_loader("interval", loader)
        self._options: dict[str, Value] = {}

    def query(self, language: str, text: str, options: Mapping[str, Value]) -> Answer:
        """Return the answer to a query."""
        if "cursor" in options:
            raise Unsuitable("the Postgres wire hands out portals, not cursors of pages")
        try:
            text = as_btql(text) if language == "json" else text
        except BtqlError as error:
            return Failure(error.diagnostics[0].code, None, str(error))
        self._settle(options)
        try:
            return Page(self._rows(text))
        except psycopg.Error as error:
            return _failure(error, text)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _settle(self, options: Mapping[str, Value]) -> None:
        for name in self._options.keys() - options.keys():
            self._connection.execute(f"RESET btql.{name}".encode())
        for name, value in options.items():
            self._connection.execute(f"SET btql.{name} = '{value}'".encode())
        self._options = dict(options)

    def _rows(self, text: str) -> list[dict[str, Value]]:
        # Without values, psycopg looks for no placeholders in a text.
        cursor = self._connection.execute(text.encode(), binary=self._binary)
        if cursor.description is None:
            # What a statement has written is in its tag.
            return [{"count": cursor.rowcount}]
        names = [column.name for column in cursor.description]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor]


def _plain(value: object) -> Value:
    """Return a value as JSON has it: a number with all its digits is a whole number or a fraction."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _failure(error: psycopg.Error, text: str) -> Failure:
    diagnosis = error.diag
    place = diagnosis.statement_position
    position = None if place is None else Source(text).line_column(int(place) - 1)
    # Where PostgreSQL names a routine of its source, the server names the error.
    return Failure(diagnosis.source_function or str(diagnosis.sqlstate), position, str(error))
