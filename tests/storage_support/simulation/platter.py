"""What a disk holds for certain, and what a power failure may take back.

Names that were made, changed or removed are certain once their folder was synced, the content of a file once it was.
:meth:`Platter.lose` undoes any of the rest. SQLite looks after its own files, and is trusted.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random


class Platter:
    """The disk under the folder of a database, shared by all processes."""

    def __init__(self, root: Path) -> None:
        self._graveyard = root.with_name(f"{root.name}-graveyard")
        self._unsure: defaultdict[Path, list[Callable[[], None]]] = defaultdict(list)
        """By folder, how to undo what was done in it since it was synced."""
        self._unsynced: set[Path] = set()
        self._removed = 0

    def begins(self, action: str, path: Path) -> None:
        """Note a call that is about to be made."""
        match action:
            case "create" | "write counter":
                self._unsynced.add(path)
            case "link":
                self._unsure[path.parent].append(lambda: path.unlink(missing_ok=True))
            case "rename":
                self._unsure[path.parent].append(lambda: _undo_rename(path))
            case "remove" if path.exists():
                self._removed += 1
                kept = self._graveyard / str(self._removed)
                self._graveyard.mkdir(exist_ok=True)
                if path.is_dir():
                    shutil.copytree(path, kept, copy_function=os.link)
                else:
                    os.link(path, kept)
                self._unsure[path.parent].append(lambda: _undo_remove(kept, path))
            case _:
                pass

    def wrote(self, path: Path) -> None:
        """Note that the content of a file is certain."""
        self._unsynced.discard(path)

    def synced(self, folder: Path) -> None:
        """Note that the names in a folder are certain."""
        self._unsure.pop(folder, None)

    def lose(self, dice: Random) -> int:
        """Undo what is not certain, or some of it; return how much."""
        lost = 0
        for path in sorted(self._unsynced):
            if path.exists() and dice.random() < 0.7:
                os.truncate(path, dice.randrange(path.stat().st_size + 1))
                lost += 1
        for folder in sorted(self._unsure):
            # The last is undone first: a file that was made and removed is neither.
            for undo in reversed(self._unsure[folder]):
                if dice.random() < 0.5:
                    undo()
                    lost += 1
        self._unsure.clear()
        self._unsynced = {path for path in self._unsynced if path.name == "last_xact"}
        return lost


def _undo_rename(path: Path) -> None:
    with suppress(OSError):
        path.rename(path.with_name(f".new-{path.name}"))


def _undo_remove(kept: Path, path: Path) -> None:
    if not path.exists():
        with suppress(OSError):
            kept.rename(path)
