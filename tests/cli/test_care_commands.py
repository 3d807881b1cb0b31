"""``btql check``, ``repair``, ``backup`` and ``restore``, as they are typed."""

from __future__ import annotations

import json
from errno import ENOSPC, EROFS
from os import strerror
from pathlib import Path

import pytest

import btql as library
from btql_storage.stores.local import LocalStore


def make(path: Path) -> None:
    with library.connect(path, background=False) as connection:
        connection.ingest("project_logs:x", [{"id": f"r{number}", "input": f"text {number}"} for number in range(50)])
        connection.compact()
        connection.ingest("project_logs:x", [{"id": "waits"}])


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)


def count(path: Path) -> int:
    with library.connect(path, background=False) as connection:
        return len(list(connection.query("select: id | from: project_logs('x') | limit: 100")))


def test_from_a_backup_to_damage_and_back(btql, tmp_path: Path):
    make(tmp_path / "db")
    code, out, err = btql("check", "db")
    assert (code, out) == (0, "")
    assert err.startswith("looked at 1 object, 1 part and 2 log files (")
    assert err.endswith("): all is sound\n")
    code, out, err = btql("backup", "db", "backups", "--keep", "3")
    assert (code, out) == (0, "")
    assert "1 part and 1 log file" in err

    spoil(tmp_path / "db" / "parts" / "1" / "rows.arrow")
    code, out, err = btql("check", "db")
    assert code == 1
    assert out == "damaged: `parts/1/rows.arrow` (of `project_logs:x`): its checksum does not hold\n"
    assert "1 thing not as it should be; `btql repair`" in err
    code, out, _ = btql("check", "db", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [(one["kind"], one["subject"]) for one in found] == [
        ("quarantined", "parts/1"),
        ("damaged", "parts/1/rows.arrow"),
    ]
    assert all(one["object"] == "project_logs:x" and one["serious"] for one in found)
    code, _, err = btql("query", "db", "select: id | from: project_logs('x')")
    assert code == 1
    assert "error[S0115]" in err

    code, out, err = btql("repair", "db")
    assert code == 1
    assert "left: damaged: `parts/1/rows.arrow`" in out
    assert "--from BACKUP" in err
    code, out, err = btql("repair", "db", "--from", "backups")
    assert (code, err) == (0, "all is sound\n")
    assert "`parts/1` was brought back" in out
    assert count(tmp_path / "db") == 51

    code, out, _ = btql("restore", "backups", "--list")
    assert code == 0
    assert "1 part" in out
    code, _, err = btql("restore", "backups", "copy")
    assert code == 0
    assert "1 part, 1 log file and 0 other files" in err
    assert count(tmp_path / "copy") == 51


def test_a_lost_catalog(btql, tmp_path: Path):
    make(tmp_path / "db")
    for file in (tmp_path / "db").glob("catalog.sqlite*"):
        file.unlink()
    code, out, _ = btql("check", "db")
    assert code == 1
    assert "catalog" in out
    code, out, err = btql("repair", "db")
    assert (code, err) == (0, "all is sound\n")
    assert "1 objects, 1 parts, 0 events that wait" in out
    assert count(tmp_path / "db") == 51
    assert btql("repair", "db")[2] == "nothing was to be done: all is sound\n"


def test_services_that_cannot_be_reached_are_counted(btql):
    code, out, err = btql("check", "file:///tmp/nowhere?catalog=postgresql://u@127.0.0.1:1/db", "--services")

    assert code == 1
    assert out.count("FAILED") == 1
    assert err == f"1 of {out.count('  ok') + 1} things tried failed\n"


@pytest.mark.parametrize(("error", "code"), [(EROFS, "S0103"), (ENOSPC, "S0105")])
@pytest.mark.parametrize("is_open", [False, True])
def test_a_disk_that_cannot_be_written_to(
    btql, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, code: str, is_open: bool
):
    make(tmp_path / "db")
    assert btql("retention", "set", "db", "project_logs:x", "--age", "30d")[0] == 0
    harmless = ("open", "list", "read", "make") if is_open else ("open", "list", "read")

    def step(_: LocalStore, action: str, path: Path) -> None:
        # What several share of the catalog is made by whoever opens it first.
        if path.absolute().is_relative_to(tmp_path / "db") and action not in harmless:
            raise OSError(error, strerror(error), str(path))

    monkeypatch.setattr(LocalStore, "step", step)
    for words in (
        ["retention", "show", "db"],
        ["retention", "status", "db"],
        ["backup", "db", "backups"],
        ["check", "db"],
    ):
        status, _, err = btql(*words)
        assert status == 0, err
    status, _, err = btql("retention", "clear", "db", "project_logs:x")
    assert status == 1
    assert f"error[{code}]" in err
    if error == ENOSPC:
        status, out, err = btql("query", "db", "measures: count(1) | from: project_logs('x')", "--format", "json")
        assert (status, "51" in out) == (0, True)
        assert is_open or err.endswith("no space left on device: the database is open to read only\n")
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert btql("restore", "backups", "copy")[0] == 0
    assert count(tmp_path / "copy") == count(tmp_path / "db")
