"""``btql fmt``: files in place, standard input to standard output."""

import io
import resource
import signal
from pathlib import Path

WILD = "select: a | FILTER: b  -- why\n"
NEAT = "select: a\nfilter: b  -- why\n"


def test_files_are_formatted_in_place(btql):
    Path("a.btql").write_text(WILD)
    Path("b.sql").write_text("SELECT 1\n")

    code, out, err = btql("fmt", "a.btql", "b.sql")

    assert (code, out, err) == (0, "", "formatted a.btql\n")
    assert Path("a.btql").read_text() == NEAT
    assert btql("fmt", "--check", "a.btql", "b.sql") == (0, "", "")


def test_check_changes_nothing(btql):
    Path("a.btql").write_text(WILD)

    code, _, err = btql("fmt", "--check", "a.btql")

    assert code == 1
    assert "not in order: a.btql" in err
    assert Path("a.btql").read_text() == WILD


def test_standard_input(btql, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(WILD.encode())))

    assert btql("fmt", "-") == (0, NEAT, "")
    assert btql("fmt", "-", "a.btql")[0] == 2


def test_mistakes_are_drawn_with_the_file(btql):
    Path("a.btql").write_text("select: a ==")
    Path("b.btql").write_bytes(b"\xff")

    code, _, err = btql("fmt", "a.btql")
    assert code == 1
    assert "--> a.btql:1:11" in err
    assert "not UTF-8" in btql("fmt", "b.btql")[2]
    assert "nowhere.btql" in btql("fmt", "nowhere.btql")[2]


def test_a_file_that_cannot_be_written_stays_as_it_was(btql):
    """Written in place, it would be empty where the disk is full; and its mode is not that of a new one."""
    Path("a.btql").write_text(WILD)
    Path("a.btql").chmod(0o750)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    try:
        code, _, _ = btql("fmt", "a.btql")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert code == 1
    assert Path("a.btql").read_text() == WILD

    assert btql("fmt", "a.btql")[0] == 0
    assert Path("a.btql").read_text() == NEAT
    assert Path("a.btql").stat().st_mode & 0o777 == 0o750
    assert [each.name for each in Path().iterdir()] == ["a.btql"]
