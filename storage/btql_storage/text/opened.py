"""Open text indexes: what Tantivy gives to search in one, and those that stay open."""

from __future__ import annotations

import errno
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import tantivy

from btql_storage.errors import BadFile, Damaged, from_os_error
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.text.lexicon import Lexicon
from btql_storage.text.os_errors import os_error
from btql_storage.text.query import ADDED

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN_MAX = 128
"""Indexes that stay open: opening takes 0.3 ms, and each has threads of Tantivy's, which take 0.02 % of a core."""
_META = "meta.json"
_POSITIONS = re.compile(rb'"record"\s*:\s*"position"')
"""How Tantivy writes down that a field has positions."""
_DELTAS = f'"{ADDED}"'.encode()
_WAY_OUT = "`btql repair` makes it again from the documents"


@dataclass(frozen=True, slots=True)
class Opened:
    """A searcher, and what was read from its dictionary."""

    searcher: tantivy.Searcher
    has_positions: bool
    has_deltas: bool
    """Whether rows go on from others, and have here what they add."""
    lexicons: dict[str, Lexicon] = field(default_factory=dict[str, Lexicon])

    def lexicon(self, name: str) -> Lexicon:
        """Return the terms of a field."""
        found = self.lexicons.get(name)
        if found is None:
            found = self.lexicons[name] = Lexicon(self.searcher, name)
        return found

    def fields(self, name: str) -> tuple[str, ...]:
        """Return the fields that have texts of a field: its own, and the one for what rows add to others."""
        return (name, ADDED) if name == DELTA_FIELD and self.has_deltas else (name,)


class Openable(Protocol):
    """An index that may stay open."""

    def open(self) -> Opened:
        """Open it."""
        ...


_lock = Lock()
_open_indexes: OrderedDict[Openable, Opened] = OrderedDict()


def opened(index: Openable) -> Opened:
    """Return an index opened; it stays so while it is among the last used."""
    with _lock:
        found = _open_indexes.get(index) or index.open()
        _open_indexes[index] = found
        _open_indexes.move_to_end(index)
        if len(_open_indexes) > OPEN_MAX:
            _open_indexes.popitem(last=False)
        return found


def let_go(index: Openable) -> None:
    """Close an index, if it is open."""
    with _lock:
        _open_indexes.pop(index, None)


def open_index(folder: Path, has_deltas: Callable[[], bool]) -> Opened:
    """Open an index anew; ``has_deltas`` tells whether rows of its part go on from others, and is asked if they may."""
    try:
        searcher, meta = _searcher(folder), (folder / _META).read_bytes()
    except ValueError as error:
        told = from_os_error(os_error(error), "read", folder)
        if not isinstance(told, BadFile):
            # As many files are open as may be.
            raise told from error
        raise Damaged(f"cannot open the text index `{folder}`: {error}", _WAY_OUT) from error
    except OSError as error:
        raise from_os_error(error, "read", folder) from error
    return Opened(searcher, bool(_POSITIONS.search(meta)), _DELTAS in meta and has_deltas())


def _searcher(folder: Path) -> tantivy.Searcher:
    try:
        return tantivy.Index.open(str(folder)).searcher()
    except ValueError as error:
        if os_error(error).errno not in {errno.EACCES, errno.EROFS}:
            raise
    from tempfile import TemporaryDirectory

    # Tantivy insists on a lock file, even to read what never changes. Where the
    # folder cannot be written, one of links can. All files are open after this.
    with TemporaryDirectory(prefix="btql-text-") as links:
        for path in folder.iterdir():
            if path.suffix != ".lock":
                Path(links, path.name).symlink_to(path.absolute())
        return tantivy.Index.open(links).searcher()
