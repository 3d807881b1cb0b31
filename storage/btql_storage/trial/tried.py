"""What was tried at a service, and how it went."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from btql_storage.errors import AccessDenied, StorageError, reason_of

PATIENCE_S = 5.0
"""How long a service is waited for."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One thing that was tried at a service."""

    service: str
    """``files``, ``cache``, ``catalog`` or ``redis``."""
    place: str
    """Where it is, without passwords."""
    what: str
    problem: str | None
    """Why it did not work; None where it did."""
    remark: str
    seconds: float


class Service:
    """What is tried at one service, one after the other; what follows on a failure is left out."""

    def __init__(self, name: str, place: str) -> None:
        self.name = name
        self.place = place
        self.tried: list[Tried] = []

    def works(self) -> bool:
        """Whether nothing has failed so far."""
        return all(one.problem is None for one in self.tried)

    def attempt(self, what: str, call: Callable[[], str | None]) -> None:
        """Try something, which may return a remark, unless something failed before."""
        if not self.works():
            return
        began = perf_counter()
        problem, remark = None, None
        try:
            remark = call()
        except StorageError as error:
            problem = str(error)
        except OSError as error:
            problem = f"{error.filename or self.place}: {reason_of(error)}"
        self.tried.append(Tried(self.name, self.place, what, problem, remark or "", perf_counter() - began))


def may_make(folder: Path) -> str:
    """Check that a folder can be made, or that files can be made in it, without doing so."""
    above = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not os.access(above, os.W_OK):
        raise AccessDenied(f"cannot write `{above}`", "check owner and permissions of the folder")
    return "it can be made"


def gib(size: int) -> str:
    """Return a number of bytes for people."""
    return f"{size / (1 << 30):,.1f} GiB"
