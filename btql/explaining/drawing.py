"""The plan as a drawn tree: below each node what it can give at most, what it gave, and what that took."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from btql.cli import units
from btql.execution.report import FILES

if TYPE_CHECKING:
    from btql.explaining.explanation import Node, ScanFacts


def drawn(node: Node, width: int | None = None) -> str:
    """Return a plan as a tree, the top first; with a ``width``, lines are cut at it."""
    lines = _lines(node, "", "")
    return "\n".join(line if width is None or len(line) <= width else f"{line[: width - 1]}…" for line in lines)


def _lines(node: Node, first: str, rest: str) -> Iterator[str]:
    yield f"{first}{node.node} {node.detail}".rstrip()
    for words in _words(node):
        yield f"{rest}{'│' if node.inputs else ' '}   {words}"
    for number, each in enumerate(node.inputs):
        last = number == len(node.inputs) - 1
        yield from _lines(each, rest + ("└── " if last else "├── "), rest + ("    " if last else "│   "))


def _words(node: Node) -> Iterator[str]:
    """Yield what is known of a node, a line each."""
    known: list[str] = []
    if node.rows is not None:
        known.append(
            units.plural(node.rows, "row") + ("" if node.rows_max is None else f" of at most {node.rows_max:,}")
        )
    elif node.rows_max is not None:
        known.append(f"at most {units.plural(node.rows_max, 'row')}")
    if node.seconds is not None:
        known.append(units.duration(node.seconds))
    if node.documents is not None:
        known.append(f"{units.plural(node.documents, 'document')} with the keys")
    known += [f"{units.size(count)} of {FILES[kind]}" for kind, count in node.bytes.items()]
    if known:
        yield ", ".join(known)
    if node.scan is not None:
        yield from scan_words(node.scan)


def scan_words(scan: ScanFacts) -> Iterator[str]:
    """Yield what a scan reads, a line each."""
    if scan.parts:
        left_out = ", ".join(f"{count:,} by {means}" for means, count in scan.left_out.items())
        which = "candidates" if scan.candidates is not None and scan.candidates < scan.rows else "rows"
        rows = units.plural(scan.rows, "row")
        if which == "candidates":
            rows = f"{scan.candidates:,} of {rows}"
        yield (
            f"{scan.parts_read:,} of {units.plural(scan.parts, 'part')}"
            f"{f' (left out: {left_out})' if left_out else ''}, {rows}"
        )
    if scan.tail_rows:
        yield f"{units.plural(scan.tail_rows, 'row')} waiting for compaction"
    for sought in dict.fromkeys([*scan.hits, *scan.hits_max]):
        hits, most = scan.hits.get(sought), scan.hits_max.get(sought)
        if hits is None:
            yield f"not looked up, as there may be {most:,} hits: {sought}"
        else:
            yield f"{units.plural(hits, 'hit')}{'' if most in (None, hits) else f' of at most {most:,}'} for {sought}"
