"""What stands between EXPLAIN and the statement: ``ANALYZE``, or options in parentheses as PostgreSQL has them.

Some of its options only choose what is shown of one plan. Everything is always shown here, so that they change
nothing; clients send them unasked. Whatever else it has is refused where it stands.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import NoReturn

from btql_grammar.diagnostic import BtqlError
from btql_grammar.scan import after_space
from btql_grammar.span import Span
from btql_grammar.sql.cursor import Cursor, unsupported
from btql_grammar.sql.tokens import cut
from btql_grammar.tree_statements import ExplainFormat

_FORMATS: dict[str, ExplainFormat] = {"text": "text", "json": "json", "tree": "tree"}
_SHOWN_ANYWAY = frozenset({"verbose", "costs", "timing", "summary", "buffers", "settings", "memory", "wal"})
_NAMES = ("analyze", "format", *sorted(_SHOWN_ANYWAY))
_ON, _OFF = frozenset({"true", "on", "1"}), frozenset({"false", "off", "0"})
_WAY_OUT = "write `EXPLAIN (ANALYZE, FORMAT JSON) SELECT ...`"
_BEFORE_BTQL = re.compile(
    r"explain\b(?:\s*\([^()]*\)|(?:\s+analy[sz]e\b)?(?:\s+verbose\b)?)\s*(?=[a-z_]+\s*:(?!:))", re.IGNORECASE
)

Options = tuple[bool, ExplainFormat]


def read_options(cursor: Cursor) -> Options:
    """Step over what stands behind EXPLAIN; return whether the statement runs, and the form of the answer."""
    if not _has_parentheses(cursor):
        analyze = cursor.accept("analyze") or cursor.accept("analyse")
        cursor.accept("verbose")
        return analyze, "text"
    cursor.step()
    analyze, form = False, _FORMATS["text"]
    while True:
        name, place = cursor.read_name("an option").lower(), cursor.previous().span
        if name == "format":
            form = _format(cursor)
        elif name in ("analyze", "analyse"):
            analyze = _switch(cursor, name)
        elif name in _SHOWN_ANYWAY:
            _switch(cursor, name)
        else:
            _refuse(name, place)
        if not cursor.accept(","):
            break
    if not cursor.accept(")"):
        cursor.fail("a comma or `)`", f"options stand in parentheses with commas: {_WAY_OUT}")
    return analyze, form


def before_btql(text: str) -> tuple[Options, int] | None:
    """Return the options of an EXPLAIN of a query in BTQL, and where that query begins; None for any other text."""
    start = after_space(text)
    found = _BEFORE_BTQL.match(text, start)
    if found is None:
        return None
    # Spaces instead of what was before: places stay those of the text.
    cursor = Cursor(text, cut(" " * start + text[start : found.end()]))
    cursor.step()
    return read_options(cursor), found.end()


def _has_parentheses(cursor: Cursor) -> bool:
    """Whether options come next, and no query in parentheses."""
    return cursor.at("(") and cursor.ahead().word not in ("(", "select", "values", "with")


def _format(cursor: Cursor) -> ExplainFormat:
    place = cursor.here()
    word = cursor.read_name("a format").lower()
    if word not in _FORMATS:
        listed = ", ".join(name.upper() for name in _FORMATS)
        raise unsupported(f"EXPLAIN with FORMAT {word.upper()}", place, f"the formats are {listed}")
    return _FORMATS[word]


def _switch(cursor: Cursor, name: str) -> bool:
    """Return whether an option is on; without a value it is."""
    if cursor.at(",", ")"):
        return True
    place = cursor.here()
    word = cursor.text_of(cursor.step())
    if word.lower() in _ON | _OFF:
        return word.lower() in _ON
    message = f"{name.upper()} is on or off, and not `{word}`"
    raise BtqlError.of("B0111", message, place, "neither", help=f"write `{name.upper()}`, or `{name.upper()} OFF`")


def _refuse(name: str, place: Span) -> NoReturn:
    close = get_close_matches(name, _NAMES, 1)
    way_out = f"did you mean {close[0].upper()}?" if close else _WAY_OUT
    raise unsupported(f"EXPLAIN with {name.upper()}", place, way_out)
