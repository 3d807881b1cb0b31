r"""Regular expressions, and how alike two texts are.

A pattern is written in the query. Its syntax is that of RE2 and of Rust: no
back references and no looking around, and in return a time that only grows
with the length of the text. Flags: ``i`` for either case, ``s`` for ``.`` also
matching line ends, ``m`` for ``^`` and ``$`` at every line, ``x`` for a pattern
with spaces in it.
"""

from __future__ import annotations

import re

from btql_planner import sql_text
from btql_planner.functions.call import ArgumentError, written_text
from btql_planner.functions.declare import Boolean, Float, Integer, List, Text, scalar
from btql_planner.functions.pattern_syntax import one_group_each, refused
from btql_planner.value import SIZE_BITS

_FLAGS = re.compile(r"[gimsxc]*")
_SPACED = re.compile(r"\(\?[ims]*x[ims]*\)")
"""What a pattern begins with that has the flag ``x``, which RE2 does not know."""
_REPLACED = {r"\&": "${0}", r"\\": "\\", "$": "$$"}
_ONLY_ELSEWHERE = re.compile(r"\\[QC]")


def _pattern(name: str, pattern: str, flags: str = "", index: int = 1) -> str:
    """Return a pattern as SQL, its flags inside it; raise where it is none."""
    return sql_text.text(_written(name, pattern, flags, index))


def _written(name: str, pattern: str, flags: str, index: int = 1) -> str:
    """Return a pattern, its flags inside it; raise where it is none."""
    written = written_text(pattern)
    if written is None:
        raise ArgumentError(f"{name} takes a pattern that is written in the query", index)
    said = (written_text(flags) or "") if flags else ""
    if _FLAGS.fullmatch(said) is None or (flags and written_text(flags) is None):
        raise ArgumentError(f"{name} takes the flags g, i, m, s and x, not {flags}", index + 1)
    letters = "".join(sorted(set(said) - set("gc")))
    whole = f"(?{letters}){written}" if letters else written
    _check(name, whole, index)
    return whole


def _check(name: str, pattern: str, index: int) -> None:
    # Neither is needed before somebody looks for a pattern, and both take long to load.
    import pyarrow as pa

    from btql_storage.arrow_functions import compute

    reason = "\\Q and \\C are not part of it" if _ONLY_ELSEWHERE.search(pattern) else None
    try:
        compute.match_substring_regex(pa.array([""]), _SPACED.sub("", pattern))
    except pa.ArrowInvalid as error:
        reason = str(error).partition("expression: ")[2] or "it is none"
    if reason is not None:
        raise ArgumentError(f"{name} takes a regular expression: {reason}", index)
    if (wrong := refused(pattern, remarks=_has_remarks(pattern))) is not None:
        raise ArgumentError(f"{name} takes a regular expression: {wrong[0]}", index, help=wrong[1])


def _has_remarks(pattern: str) -> bool:
    return _SPACED.match(pattern) is not None


@scalar
def regexp_like(value: Text, pattern: Text, flags: Text = "") -> Boolean:
    """Return whether any part of ``value`` matches. Also written ``~``, and ``~*`` for either case.

    >>> regexp_like('Timeout after 30s', '[0-9]+S', 'i')
    True
    """
    return f"regexp_like({value}, {_pattern('regexp_like', pattern, flags)})"


@scalar
def regexp_replace(value: Text, pattern: Text, new: Text, flags: Text = "") -> Text:
    r"""Return ``value`` with the first match replaced, with the flag ``g`` every match; ``\1`` is a group, ``\&`` all.

    >>> regexp_replace('a1b22', '[0-9]+', '#', 'g')
    'a#b#'
    """
    everywhere = ", 'g'" if "g" in (written_text(flags) or "") else ""
    said = _pattern("regexp_replace", pattern, "", 1)
    if flags:
        _pattern("regexp_replace", pattern, flags, 2) if written_text(flags) is None else None
        said = _pattern("regexp_replace", pattern, flags, 1)
    replaced = f"regexp_replace({value}, {said}, {_replacement(new)}{everywhere})"
    if everywhere and len(written_text(new) or "long") > 1:
        # The engine counts no memory for it.
        return f"CASE WHEN btql_replaced_fits({value}, {said}, {new}) THEN {replaced} END"
    return replaced


def _replacement(new: str) -> str:
    """Return what matches are replaced by as the engine has it written: ``${1}`` is a group, ``$$`` the sign."""
    written = written_text(new)
    if written is None:
        return f"replace(replace({new}, '$', '$$'), '\\&', '${{0}}')"
    pieces: list[str] = re.findall(r"\\[\\&]|\\[1-9]|\$|[^\\$]+|\\", written)
    groups = [re.sub(r"^\\([1-9])$", r"${\1}", _REPLACED.get(piece, piece)) for piece in pieces]
    # Before a digit the engine takes a backslash for a group; what no group is called is nothing.
    return sql_text.text(re.sub(r"\\(?=[0-9])", r"\\${_}", "".join(groups)))


@scalar
def regexp_match(value: Text, pattern: Text, flags: Text = "") -> List:
    """Return what the groups of the first match hold, null for one that has no part in it; without groups the match.

    >>> regexp_match('gpt-4o', '([a-z]+)-([0-9]+)')
    ['gpt', '4']
    """
    whole = _written("regexp_match", pattern, flags)
    found = f"regexp_match({value}, {sql_text.text(whole)})"
    if not any(sign in whole for sign in "?*|{"):
        return found
    # The engine leaves out a group without a part in the match, so that nobody knows which: each is asked for alone.
    alone = [sql_text.text(each) for each in one_group_each(whole, remarks=_has_remarks(whole))]
    groups = ", ".join(f"array_element(regexp_match({value}, {each}), 1)" for each in alone)
    return f"CASE WHEN {found} IS NOT NULL THEN make_array({groups}) END" if groups else found


@scalar
def regexp_substr(value: Text, pattern: Text, flags: Text = "") -> Text:
    """Return the first part of ``value`` that matches, null where none does.

    >>> regexp_substr('error 404 at 12:30', '[0-9]+')
    '404'
    """
    said = _pattern("regexp_substr", pattern, flags)
    letters = re.match(r"'(\(\?[imsx]+\))?", said)
    assert letters is not None, "a pattern is a text of SQL"
    head = letters[0]
    return f"array_element(regexp_match({value}, {head}({said[len(head) : -1]})'), 1)"


@scalar(bits=SIZE_BITS)
def regexp_count(value: Text, pattern: Text, flags: Text = "") -> Integer:
    """Return how many parts of ``value`` match.

    >>> regexp_count('a1b22', '[0-9]+')
    2
    """
    return f"regexp_count({value}, {_pattern('regexp_count', pattern, flags)})"


@scalar(bits=SIZE_BITS)
def levenshtein(one: Text, other: Text) -> Integer:
    """Return how many characters have to be changed, added or removed to turn one text into the other.

    >>> levenshtein('kitten', 'sitting')
    3
    """
    return f"CAST(levenshtein({one}, {other}) AS BIGINT)"


@scalar(python=True)
def similarity(one: Text, other: Text) -> Float:
    """Return how alike two texts are, from 0 to 1: the share of their three-letter pieces that both have.

    >>> similarity('word', 'words')
    0.5714285714285714
    """
    return f"btql_similarity({one}, {other})"
