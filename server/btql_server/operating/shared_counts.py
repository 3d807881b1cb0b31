"""The folder in which the processes of one server count together; made by their parent, gone with it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names it; `prometheus_client` looks at it when it is imported."""


@contextmanager
def counts_folder() -> Generator[dict[str, str]]:
    """Make a folder, and yield the environment by which child processes find it."""
    with TemporaryDirectory(prefix="btql-counts-", ignore_cleanup_errors=True) as folder:
        yield {FOLDER: folder}


def forget(environment: dict[str, str], process_id: int) -> None:
    """Leave out what a process that died was doing; what it has done stays counted."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(process_id, environment[FOLDER])  # type: ignore[no-untyped-call]  # it has no types
