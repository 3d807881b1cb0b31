"""The folder in which the processes of a server count: it goes with its server, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from btql_server.operating.shared_counts import FOLDER, counts_folder

HOLDER = f"""
import time
from btql_server.operating.shared_counts import counts_folder
with counts_folder() as environment:
    print(environment["{FOLDER}"], flush=True)
    time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def grown_old(folder: Path) -> Path:
    os.utime(folder, (0, 0))
    return folder


def test_it_goes_at_the_end(place: Path) -> None:
    with counts_folder() as environment:
        folder = Path(environment[FOLDER])
        assert folder.parent == place
        (folder / "counter_1.db").touch()
    assert not folder.exists()


def test_what_a_killed_server_left_is_removed_by_the_next(place: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        folder = Path(holder.stdout.readline().strip())
        (folder / "counter_1.db").touch()
        grown_old(folder)
        with counts_folder():
            assert folder.exists(), "its server is there"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    grown_old(folder)
    with counts_folder() as environment:
        assert list(place.iterdir()) == [Path(environment[FOLDER])]


def test_what_was_just_made_and_what_is_not_ours_stays(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").touch()
    young = place / "btql-counts-young"
    young.mkdir()
    other = place / "btql-other"
    other.mkdir()
    grown_old(other)
    link = place / "btql-counts-link"
    link.symlink_to(elsewhere)
    os.utime(link, (0, 0), follow_symlinks=False)
    with counts_folder():
        assert young.exists()
        assert other.exists()
        assert (elsewhere / "kept").exists()
