"""Numbers beyond float64, such as ``1e999``.

Scores and metrics with one are refused, as no query could compute with it. Elsewhere in a document it is kept as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from btql_storage.json_text import JsonValue, parse

NUMBER_MAX = sys.float_info.max


def too_large(raw: bytes, path: str) -> str | None:
    """Return the path of the first number beyond float64 in the JSON text at a path, None where there is none."""
    return next(_found(parse(raw), path), None)


def is_too_large(value: float) -> bool:
    """Whether a number is beyond float64."""
    return not -NUMBER_MAX <= value <= NUMBER_MAX


def _found(value: JsonValue, path: str) -> Iterator[str]:
    match value:
        case bool() | str() | None:
            return
        case int() | float():
            if is_too_large(value):
                yield path
        case list():
            for place, item in enumerate(value):
                yield from _found(item, f"{path}[{place}]")
        case _:
            for key, item in value.items():
                yield from _found(item, f"{path}.{key}")
