"""Numbers as people read them: sizes, durations, counts and rates."""

from __future__ import annotations

from datetime import UTC, datetime

_SIZES = ("KiB", "MiB", "GiB", "TiB", "PiB")
_DAYS_FROM_MINUTES = 48 * 60


def count(number: int) -> str:
    """Return ``1234567`` as ``1,234,567``."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """Return the count with its noun: ``1 span``, ``2 spans``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(size_bytes: float) -> str:
    """Return a size with three digits or so: ``17 B``, ``1.4 MiB``."""
    if size_bytes < 1024:
        return f"{size_bytes:.0f} B"
    unit = ""
    for unit in _SIZES:  # noqa: B007 - the last one is used after the loop
        size_bytes /= 1024
        if size_bytes < 1000:
            break
    return f"{size_bytes:.3g} {unit}" if size_bytes < 1000 else f"{size_bytes:,.0f} {unit}"


def duration(seconds: float) -> str:
    """Return a time span: ``0.4 ms``, ``35 ms``, ``1.2 s``, ``3 min 05 s``, ``2 h 10 min``, ``90 days``."""
    if seconds < 0.0095:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    if minutes < _DAYS_FROM_MINUTES:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    days = plural(round(minutes / (24 * 60)), "day")
    return days if minutes % (24 * 60) == 0 else f"about {days}"


def rate(number: float, seconds: float, noun: str) -> str:
    """Return ``number`` per second: ``21,400 spans/s``."""
    per_second = number / max(seconds, 1e-9)
    return f"{per_second:,.0f} {noun}/s" if per_second >= 10 else f"{per_second:.1f} {noun}/s"


def moment(seconds: float) -> str:
    """Return a time of Unix seconds, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
