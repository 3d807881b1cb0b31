"""Errors: texts and objects, short ones and stack traces of more than 1 KiB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from btql.generate.dice import Dice

_MESSAGES = (
    ("RateLimitError", "429: too many requests, retry after 20 s"),
    ("TimeoutError", "no answer within 30 s"),
    ("ValueError", "invalid literal for int() with base 10: 'n/a'"),
    ("ConnectionResetError", "[Errno 104] connection reset by peer"),
    ("ContextLengthExceeded", "the prompt has 131,204 tokens, the limit is 128,000"),
    ("JSONDecodeError", "expecting ',' delimiter: line 3 column 17 (char 96)"),
    ("PermissionError", "the API key may not use this model"),
)


def _stack(name: str, message: str, frames: int) -> str:
    lines = ["Traceback (most recent call last):"]
    for frame in range(frames):
        lines.append(f'  File "/srv/app/agent/step_{frame % 7}.py", line {31 + 17 * frame}, in run_step_{frame}')
        lines.append(f"    return handler_{frame}(context, request, retries={frame % 3})")
    return "\n".join([*lines, f"{name}: {message}"])


def _forms(name: str, message: str) -> tuple[bytes, ...]:
    forms: tuple[object, ...] = (
        f"{name}: {message}",
        f"{name}: {message}",
        {"name": name, "message": message, "retryable": name != "PermissionError"},
        {"name": name, "message": message, "code": 429, "stack": _stack(name, message, 4)},
        _stack(name, message, 9),
        _stack(name, message, 40),
    )
    return tuple(orjson.dumps(form) for form in forms)


_ERRORS = tuple(_forms(name, message) for name, message in _MESSAGES)


def error(dice: Dice) -> bytes:
    """Draw an error as JSON: the first kinds are the most frequent."""
    chance = dice.unit()
    return dice.pick(_ERRORS[int(chance * chance * len(_ERRORS))])
