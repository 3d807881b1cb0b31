r"""What the engine's regular expressions (Rust's) refuse though those of RE2 take it.

RE2 is at hand to check a pattern with, the engine's is not before the query runs. They differ where RE2
takes a character for itself that Rust takes for the beginning of something: ``{``, ``[`` within brackets, a dash
behind ``\d``. RE2 also has octal numbers, names that several groups have, and repetitions of flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

_PIECE = re.compile(
    r"""
    \(\?P?<(?P<group>\w+)>
    | (?P<octal>\\0)
    | (?P<nothing>\(\?[a-zA-Z-]+\)(?=[*+?{]))
    | \\[pPx]\{[^}]*\} | \\b\{[a-z-]+\} | \\.
    | \{[0-9]+(?:,[0-9]*)?\} | (?P<brace>\{)
    | (?P<set>\[\^?\]?)
    | (?P<remark>\#[^\n]*)
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_IN_SET = re.compile(
    r"""
    (?P<range>\\[dDsSwW]-(?![\]-]) | -\\[dDsSwW])
    | (?P<octal>\\0)
    | \[:\^?\w+:\] | \\. | [^\\\]]-\[
    | (?P<open>\[\^?\]?) | (?P<close>\]) | .
    """,
    re.VERBOSE | re.DOTALL,
)
_OCTAL = ("`\\0` begins no number here", "write the number of the character in base 16: `\\x{41}`")


def refused(pattern: str, *, remarks: bool) -> tuple[str, str] | None:
    """Return what is wrong with a pattern that RE2 takes, and the way out; None where nothing is.

    With ``remarks``, what stands behind ``#`` is not part of it.
    """
    groups: set[str] = set()
    at = 0
    while (piece := _PIECE.match(pattern, at)) is not None:
        at = piece.end()
        match piece.lastgroup:
            case "group" if piece["group"] in groups:
                return f"two groups are called `{piece['group']}`", "give each a name of its own"
            case "group":
                groups.add(piece["group"])
            case "octal":
                return _OCTAL
            case "nothing":
                return f"there is nothing to repeat behind `{piece[0]}`", "put the flags to the beginning"
            case "brace":
                return (
                    "`{` begins a number of repetitions, as in `a{2}` or `a{2,5}`",
                    "for the brace itself write `\\{`",
                )
            case "remark" if not remarks:
                at = piece.start() + 1
            case "set":
                for inner in _set(pattern, at):
                    if isinstance(inner, tuple):
                        return inner
                    at = inner
            case _:
                pass
    return None


def one_group_each(pattern: str, *, remarks: bool) -> list[str]:
    """Return a pattern that is not refused once for each of its groups, with that group alone."""
    opened: list[tuple[int, int]] = []
    at = 0
    while (piece := _PIECE.match(pattern, at)) is not None:
        at = piece.end()
        if piece.lastgroup == "set":
            at = max(inner for inner in _set(pattern, at) if isinstance(inner, int))
        elif piece.lastgroup == "remark" and not remarks:
            at = piece.start() + 1
        elif piece.lastgroup == "group" or (piece[0] == "(" and not pattern.startswith("?", at)):
            opened.append(piece.span())
    return [_with_group(pattern, opened, only) for only in range(len(opened))]


def _with_group(pattern: str, opened: Sequence[tuple[int, int]], only: int) -> str:
    pieces: list[str] = []
    behind = 0
    for number, (start, end) in enumerate(opened):
        pieces += [pattern[behind:start], "(" if number == only else "(?:"]
        behind = end
    return "".join([*pieces, pattern[behind:]])


def _set(pattern: str, at: int) -> Iterator[int | tuple[str, str]]:
    """Yield where each piece of a set in brackets ends, up to its last, or what is wrong with one."""
    depth = 1
    while depth and (piece := _IN_SET.match(pattern, at)) is not None:
        at = piece.end()
        match piece.lastgroup:
            case "range":
                yield "a range in brackets goes from one character to another", "for the dash itself write `\\-`"
            case "octal":
                yield _OCTAL
            case "open" | "close":
                depth += 1 if piece.lastgroup == "open" else -1
            case _:
                pass
        yield at
    if depth:
        yield "`[` within brackets begins a set of its own", "for the bracket itself write `\\[`"
