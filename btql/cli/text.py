"""The query text a command was given, as an argument or on standard input."""

from __future__ import annotations

import sys

from btql.cli.console import Failure


def given(text: str) -> str:
    """Return ``text``, or what standard input holds for ``-``."""
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Failure(f"the query on standard input is not UTF-8: {error.reason} at byte {error.start}") from error
