"""Rows of Arrow that a client uploads, as events; what cannot be one is refused in the terms of Flight SQL."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pyarrow as pa

from btql.moving import documents
from btql_server.flight.refusals import FlightRefusal


class Documents:
    """Makes documents of batches with one schema (:mod:`btql.moving.documents`)."""

    def __init__(self, schema: pa.Schema) -> None:
        with _refused():
            self._documents = documents.Documents(schema)

    def of(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Yield the document of each row."""
        with _refused():
            yield from self._documents.of(batch)


@contextmanager
def _refused() -> Generator[None]:
    try:
        yield
    except documents.NoDocuments as error:
        raise FlightRefusal("INVALID_ARGUMENT", error.message, error.help) from None
