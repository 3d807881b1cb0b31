"""What the text of an interval says: ``'7 days'``, ``'1 day 02:30'``, ``'P1DT2H'``.

Postgres reads many spellings; those that people and programs write are here. A part
with decimals is counted in the next smaller units that make it whole.
"""

from __future__ import annotations

import re

_NAMES = {
    "year": "y yr yrs year years", "month": "mon mons month months", "week": "w week weeks", "day": "d day days",
    "hour": "h hr hrs hour hours", "minute": "m min mins minute minutes", "second": "s sec secs second seconds",
    "millisecond": "ms msec msecs millisecond milliseconds", "microsecond": "us usec usecs microsecond microseconds",
}  # fmt: skip
_UNITS = {name: unit for unit, names in _NAMES.items() for name in names.split()}
_MULTIPLES = {
    name: (factor, unit)
    for names, factor, unit in (
        ("quarter quarters", 3, "month"), ("decade decades", 10, "year"), ("century centuries", 100, "year"),
        ("millennium millennia millenniums", 1000, "year"),
    )
    for name in names.split()
}  # fmt: skip
_SMALLER = {
    "year": (12, "month"), "week": (7, "day"), "day": (24, "hour"), "hour": (60, "minute"), "minute": (60, "second"),
    "second": (1000, "millisecond"), "millisecond": (1000, "microsecond"),
}  # fmt: skip

_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?"
_PART = re.compile(rf"({_NUMBER})\s*([a-z]+)\s*")
_CLOCK = re.compile(r"([+-]?)([0-9]+):([0-9]{1,2})(?::([0-9]{1,2}(?:\.[0-9]{1,6})?))?\s*")
_AMOUNT = r"([0-9]+(?:\.[0-9]+)?)"
_ISO = re.compile(
    rf"P(?:{_AMOUNT}Y)?(?:{_AMOUNT}M)?(?:{_AMOUNT}W)?(?:{_AMOUNT}D)?"
    rf"(?:T(?:{_AMOUNT}H)?(?:{_AMOUNT}M)?(?:{_AMOUNT}S)?)?"
)
_ISO_UNITS = ("year", "month", "week", "day", "hour", "minute", "second")
_CHARS_MAX = 200

Parts = list[tuple[int, str]]


def interval_parts(text: str) -> Parts | None:
    """Return the amounts and units that ``text`` adds up, or None where it is something else."""
    if len(text) > _CHARS_MAX:
        return None
    iso = _ISO.fullmatch(text.strip())
    if iso is not None:
        return _whole([(amount, unit) for amount, unit in zip(iso.groups(), _ISO_UNITS, strict=True) if amount])
    rest = text.strip().lower()
    ago = rest.endswith(" ago")
    parts = _whole(_written(rest.removesuffix(" ago").strip()))
    return [(-value, unit) for value, unit in parts] if parts is not None and ago else parts


def _written(text: str) -> list[tuple[str, str]]:
    """Return the parts as they are written; none of them where one makes no sense."""
    parts: list[tuple[str, str]] = []
    offset = 0
    while offset < len(text):
        match = _PART.match(text, offset)
        clock = None if match else _CLOCK.match(text, offset)
        if match is not None:
            parts.append((match[1], match[2]))
        elif clock is not None:
            sign, hours, minutes, seconds = clock[1], clock[2], clock[3], clock[4]
            parts += [(sign + hours, "hour"), (sign + minutes, "minute")]
            parts += [(sign + seconds, "second")] if seconds else []
        else:
            return []
        offset = (match or clock).end()  # type: ignore[union-attr]
    return parts


def _whole(parts: list[tuple[str, str]]) -> Parts | None:
    """Return the parts in whole numbers; those that are nothing are left out, unless all are."""
    made: Parts = []
    for written, name in parts:
        factor, unit = _MULTIPLES.get(name) or (1, _UNITS.get(name, ""))
        if not unit:
            return None
        whole, _, decimals = written.partition(".")
        # In units of the last decimal, so that nothing is rounded.
        amount, scale = int(f"{whole}{decimals}") * factor, 10 ** len(decimals)
        while amount % scale:
            if unit not in _SMALLER:
                return None
            factor, unit = _SMALLER[unit]
            amount *= factor
        made.append((amount // scale, unit))
    return [part for part in made if part[0]] or made[:1] or None
