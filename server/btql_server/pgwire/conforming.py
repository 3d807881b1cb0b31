r"""SQL as Postgres spells it, in the spelling that the grammar knows.

The grammar reads the SQL of other clients too, who write ``'it\'s'``. What Postgres spells otherwise is written in
another way before the grammar sees it, token by token:

- a backslash in a text or a name is itself, and is doubled;
- ``$$it's$$``, ``N'…'`` and ``U&'…'`` become ``'…'``, and ``U&"…"`` a name in plain quotes;
- comments that nest, or end with a carriage return, become space.

Where a mistake is, the grammar says in terms of what it was given, and :func:`place_before` in terms of what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from btql_grammar.scan import TEXT_CHARS_MAX
from btql_server.pgwire.scanning import begins_btql, name_of, pieces, text_of

_OTHERWISE = re.compile(r"[\\\r]|\$(?!\d)|/\*|[nN]'|[uU]&['\"]")
"""Something that may be spelled otherwise; most statements have nothing of it."""
_QUOTED = ("string", "quoted")
_UESCAPE = re.compile(r"\s*UESCAPE\s*'([^'\"+\s0-9a-f])'", re.IGNORECASE)


def conforming(text: str) -> str:
    """Return a statement as the grammar reads it; BTQL stays as it is."""
    made: list[str] = []
    done = 0
    for start, end, spelled in _spelled_otherwise(text):
        made += text[done:start], spelled
        done = end
    return "".join([*made, text[done:]])


def place_before(text: str, at: int) -> int:
    """Return where a place in what :func:`conforming` returns of a text is in the text; characters from 0."""
    longer = 0
    for start, end, spelled in _spelled_otherwise(text):
        if at < start + longer:
            break
        if at < start + longer + len(spelled):
            return start
        longer += len(spelled) - (end - start)
    return at - longer


def _spelled_otherwise(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield beginning and end of each token that the grammar would read otherwise, and how it spells that."""
    if _OTHERWISE.search(text) is None or len(text) > TEXT_CHARS_MAX or begins_btql(text):
        return
    done = 0
    for kind, start, end in pieces(text):
        if start < done:
            continue
        escape = _UESCAPE.match(text, end) if text[start] in "uU" and kind in _QUOTED else None
        done = end if escape is None else escape.end()
        written = text[start:end]
        spelled = _spelled(kind, written, *([] if escape is None else [escape[1]]))
        if kind == "space" and written[0] == "-" and text.startswith("\r", end):
            spelled = " " * len(written)
        if spelled != text[start:done]:
            yield start, done, _apart(spelled, text[start - 1 : start], text[done : done + 1])


def _spelled(kind: str, written: str, *escape: str) -> str:
    """Return a token as the grammar spells it; ``escape`` is the character that UESCAPE names."""
    match kind:
        case "string" if written[0] not in "eE":
            return _in_quotes(text_of(written, *escape), "'")
        case "quoted":
            return _in_quotes(name_of(written, *escape), '"')
        case "comment" if "/*" in written[2:]:
            return " " * len(written)
        case "unclosed" if written.startswith("/*"):
            return "/*" + " " * (len(written) - 2)
        case "unclosed" if written[0] in "'\"":
            return written.replace("\\", "\\\\")
        case _:
            return written


def _apart(spelled: str, before: str, behind: str) -> str:
    """Return a token apart from the quotes beside it: together, `$$a$$'b'` would be one text."""
    quote = spelled[0]
    if quote not in "'\"":
        return spelled
    return f"{' ' * (before in (quote, '$'))}{spelled}{' ' * (behind == quote)}"


def _in_quotes(value: str, quote: str) -> str:
    return f"{quote}{value.replace(quote, quote * 2)}{quote}".replace("\\", "\\\\")
