r"""What the texts that fit a LIKE pattern must have in the text index.

A pattern is cut where its texts are cut into tokens. A run of letters between
two characters that part tokens is a token of the text; one at a wildcard is a
part of a token: ``'%ainbow over the hi%'`` needs a term ``*ainbow``, the phrase
``over the`` and a term ``hi*``.

Three things make a character of the pattern another one in the index:

* Terms are in lower case, and ILIKE takes letters for equal that have no common
  lower case, such as ``s`` and ``\u017f``. So each place of a word is a set.
* Where a value may be an array or object, LIKE sees its JSON. An escape like
  ``\n`` has a letter there that the text has not, numbers may be spelled
  otherwise, and ``null`` is no text at all. Such a value is *loose*.
* Lists of texts are compared by Python, which takes ``i`` for ``\u0130``, and
  that is two characters in the index. There it is no letter at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

from btql_storage.text.probe import AllOf, Phrase, Piece, TextProbe, Word

_ANY = ""
"""Stands for a place where any characters may be, also none and also letters."""
_LETTERS_MAX = 60
_LETTERS_MIN = 3
"""A part of a token that is shorter is in too many terms."""
_FIRST_LETTERS_MIN = 2
_PROBES_MAX = 8
_CODE_MAX = 0x1E944
"""Above the last letter with two cases."""
_NUMBER = re.compile("[0-9e]*")
_NEVER_IN_STRINGS = frozenset(',:[]{}"\\+-.')
"""Characters that JSON has outside of strings, in numbers, and before escapes."""
_ESCAPED = re.compile("[bfnrt]")
_CODE = re.compile("u?0?0?[01]?[0-9a-f]")
LONG_S = "\u017f"
"""The only letter beyond ASCII, in the index, that is equal to one of ASCII but for its case."""
_LIST_I = frozenset("iI\u0130\u0131")


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of a pattern."""

    written: str
    """The character of the pattern, empty for a wildcard."""
    letters: str
    """What the index may have for it: several are alternatives, none is no letter."""
    alone: bool = False
    """It is a token by itself."""

    @property
    def parts(self) -> bool:
        """Whether it surely ends the tokens before and after it."""
        return self.written != _ANY and (not self.letters or self.alone)


_WILD = Cell(_ANY, "")


def pattern_probe(
    field: str, pattern: str, *, ignore_case: bool, loose: bool = False, listed: bool = False
) -> TextProbe | None:
    """Return a probe that holds for each row where a text of ``field`` fits the pattern; None where there is none."""
    cells = list(_cells(pattern, ignore_case=ignore_case, listed=listed))
    probes: list[TextProbe] = []
    phrase: list[str] = []

    def end_phrase() -> None:
        if phrase:
            probes.append(Phrase(field, tuple(phrase)))
            phrase.clear()

    last = 0
    for start, end in _runs(cells):
        run = cells[start:end]
        before = cells[start - 1] if start else None
        after = cells[end] if end < len(cells) else None
        if not all(_joins(cell, loose=loose) for cell in cells[last:start]):
            end_phrase()
        last = end
        starts, ends = before is None or before.parts, after is None or after.parts
        if loose and not (_in_string(before) or _in_string(after)) and _may_be_bare(run):
            end_phrase()
            continue
        escapes = _escape_lengths(run) if loose and before is not None and before.written in (_ANY, "\\") else []
        if starts and ends and not escapes and len(run) <= _LETTERS_MAX and all(len(cell.letters) == 1 for cell in run):
            phrase.append("".join(cell.letters for cell in run))
            continue
        end_phrase()
        pieces = _pieces(run, starts=starts, ends=ends, escapes=escapes)
        if pieces:
            probes.append(Word(field, pieces))
    end_phrase()
    probes = sorted(dict.fromkeys(probes), key=_chars, reverse=True)[:_PROBES_MAX]
    if len(probes) < 2:
        return probes[0] if probes else None
    return AllOf(tuple(probes))


def _cells(pattern: str, *, ignore_case: bool, listed: bool) -> Iterator[Cell]:
    characters = iter(pattern)
    for character in characters:
        if character in "%_":
            yield _WILD
            continue
        literal = character
        if character == "\\":
            literal = next(characters, "\\")
            if literal not in "%_\\":
                # What a backslash is before anything else is for the engine to say.
                yield _WILD
                continue
        if listed and ignore_case and literal in _LIST_I:
            yield _WILD
        else:
            yield _cell(literal, ignore_case)


@lru_cache(1024)
def _cell(character: str, ignore_case: bool) -> Cell:  # noqa: FBT001 - cached calls have no names
    """Return a character of a pattern as what the index has for it, a wildcard where that is not one place."""
    if character.isascii():
        letter = character.lower() if character.isalnum() else ""
        return Cell(character, letter + LONG_S if ignore_case and letter == "s" else letter)
    # The module of tokens takes long to load, and most patterns are of ASCII.
    from btql_storage.text.tokens import index_character

    found = {index_character(each) for each in (_alike(character) if ignore_case else {character})}
    if all(not text.strip() for text in found):
        return Cell(character, "")
    if all(len(text) == 1 and text.strip() for text in found):
        # The letter itself stands first, to be shown.
        first = index_character(character)
        return Cell(character, first + "".join(sorted(found - {first})))
    if len(found) == 1 and len(text := found.pop()) == 3 and len(text.strip()) == 1:
        return Cell(character, text.strip(), alone=True)
    return _WILD


def _alike(character: str) -> set[str]:
    """Return all characters that any engine takes for equal to one, whatever their case."""
    return {character, *_folded().get(character.casefold(), "")}


@cache
def _folded() -> dict[str, str]:
    """Return the characters that are the same without case, by that."""
    groups: dict[str, str] = {}
    for character in map(chr, range(_CODE_MAX)):
        folded = character.casefold()
        if folded != character or character.isalpha():
            groups[folded] = groups.get(folded, "") + character
    return {folded: characters for folded, characters in groups.items() if len(characters) > 1}


def _runs(cells: list[Cell]) -> Iterator[tuple[int, int]]:
    """Yield where the letters are that belong to one token each."""
    start = 0
    while start < len(cells):
        end = start + 1
        if cells[start].letters:
            while not cells[start].alone and end < len(cells) and cells[end].letters and not cells[end].alone:
                end += 1
            yield start, end
        start = end


def _joins(cell: Cell, *, loose: bool) -> bool:
    """Whether the tokens before and after stand in one text, next to each other."""
    return cell.written != _ANY and not (loose and cell.written in _NEVER_IN_STRINGS)


def _in_string(cell: Cell | None) -> bool:
    return cell is not None and _joins(cell, loose=True)


def _may_be_bare(run: list[Cell]) -> bool:
    """Whether JSON may have these letters outside of strings, where the index has others or none."""
    text = "".join(cell.letters[0] for cell in run)
    return _NUMBER.fullmatch(text) is not None or text in "null"


def _pieces(run: list[Cell], *, starts: bool, ends: bool, escapes: list[int]) -> tuple[Piece, ...]:
    """Return the run as pieces of terms, none where it says too little.

    So many of its first letters may be of an escape as each of ``escapes`` says.
    """
    letters = tuple(cell.letters for cell in run)
    if len(letters) > _LETTERS_MAX:
        letters, ends = letters[:_LETTERS_MAX], False
    if len(letters) < (1 if starts and ends else _FIRST_LETTERS_MIN if starts else _LETTERS_MIN):
        return ()
    pieces = [Piece(letters, starts=starts, ends=ends)]
    for length in escapes:
        rest = letters[length:]
        if len(rest) < (1 if ends else _FIRST_LETTERS_MIN):
            return ()
        pieces.append(Piece(rest, starts=True, ends=ends))
    return tuple(pieces)


def _escape_lengths(run: list[Cell]) -> list[int]:
    """Return how many of the first letters may be what is left of an escape in JSON."""
    head = "".join(cell.letters[0] for cell in run[:5])
    lengths = range(1, len(head) + 1)
    return [each for each in lengths if _CODE.fullmatch(head[:each]) or (each == 1 and _ESCAPED.match(head))]


def _chars(probe: TextProbe) -> int:
    """Return how much a probe says, so that the best ones are kept."""
    if isinstance(probe, Phrase):
        return 2 * sum(map(len, probe.tokens))
    return len(probe.pieces[0].letters) if isinstance(probe, Word) else 0
