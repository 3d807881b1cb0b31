"""A process of its own that moves large documents, or a large trace, and tells how much memory that took.

Run it as ``python -m storage_support.large_child FOLDER documents COUNT BYTES``, or with ``trace SPANS BYTES``. It
prints one line of JSON: the highest memory in MiB after each step, and what came out.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from memory_peak import peak_bytes

import btql

OBJECT = "project_logs:large"
_WORDS = "the quick brown fox jumps over the lazy dog \\n \\u00e4 ü "


class Steps:
    """The highest memory after each step."""

    def __init__(self) -> None:
        self.peaks_mib: dict[str, int] = {}

    def done(self, name: str) -> None:
        self.peaks_mib[name] = peak_bytes() >> 20


def document(number: int, size: int) -> bytes:
    """Return a document: a long text, many messages, many keys or many numbers."""
    row_id = b'{"id":"%d","tags":["new"],' % number
    match number % 4:
        case 0:
            return row_id + b'"input":"%b"}' % (_WORDS.encode() * (size // len(_WORDS.encode())))
        case 1:
            message = b'{"role":"user","content":"' + _WORDS.encode() * 20 + b'"}'
            return row_id + b'"input":[%b]}' % b",".join([message] * (size // len(message)))
        case 2:
            keys = (b'"key%d":"%b"' % (key, b"v" * (size // 50_000)) for key in range(50_000))
            return row_id + b'"metadata":{%b}}' % b",".join(keys)
        case _:
            return row_id + b'"output":[%b]}' % b",".join(b"%d.5" % n for n in range(size // 9))


def documents(folder: Path, count: int, size: int) -> dict[str, Any]:
    """Take large documents through everything; return digests of what went in and came out."""
    steps = Steps()
    written: dict[str, str] = {}
    with btql.connect(folder, background=False) as conn:
        for number in range(count):
            line = document(number, size)
            written[str(number)] = sha256(line.split(b",", 2)[2]).hexdigest()
            conn.ingest(OBJECT, [line])
        steps.done("ingest")
        conn.compact()
        steps.done("compact")
        for number in range(count):
            conn.ingest(OBJECT, [{"id": str(number), "_is_merge": True, "scores": {"q": 0.5}, "tags": ["merged"]}])
        conn.compact()
        steps.done("merge")
        found = dict(_exported(conn))
        steps.done("export")
        ids = [row["id"] for row in conn.query(f"select: id | from: {_source()} | filter: input MATCH 'lazy dog'")]
        first = next(iter(conn.query(f"select: * | from: {_source()} | filter: id = '1'")))
        steps.done("query")
        assert isinstance(first["input"], list)
    return {"peaks_mib": steps.peaks_mib, "written": written, "found": found, "matched": sorted(map(str, ids))}


def _exported(conn: btql.Connection) -> Iterator[tuple[str, str]]:
    with conn.export(OBJECT) as export:
        for texts in export.lines():
            for text in texts:
                line = bytes(text.as_buffer())
                large = next(name for name in (b'"input":', b'"metadata":', b'"output":') if name in line)
                start = line.index(large)
                ends = [place for name in (b',"scores":', b',"tags":') if (place := line.rfind(name)) > start]
                yield json.loads(line[6 : line.index(b",")]), sha256(line[start : min(ends)] + b"}").hexdigest()


def trace(folder: Path, spans: int, size: int) -> dict[str, Any]:
    """Take one large trace through everything; return what came out."""
    steps = Steps()
    text = _WORDS * (size // len(_WORDS))
    with btql.connect(folder, background=False) as conn:
        for start in range(0, spans, 1_000):
            conn.ingest(OBJECT, [_span(n, text) for n in range(start, min(start + 1_000, spans))])
        steps.done("ingest")
        conn.compact()
        steps.done("compact")
        rows = sum(1 for _ in conn.query(f"select: * | from: {_source()} | filter: root_span_id = 'root'"))
        steps.done("fetch")
        whole = sum(1 for _ in conn.query(f"select: id | from: {_source()} traces | filter: id = '{spans // 2}'"))
        steps.done("traces")
        (summary,) = conn.query(f"select: * | from: {_source()} summary")
        steps.done("summary")
        with conn.export(OBJECT) as export:
            exported = sum(batch.num_rows for batch in export.batches())
        steps.done("export")
        segments = {one.segments for one in conn.status().objects}
    tokens = cast("dict[str, Any]", summary["metrics"])["prompt_tokens"]
    return {"peaks_mib": steps.peaks_mib, "rows": [rows, whole, exported], "tokens": tokens, "segments": [*segments]}


def _span(number: int, text: str) -> dict[str, Any]:
    parents = {} if number == 0 else {"span_parents": [str((number - 1) // 2)]}
    return {
        "id": str(number),
        "root_span_id": "root",
        "input": [{"role": "user", "content": f"{number} {text}"}],
        "metrics": {"start": 1_700_000_000 + number, "end": 1_700_000_001 + number, "prompt_tokens": 1},
        **parents,
    }


def _source() -> str:
    kind, name = OBJECT.split(":")
    return f"{kind}('{name}')"


if __name__ == "__main__":
    what = {"documents": documents, "trace": trace}[sys.argv[2]]
    print(json.dumps(what(Path(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4]))))
