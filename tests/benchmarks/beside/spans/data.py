"""The documents of the suite, and what its questions ask for in them.

The generator writes events, two or three for each span, which are merged. Rivals know no such merges, so they get what
comes out of them: the current rows, as ``btql export`` writes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
from benchmarks.beside.rivals.btql import OBJECT
from benchmarks.beside.suite import Data, Wanted
from benchmarks.beside.system import Inputs

import btql
from btql.generate.writer import write

_EXPORTED_MAX = 100_000
_TRACES = (10, 1_000, 10_000)


def make(folder: Path, wanted: Wanted) -> Inputs:
    """Make the events in a folder, or find them there."""
    inputs = Inputs(folder / "rows.ndjson", folder / "events.ndjson")
    if not inputs.events.exists():
        write(wanted.profile, wanted.size, wanted.seed, inputs.events)
    return inputs


def finish(folder: Path, wanted: Wanted, inputs: Inputs, filled: Path) -> Data:
    """Make rows of the events, and choose what is asked for in them; or find both."""
    known = folder / "data.json"
    if not known.exists():
        _export(filled, inputs.documents)
        known.write_bytes(orjson.dumps(_looked_through(inputs.documents), option=orjson.OPT_INDENT_2))
    found = orjson.loads(known.read_bytes())
    about: dict[str, str | int] = {
        "profile": wanted.profile,
        "seed": wanted.seed,
        "spans": wanted.size,
        "rows": found["rows"],
        "traces": found["traces"],
        "bytes of events": inputs.events.stat().st_size,
        "bytes of rows": inputs.documents.stat().st_size,
    }
    return Data(inputs, found["parameters"], about)


def _export(filled: Path, documents: Path) -> None:
    """Write the current rows."""
    with (
        btql.connect(filled / "db", read_only=True) as conn,
        conn.export(OBJECT) as export,
        documents.open("wb") as out,
    ):
        for texts in export.lines():
            out.writelines(text.encode() + b"\n" for text in texts.to_pylist())


def _looked_through(documents: Path) -> dict[str, object]:
    """Choose what is asked for, in a plain pass over the documents, by none of the systems."""
    traces: Counter[str] = Counter()
    users: Counter[str] = Counter()
    times: list[str] = []
    ids: list[str] = []
    session = ""
    for row in _rows(documents):
        traces[row["root_span_id"]] += 1
        times.append(row["created"])
        ids.append(row["id"])
        metadata = row["metadata"]
        if "user_id" in metadata:
            users[metadata["user_id"]] += 1
        if len(ids) % 97 == 5 and "session_id" in metadata:
            session = metadata["session_id"]
    times.sort()
    exported = min(_EXPORTED_MAX, len(times) // 2)
    parameters = {
        "span": ids[len(ids) * 2 // 3],
        "session": session,
        "user": min(users, key=lambda name: (users[name], name)),
        "from": times[len(times) - exported - len(times) // 10],
        "to": times[len(times) - len(times) // 10],
    }
    for wanted in _TRACES:
        near = min(traces, key=lambda trace: (abs(traces[trace] - wanted), trace))
        parameters |= {f"trace_{wanted}": near, f"spans_{wanted}": str(traces[near])}
    return {"rows": len(ids), "traces": len(traces), "parameters": parameters}


def _rows(documents: Path) -> Iterator[Mapping[str, Any]]:
    with documents.open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)
