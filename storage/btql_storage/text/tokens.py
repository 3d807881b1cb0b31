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

import codecs
import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from btql_storage.later import np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

TOKEN_CHARS_MAX = 255
PATTERN_TOKENS_MAX = 32
"""Of a longer phrase so many tokens are sought by a pattern: to compile one takes a thousand times what a look for it
in a text does."""
GAP = "\x01"
RECORD = "\x02"
"""Parts the values of one batch from each other while they are prepared together."""
_SEPARATORS = str.maketrans({GAP: " ", RECORD: " "})

_CJK = (
    "\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3040-\u30ff\u3100-\u318f\u31a0-\u31bf"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uffdc"
    "\U00016fe0-\U00016fff\U00017000-\U00018cff\U0001aff0-\U0001b2ff\U00020000-\U000323af"
)
_PART_RUN = re.compile(rf"(?:[^\W_]|[{GAP}{RECORD}])+")
_CODE_MAX = 0x323B0
"""Above the last letter of Unicode."""
_SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
_DOTTED_I = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
"""The only letter whose lower case is two characters."""
_SPACE = 0x20
_ALONE = 1 << 31
_PIECE_CHARS = 1 << 16
"""Bounds the memory that the arrays of a long text take."""
_LONG_RUN = re.compile(rf"[^ ]{{{TOKEN_CHARS_MAX}}}(?=[^ ])")
_SEPARATOR = f" {GAP} "
_LATIN_RECORD = RECORD.encode()


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
    text = f" {index_text(texts_of(value))} "
    if _phrase(tuple(query_tokens[:PATTERN_TOKENS_MAX])).search(text) is None:
        return False
    return len(query_tokens) <= PATTERN_TOKENS_MAX or f" {' '.join(query_tokens)} " in f" {' '.join(text.split())} "


@lru_cache(maxsize=256)
def _phrase(tokens: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern of adjacent tokens; to have but one space between them takes longer than to look for more."""
    return re.compile(f" {' +'.join(map(re.escape, tokens))} ")


def index_text(texts: Sequence[str]) -> str:
    """Return tokens of all texts, parted by spaces, with a gap between texts."""
    return index_texts([texts])[0]


def index_character(character: str) -> str:
    """Return :func:`index_text` of a text of one character; one that is no part of a token is a space.

    It needs no table of all characters, which takes a while to make.
    """
    if character == _DOTTED_I:
        return "i "
    lower = character.lower().replace("ς", _SIGMA)
    if not _PART_RUN.fullmatch(lower) or lower in (GAP, RECORD):
        return " "
    return f" {lower} " if _cjk_run().match(character) else lower


def index_texts(values: Sequence[Sequence[str]]) -> list[str]:
    """Return :func:`index_text` of many values at once, which costs much less for each."""
    joined = [_SEPARATOR.join(texts) for texts in values]
    gaps = sum(map(len, values)) - sum(map(bool, values))
    prepared = _prepare(joined, gaps)
    if prepared is None:
        # A text has one of our separators itself, which are no letters.
        joined = [_SEPARATOR.join([text.translate(_SEPARATORS) for text in texts]) for texts in values]
        prepared = _prepare(joined, gaps)
    assert prepared is not None, "no text has a separator any more"
    return prepared


def _prepare(texts: Sequence[str], gaps: int) -> list[str] | None:
    """Lower-case and blank texts that were joined; None where they have more separators than that gave."""
    latin: list[bytes] = []
    wide: list[str] = []
    is_latin: list[bool] = []
    for text in texts:
        encoded = text.encode("latin-1", _BLANKS)
        is_latin.append(not encoded.endswith(_LATIN_RECORD))
        if is_latin[-1]:
            latin.append(encoded)
        else:
            wide.append(text)
    # One byte a character: most texts, and several times faster than Unicode.
    from_latin = _LATIN_RECORD.join(latin).translate(_latin_table()).decode("latin-1")
    from_wide = _prepare_unicode(RECORD.join(wide))
    if from_latin.count(GAP) + from_wide.count(GAP) > gaps:
        return None
    latin_texts, wide_texts = _split(from_latin), _split(from_wide)
    if len(latin_texts) > max(len(latin), 1) or len(wide_texts) > max(len(wide), 1):
        return None
    next_latin, next_wide = iter(latin_texts), iter(wide_texts)
    return [next(next_latin if one else next_wide) for one in is_latin]


def _split(prepared: str) -> list[str]:
    """Return the texts of a batch, without runs that are too long."""
    texts = prepared.split(RECORD)
    return [_LONG_RUN.sub(r"\g<0> ", text) for text in texts] if _has_long_run(prepared) else texts


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


def _blank_wide(error: UnicodeError) -> tuple[str, int]:
    """Blank wide characters that are no part of a token, so that an emoji does not make a text wide."""
    assert isinstance(error, UnicodeEncodeError), "registered for encoding only"
    if _PART_RUN.search(error.object, error.start, error.end):
        # Give up, and say so. An error would tell, too, but hold on to the frames around.
        return RECORD, len(error.object)
    return " " * (error.end - error.start), error.end


_BLANKS = "btql_storage.text.tokens"
codecs.register_error(_BLANKS, _blank_wide)


def _prepare_unicode(text: str) -> str:
    text = text.replace(_DOTTED_I, _DOTTED_I.lower())
    pieces = range(0, len(text), _PIECE_CHARS)
    return "".join([_blank_and_split(text[start : start + _PIECE_CHARS]) for start in pieces])


def _blank_and_split(text: str) -> str:
    """Lower-case, blank what is no part of a token and put spaces around characters that are a token each."""
    codes = np.frombuffer(text.encode("utf-32-le", errors="replace"), np.uint32)
    codes = _unicode_table().take(codes, mode="clip")
    alone = codes >= _ALONE
    if alone.any():
        # Two more characters for each, one before it and one after it.
        added = 2 * np.cumsum(alone, dtype=np.int32)
        spread = np.full(len(codes) + added[-1], _SPACE, np.uint32)
        spread[np.arange(len(codes), dtype=np.int32) + added - alone] = codes & (_ALONE - 1)
        codes = spread
    return codes.tobytes().decode("utf-32-le")


@cache
def _latin_table() -> bytes:
    """Return what becomes of the first 256 characters; none of them is wide in lower case."""
    lower = "".join(map(chr, range(256))).lower()
    return bytes(ord(character) if _PART_RUN.match(character) else _SPACE for character in lower)


@cache
def _unicode_table() -> NDArray[np.uint32]:
    """Return what becomes of each code point, with a bit for a token of its own; the last stands for all above."""
    characters = "".join(map(chr, range(_CODE_MAX)))
    table = np.append(_fold(characters), np.uint32(_SPACE))
    for run in _cjk_run().finditer(characters):
        part = table[run.start() : run.end()]
        part[part != _SPACE] |= _ALONE
    return table


def _fold(characters: str) -> NDArray[np.uint32]:
    """Return the lower case of characters, spaces for those that are no part of a token."""
    # The final form of sigma depends on what follows the word; a token must not.
    lower = characters.replace(_DOTTED_I, "i").lower().replace("ς", _SIGMA)
    folded = np.full(len(lower), _SPACE, np.uint32)
    for run in _PART_RUN.finditer(lower):
        folded[run.start() : run.end()] = list(map(ord, run[0]))
    return folded


@cache
def _cjk_run() -> re.Pattern[str]:
    """Return the pattern, which takes a millisecond to compile; whoever only looks tokens up needs none."""
    return re.compile(f"[{_CJK}]+")


def _has_long_run(text: str) -> bool:
    # Hop from space to space in steps that no run of legal length can span.
    place = 0
    while place + TOKEN_CHARS_MAX < len(text):
        place = text.rfind(" ", place, place + TOKEN_CHARS_MAX + 1) + 1
        if not place:
            return True
    return False
