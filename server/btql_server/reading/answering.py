"""From a result to an answer over HTTP: at once where it is small, piece by piece where it is large.

A page that another one can follow is computed before its first byte is sent, since its cursor goes into a header.
What does not fit into memory meanwhile waits in a file. Any other answer is begun as soon as a first piece is there;
should it become large, the rest is computed on the threads for exports, while the client reads.

An error in the middle of JSON lines is told by a last line, ``{"error": {…}}``, and one in the middle of an Arrow
stream by an empty batch that has it in its metadata, under ``btql.error``. Then, as in all formats, the connection
breaks, so that nobody takes what came for the whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from btql_server.http.answer import Answer, json_bytes
from btql_server.http.errors import HttpError, as_http
from btql_server.reading.formats import (
    MEDIA,
    arrow_error,
    arrow_stream,
    audit_lines,
    json_array,
    json_lines,
    parquet_file,
)
from btql_server.reading.plan_header import HEADER

if TYPE_CHECKING:
    from btql.execution.stop import Stop
    from btql.result import Result
    from btql_server.http.call import Call
    from btql_server.reading.plan_header import PlanHeader

AT_ONCE_BYTES = 1 << 20
"""A larger answer is sent piece by piece."""
SPOOL_BYTES = 32 << 20
"""A page that is larger waits in a file."""
_PIECE_BYTES = 1 << 20
_WARNINGS_CHARACTERS_MAX = 6_000


@dataclass(frozen=True, slots=True)
class Reading:
    """One query that is being answered."""

    call: Call
    result: Result
    stop: Stop
    form: str
    began: float
    audit: bool = False
    """Answer with entries of the audit log instead of rows."""
    plan: PlanHeader | None = None
    """How the query runs, if that was asked for."""
    cursor: str | None = None
    """Asks for the next page, where the query itself does not know."""

    def answer(self) -> Answer:
        """Return the answer."""
        pieces = self._pieces()
        if self.result.has_cursor:
            return self._page(pieces)
        if self.result.is_bulk:
            # Not even its beginning is computed where small queries are.
            return self._streamed(pieces, self._headers(None))
        taken: list[bytes] = []
        size = 0
        for piece in pieces:
            taken.append(piece)
            size += len(piece)
            if size > AT_ONCE_BYTES:
                return self._streamed(chain(taken, pieces), self._headers(None, ended=False))
        return Answer(b"".join(taken), MEDIA[self.form], headers=self._headers(None))

    def _streamed(self, pieces: Iterator[bytes], headers: dict[str, str]) -> Answer:
        stream = self._guarded(pieces)
        return Answer(stream, MEDIA[self.form], headers=headers, pool="bulk", reader=self.stop.reader)

    def _page(self, pieces: Iterator[bytes]) -> Answer:
        # The file lives as long as the answer that reads it.
        spool = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115
        size = sum(spool.write(piece) for piece in pieces)
        spool.seek(0)
        headers = self._headers(self.result.cursor)
        if size <= SPOOL_BYTES:
            with spool:
                return Answer(spool.read(), MEDIA[self.form], headers=headers)
        return Answer(_read(spool), MEDIA[self.form], headers=headers, pool="bulk")

    def _pieces(self) -> Iterator[bytes]:
        match self.form:
            case "json":
                return self._envelope()
            case "events":
                return self._events()
            case "jsonl":
                return audit_lines(self.result) if self.audit else json_lines(self.result)
            case "arrow":
                return arrow_stream(self.result)
            case _:
                return parquet_file(self.result)

    def _envelope(self) -> Iterator[bytes]:
        """Yield the answer in JSON: rows, and what there is to say about them."""
        yield b'{"data":'
        if self.audit:
            lines = audit_lines(self.result, b",", b"")
            first = next(lines, b"")
            yield b"[" + first[1:]
            yield from lines
            yield b"]"
        else:
            yield from json_array(self.result)
        result = self.result
        xact_id = None if result.xact_id is None else str(result.xact_id)
        seen = {"minimum_xact_id": xact_id, "actual_xact_id": xact_id, "read_bytes": 0}
        processed = {"last_processed_xact_id": xact_id, "last_considered_xact_id": xact_id}
        told: dict[str, object] = {
            "schema": result.json_schema,
            "columns": result.columns,
            "cursor": result.cursor,
            "realtime_state": {"type": "on", **seen},
            "freshness_state": processed,
            "warnings": self._warnings(),
        }
        yield b"," + json_bytes(told)[1:]

    def _events(self) -> Iterator[bytes]:
        """Yield the answer of a fetch: rows and a cursor."""
        yield b'{"events":'
        yield from json_array(self.result)
        yield b"," + json_bytes({"cursor": self.cursor or self.result.cursor})[1:]

    def _warnings(self) -> list[dict[str, str]]:
        found = [
            {"code": each.code, "message": each.message, "stage": each.stage, "severity": each.severity}
            for each in self.result.lints
        ]
        texts = list(self.result.warnings)
        limit = self.result.default_limit
        if limit is not None and self.result.rows_read == limit:
            texts.append(f"these are the first {limit:,} rows: the query has no limit of its own")
        return found + [{"code": "note", "message": text, "stage": "binder", "severity": "warning"} for text in texts]

    def _guarded(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Yield pieces; time that the reader takes does not count, and an error becomes a last line."""
        try:
            for piece in pieces:
                yielded = time.monotonic()
                yield piece
                self.stop.add(time.monotonic() - yielded)
        except Exception as error:
            refusal = as_http(error) or HttpError(500, "internal error")
            told = refusal.body(self.call.request.url.path, self.call.trace_id)
            if self.form == "jsonl":
                yield json_bytes({"error": told}) + b"\n"
            elif self.form == "arrow":
                yield arrow_error(self.result, told)
            raise
        finally:
            # A client that went away has no use for the rest.
            self.stop.cancel()

    def _headers(self, cursor: str | None, *, ended: bool = True) -> dict[str, str]:
        took = round((time.perf_counter() - self.began) * 1_000)
        headers = {"x-bt-brainstore-duration-ms": str(took), "x-bt-freshness-state": "complete"}
        cursor = cursor or self.cursor
        if cursor is not None:
            headers["x-bt-cursor"] = cursor
        if self.result.rows_written is not None:
            headers["x-btql-rows-written"] = str(self.result.rows_written)
        if self.form in ("arrow", "jsonl", "parquet"):
            headers |= self._told()
        if self.plan is not None and (plan := self.plan.value(ended=ended)) is not None:
            headers[HEADER] = plan
        return headers

    def _told(self) -> dict[str, str]:
        """Return what the answer in JSON says beside the rows, for formats that have nothing but rows."""
        headers = dict[str, str]()
        if self.result.xact_id is not None:
            headers["x-btql-xact-id"] = str(self.result.xact_id)
        warnings = self._warnings()
        while len(told := json.dumps(warnings)) > _WARNINGS_CHARACTERS_MAX:
            warnings.pop()
        if warnings:
            headers["x-btql-warnings"] = told
        return headers


def _read(spool: SpooledTemporaryFile[bytes]) -> Iterator[bytes]:
    with spool:
        while piece := spool.read(_PIECE_BYTES):
            yield piece
