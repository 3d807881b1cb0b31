"""The page that ``btql status`` prints: one block per object, then the log that all share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql.cli import units

if TYPE_CHECKING:
    from collections.abc import Mapping

    from btql_storage.status import ObjectStatus, Status

Line = tuple[str, str]


def page(status: Status) -> str:
    """Return the page as text."""
    blocks = [(f"{one.object.kind}:{one.object.name}", _contents(one)) for one in status.objects]
    if len(blocks) > 1:
        blocks.append(("all objects", [("objects", units.count(len(status.objects))), *_contents(status)]))
    blocks.append(
        ("write-ahead log", [("files", units.count(status.wal_files)), ("size", units.size(status.wal_bytes))])
    )
    if status.paused_since_s is not None:
        since = units.moment(status.paused_since_s)
        blocks.append(("background work", [("paused", f"since {since}: btql resume lets it go on")]))
    width = max(len(name) for _, lines in blocks for name, _ in lines)
    text = [
        "\n".join([title, *(f"    {name.ljust(width)}   {value}".rstrip() for name, value in lines)])
        for title, lines in blocks
    ]
    if not status.objects:
        text.insert(0, "no objects yet: btql ingest makes the first")
    return "\n\n".join(text)


def _contents(of: ObjectStatus | Status) -> list[Line]:
    """Return what an object has, or all of them together."""
    return [
        ("segments", units.count(of.segments)),
        ("parts", units.count(of.parts)),
        ("rows in parts", units.count(of.rows)),
        *_sizes(of.json_bytes, of.file_bytes),
        *_history(of.history_rows, of.history_bytes),
        *_replaced(of.replaced_parts, of.replaced_bytes),
        ("waiting", _waiting(of.pending_events, of.pending_bytes)),
    ]


def _sizes(json_bytes: int, file_bytes: Mapping[str, int]) -> list[Line]:
    on_disk = sum(file_bytes.values())
    return [
        ("as JSON", units.size(json_bytes)),
        ("on disk", f"{units.size(on_disk)}{_ratio(json_bytes, on_disk)}"),
        *((f"  {kind}", units.size(size)) for kind, size in sorted(file_bytes.items(), key=lambda item: -item[1])),
    ]


def _ratio(json_bytes: int, on_disk: int) -> str:
    """Say how sizes compare; of a few small rows, files take more than their JSON."""
    if not on_disk or not json_bytes:
        return ""
    if on_disk <= json_bytes:
        return f", {json_bytes / on_disk:.1f} times smaller"
    return f", {on_disk / json_bytes:.1f} times larger"


def _history(rows: int, size_bytes: int) -> list[Line]:
    return [("history", f"{units.plural(rows, 'row')} of the past, {units.size(size_bytes)} on disk")] if rows else []


def _replaced(parts: int, size_bytes: int) -> list[Line]:
    """Say what the folder has beside that, as a merge needs the room of what it replaces for a while."""
    if not parts:
        return []
    found = f"{units.size(size_bytes)} in {units.plural(parts, 'part')} that queries may still read"
    return [("replaced", f"{found}: btql compact removes them after ten minutes")]


def _waiting(events: int, size_bytes: int) -> str:
    if not events:
        return "nothing"
    return f"{units.plural(events, 'event')}, {units.size(size_bytes)}: btql compact takes them in"
