"""What is wrong with one file stops what needs it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

from btql_storage.errors import BadFile


@contextmanager
def others_first() -> Generator[Callable[[], AbstractContextManager[None]]]:
    """Yield what to do each thing in: an error of a file ends that thing alone, and the first is raised at the end."""
    first: BadFile | None = None

    @contextmanager
    def apart() -> Generator[None]:
        nonlocal first
        try:
            yield
        except BadFile as error:
            first = first or error

    yield apart
    if first is not None:
        raise first
