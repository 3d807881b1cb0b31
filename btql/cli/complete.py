"""Completion in the shell: clauses and keywords, functions, and the fields of the object in ``from``.

What is there is asked of a :class:`Vocabulary`, at most once per object and
prompt, and completion never fails: an object that does not exist has no fields.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from prompt_toolkit.completion import Completer, Completion

from btql.cli.words import CLAUSES, OBJECT_KINDS, OPERATORS, SHAPES, SQL_KEYWORDS, SQL_STARTS, spelled
from btql_grammar.detect import detect

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document

_WORD = re.compile(r"\\?[\w.\"\[\]-]*$")
_OBJECT = re.compile(r"(\w+)\s*\(\s*(['\"])(.+?)\2")
_IN_OBJECT = re.compile(rf"\b({'|'.join(OBJECT_KINDS)})\s*\(\s*(['\"])([^'\"]*)$", re.IGNORECASE)
_SOURCE_ENDED = re.compile(r"\)\s+\w*$")
_SOURCE_NEXT = re.compile(r"\bfrom\s*:?\s+\w*$", re.IGNORECASE)

META_COMMANDS = ("\\d", "\\help", "\\q", "\\timing")


class Vocabulary(Protocol):
    """What can be completed in one database."""

    def objects(self) -> Sequence[str]:
        """Return the objects as ``kind:name``."""
        ...

    def paths(self, name: str) -> Sequence[tuple[str, ...]]:
        """Return the field paths of the object ``kind:name``."""
        ...

    def functions(self) -> Sequence[str]:
        """Return the names of all functions."""
        ...


def _unquoted(text: str) -> str:
    """Return a word for comparison: few begin a quote before they know that they need one."""
    return text.replace('"', "").lower()


class BtqlCompleter(Completer):
    """Completes the word before the cursor."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._paths: dict[str, list[str]] = {}

    def forget(self) -> None:
        """Ask again for the fields: the data may have changed since."""
        self._paths.clear()

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:  # noqa: ARG002
        """Yield what may stand at the cursor."""
        before = document.text_before_cursor
        inside = _IN_OBJECT.search(before)
        if inside is not None:
            yield from self._names(inside[1].lower(), inside[3])
            return
        match = _WORD.search(before)
        word = match[0] if match else ""
        start = _unquoted(word)
        for text, kind in self._candidates(before, word, document.text):
            if _unquoted(text).startswith(start) and text != word:
                yield Completion(text, -len(word), display_meta=kind)

    def _names(self, kind: str, start: str) -> Iterator[Completion]:
        for name in self._vocabulary.objects():
            object_kind, _, object_name = name.partition(":")
            if object_kind == kind and object_name.startswith(start):
                yield Completion(object_name, -len(start), display_meta="object")

    def _candidates(self, before: str, word: str, text: str) -> Iterator[tuple[str, str]]:
        if word.startswith("\\"):
            yield from ((command, "command") for command in META_COMMANDS)
            return
        if not before.strip() or before.strip() == word:
            yield from ((start, "SQL") for start in SQL_STARTS)
            yield from ((f"{clause}:", "clause") for clause in CLAUSES)
            return
        if _SOURCE_NEXT.search(before):
            yield from ((kind, "object") for kind in OBJECT_KINDS)
            return
        if _SOURCE_ENDED.search(before):
            yield from ((shape, "shape") for shape in SHAPES)
        yield from ((path, "field") for path in self._fields(text))
        if not word:
            return
        if detect(text) == "sql":
            yield from ((keyword, "SQL") for keyword in SQL_KEYWORDS)
        else:
            yield from ((f"{clause}:", "clause") for clause in CLAUSES)
        yield from ((function, "function") for function in self._vocabulary.functions())
        yield from ((operator, "operator") for operator in OPERATORS)

    def _fields(self, text: str) -> list[str]:
        match = _OBJECT.search(text)
        if match is not None:
            name = f"{match[1].lower()}:{match[3]}"
        else:
            objects = self._vocabulary.objects()
            name = objects[0] if len(objects) == 1 else ""
        if name not in self._paths:
            self._paths[name] = sorted(spelled(path) for path in self._vocabulary.paths(name)) if name else []
        return self._paths[name]
