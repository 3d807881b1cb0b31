r"""Texts and tokens: what MATCH sees of a JSON value, in one definition for index and scan.

1. :func:`texts_of` takes a value apart into texts: a string is one; of an
   array or object every key and every leaf is one.
2. :func:`index_text` lower-cases the texts, blanks everything that is not
   part of a token, and joins them with :data:`GAP` in between, which no token
   equals. So a phrase never crosses from one text to the next.
3. The text index takes that string, cut at spaces; :func:`matches` searches
   it for the phrase. They cannot disagree.

A token is a run of letters and digits (``[^\W_]``), lower-cased. Characters of
scripts written without spaces (Chinese, Japanese, Korean) are a token each,
so that any substring of such a text is a phrase. Runs of more than
:data:`TOKEN_CHARS_MAX` characters are cut, since an index limits its terms.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

TOKEN_CHARS_MAX = 255
GAP = "\x01"
RECORD = "\x02"
"""Parts the values of one batch from each other while they are prepared together."""

_CJK = (
    "\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3040-\u30ff\u3100-\u318f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U00016fe0-\U00016fff\U00017000-\U00018cff\U0001aff0-\U0001b2ff\U00020000-\U000323af"
)
_ASCII = "".join(chr(c).lower() if chr(c).isalnum() or chr(c) == GAP else " " for c in range(128))
_CJK_RUN = re.compile(f"[{_CJK}]+")
_WORD_RUN = re.compile(r"[^\W_]+")
_CODE_MAX = 0x323B0
"""Above the last letter of Unicode."""
_SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
_BLANK, _PART, _ALONE = 0, 1, 2
_PIECE_CHARS = 1 << 16
"""Bounds the memory that the arrays of a long text take."""
_LONG_RUN = re.compile(rf"[^ ]{{{TOKEN_CHARS_MAX}}}(?=[^ ])")
_SEPARATOR = f" {GAP} "


def tokenize(text: str) -> list[str]:
    """Return the tokens of a text.

    >>> tokenize("Müller's e-mail: 东京2024")
    ['müller', 's', 'e', 'mail', '东', '京', '2024']
    """
    return index_text([text]).split()


def texts_of(value: object) -> list[str]:
    """Return the texts of a JSON value, keys and leaves in document order.

    >>> texts_of({"role": "user", "n": [1.5, True, None]})
    ['role', 'user', 'n', '1.5', 'true']
    """
    texts: list[str] = []
    _collect(value, texts.append)
    return texts


def matches(value: object, query_tokens: Sequence[str]) -> bool:
    """Return whether one text of ``value`` has the tokens as adjacent ones, in this order.

    No tokens match nothing.
    """
    if not query_tokens:
        return False
    text = " ".join(index_text(texts_of(value)).split())
    return f" {' '.join(query_tokens)} " in f" {text} "


def index_text(texts: Sequence[str]) -> str:
    """Return tokens of all texts, parted by spaces, with a gap between texts."""
    return index_texts([texts])[0]


def index_texts(values: Sequence[Sequence[str]]) -> list[str]:
    """Return :func:`index_text` of many values at once, which costs much less for each."""
    joined = [_join(texts) for texts in values]
    wide = [text for text in joined if not text.isascii()]
    prepared = iter(_prepare_unicode(RECORD.join(wide)).split(RECORD))
    return [_cut_long_runs(text.translate(_ASCII) if text.isascii() else next(prepared)) for text in joined]


def _join(texts: Sequence[str]) -> str:
    text = _SEPARATOR.join(texts)
    if text.count(GAP) >= len(texts) or RECORD in text:
        # A text has one of our separators itself, which are no letters.
        text = _SEPARATOR.join(one.replace(GAP, " ").replace(RECORD, " ") for one in texts)
    return text


def _collect(value: Any, append: Callable[[str], None]) -> None:  # noqa: ANN401 - any JSON value
    # Parsed JSON has these types exactly. Asking for the type is twice as fast as matching
    # patterns, and most values are texts, which need no call of their own.
    kind = type(value)
    if kind is dict:
        for key, child in value.items():
            append(key)
            if type(child) is str:
                append(child)
            else:
                _collect(child, append)
    elif kind is list:
        for child in value:
            if type(child) is str:
                append(child)
            else:
                _collect(child, append)
    elif kind is str:
        append(value)
    elif kind is bool:
        append("true" if value else "false")
    elif value is not None:
        append(repr(value))


def _prepare_unicode(text: str) -> str:
    # The final form of sigma depends on what follows the word; a token must not.
    text = text.lower().replace("ς", _SIGMA)
    pieces = range(0, len(text), _PIECE_CHARS)
    return "".join([_blank_and_split(text[start : start + _PIECE_CHARS]) for start in pieces])


def _blank_and_split(text: str) -> str:
    """Blank what is no part of a token and put spaces around characters that are a token each."""
    codes = np.frombuffer(text.encode("utf-32-le", errors="replace"), np.uint32)
    classes = _character_classes().take(codes, mode="clip")
    codes = np.where(classes == _BLANK, np.uint32(0x20), codes)
    alone = classes == _ALONE
    if alone.any():
        ends = np.cumsum(np.where(alone, 3, 1))
        spread = np.full(ends[-1], 0x20, np.uint32)
        spread[ends - np.where(alone, 2, 1)] = codes
        codes = spread
    return codes.tobytes().decode("utf-32-le")


@cache
def _character_classes() -> NDArray[np.uint8]:
    """Return the class of every code point up to :data:`_CODE_MAX`, which stands for all above."""
    characters = "".join(map(chr, range(_CODE_MAX)))
    classes = np.full(_CODE_MAX + 1, _BLANK, np.uint8)
    for run in _WORD_RUN.finditer(characters):
        classes[run.start() : run.end()] = _PART
    for run in _CJK_RUN.finditer(characters):
        part = classes[run.start() : run.end()]
        part[part == _PART] = _ALONE
    classes[[ord(GAP), ord(RECORD)]] = _PART
    return classes


def _cut_long_runs(text: str) -> str:
    # Hop from space to space in steps that no run of legal length can span.
    place = 0
    while place + TOKEN_CHARS_MAX < len(text):
        place = text.rfind(" ", place, place + TOKEN_CHARS_MAX + 1) + 1
        if not place:
            return _LONG_RUN.sub(r"\g<0> ", text)
    return text
