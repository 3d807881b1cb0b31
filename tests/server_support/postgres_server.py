"""A real PostgreSQL, started for tests and thrown away; benchmarks keep its folder."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_INSTALLED = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
PROGRAMS = Path(os.environ.get("BTQL_POSTGRES") or (_INSTALLED[-1] if _INSTALLED else "/usr/lib/postgresql/15/bin"))
_SETTINGS = (
    "-c fsync=off -c shared_buffers=512MB -c max_parallel_workers_per_gather=0 -c listen_addresses=127.0.0.1"
    # While the server looks after a table by itself, no table can be rid of rows that were removed meanwhile.
    " -c autovacuum=off"
)


@contextmanager
def postgres(kept: Path | None = None, settings: str = _SETTINGS) -> Generator[tuple[str, int]]:
    """Run PostgreSQL on a free port, without passwords; yield its address.

    ``kept`` is a folder for what it stores, which stays and is used again.
    """
    if not (PROGRAMS / "initdb").exists():
        pytest.skip(f"there is no PostgreSQL in {PROGRAMS}; BTQL_POSTGRES names another folder")
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    place = kept or folder
    place.mkdir(parents=True, exist_ok=True)
    # PostgreSQL refuses to run as root.
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_user:
        for each in {folder, place}:
            shutil.chown(each, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = place / "data"
    made = [*as_user, PROGRAMS / "initdb", "-D", data, "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
    if not data.exists():
        subprocess.run(made, check=True, capture_output=True)
    control = [*as_user, PROGRAMS / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    if (data / "postmaster.pid").exists():
        # Of a run that was killed, over the same folder.
        subprocess.run([*control, "-m", "fast", "stop"], capture_output=True)
    options = f"-k {folder} -p {port} {settings}"
    subprocess.run([*control, "-o", options, "start"], check=True, capture_output=True)
    try:
        yield "127.0.0.1", port
    finally:
        way = "immediate" if kept is None else "fast"
        subprocess.run([*control, "-m", way, "stop"], check=True, capture_output=True)
        with suppress(OSError):
            shutil.rmtree(folder)
