"""Two pictures, written as SVG by hand: a dot for each system and question, and lines of time over size.

Both have time on a logarithmic axis, because systems differ by factors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

_COLORS = ("#d6336c", "#1c7ed6", "#2f9e44", "#82c91e", "#7048e8", "#f08c00", "#495057", "#0ca678", "#ae3ec9", "#868e96")
_ROW = 24
_LEFT, _WIDTH, _RIGHT, _TOP = 190, 640, 30, 64
_LINES_HEIGHT = 420
_LEGEND = 250

Points = Sequence[tuple[str, float]]


def dots(title: str, rows: Mapping[str, Mapping[str, float]], systems: Sequence[str]) -> str:
    """Return a picture with a line for each question and a dot for each system's time, in seconds."""
    times = [time for row in rows.values() for time in row.values()]
    scale = _Scale.over(times, _LEFT, _LEFT + _WIDTH)
    height = _TOP + _ROW * len(rows) + 30
    parts = [*_frame(title, _LEFT + _WIDTH + _RIGHT, height), *_ticks(scale, _TOP - 8, height - 26)]
    for place, system in enumerate(systems):
        x = _LEFT + place * _WIDTH / max(len(systems), 1)
        parts.append(_dot(x, 36, _COLORS[place % len(_COLORS)], first=place == 0))
        parts.append(f'<text x="{x + 9:.0f}" y="40">{escape(system)}</text>')
    for line, (question, row) in enumerate(rows.items()):
        y = _TOP + _ROW * line + _ROW // 2
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(question)}</text>')
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y}" y2="{y}" stroke="#eee"/>')
        # The first system is drawn last, over the others.
        for place, system in reversed(list(enumerate(systems))):
            if system in row:
                color = _COLORS[place % len(_COLORS)]
                hint = f"{question}, {system}: {1000 * row[system]:.2f} ms"
                parts.append(_dot(scale.place(row[system]), y, color, first=place == 0, hint=hint))
    return _whole(parts)


def lines(title: str, sizes: Sequence[int], rows: Mapping[str, Mapping[int, float]]) -> str:
    """Return a picture of time, in seconds, over size, with a line for each question."""
    times = [time for row in rows.values() for time in row.values()]
    across = _Scale.over([float(size) for size in sizes], 70, 70 + _WIDTH, whole_decades=False)
    up = _Scale.over(times, _TOP + _LINES_HEIGHT, _TOP)
    height = max(_TOP + _LINES_HEIGHT, _TOP + 18 * len(rows)) + 40
    parts = _frame(title, 70 + _WIDTH + _LEGEND, height)
    for time in up.decades():
        y = up.place(time)
        parts.append(f'<line x1="70" x2="{70 + _WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(f'<text x="62" y="{y + 4:.1f}" text-anchor="end">{_time(time)}</text>')
    for size in sizes:
        x = across.place(size)
        parts.append(f'<text x="{x:.1f}" y="{_TOP + _LINES_HEIGHT + 20}" text-anchor="middle">{size:,}</text>')
    for place, (question, row) in enumerate(rows.items()):
        color = _COLORS[place % len(_COLORS)]
        dashes = ("", ' stroke-dasharray="6 3"', ' stroke-dasharray="2 3"')[place // len(_COLORS) % 3]
        spots = [(across.place(size), up.place(time)) for size, time in sorted(row.items())]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.6"{dashes}/>')
        parts += [_dot(x, y, color, first=False) for x, y in spots]
        y = _TOP + 18 * place + 6
        x = 70 + _WIDTH + 16
        parts.append(f'<line x1="{x}" x2="{x + 26}" y1="{y}" y2="{y}" stroke="{color}" stroke-width="1.6"{dashes}/>')
        parts.append(f'<text x="{x + 32}" y="{y + 4}">{escape(question)}</text>')
    return _whole(parts)


class _Scale:
    """Values to places on a logarithmic axis."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._high = math.log10(low), math.log10(high)
        self._start, self._end = start, end

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float, *, whole_decades: bool = True) -> _Scale:
        low, high = min(values, default=0.001), max(values, default=1.0)
        if whole_decades:
            low, high = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
        return cls(low, high if high > low else 10 * low, start, end)

    def place(self, value: float) -> float:
        share = (math.log10(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def decades(self) -> Iterator[float]:
        for power in range(round(self._low), round(self._high) + 1):
            yield 10.0**power


def _frame(title: str, width: int, height: int) -> list[str]:
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    letters = 'font-family="system-ui, sans-serif" font-size="12" fill="#222"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {letters}>',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="16" y="20" font-size="14" font-weight="600">{escape(title)}</text>',
    ]


def _ticks(scale: _Scale, top: int, bottom: int) -> Iterator[str]:
    for time in scale.decades():
        x = scale.place(time)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="#ccc"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{_time(time)}</text>'


def _dot(x: float, y: float, color: str, *, first: bool, hint: str = "") -> str:
    inside = f"<title>{escape(hint)}</title>" if hint else ""
    place = f'cx="{x:.1f}" cy="{y:.1f}" r="{5.5 if first else 4}"'
    return f'<circle {place} fill="{color}" fill-opacity="0.85">{inside}</circle>'


def _whole(parts: Sequence[str]) -> str:
    return "\n".join([*parts, "</svg>"]) + "\n"


def _time(seconds: float) -> str:
    return f"{seconds:g} s" if seconds >= 1 else f"{1000 * seconds:g} ms"
