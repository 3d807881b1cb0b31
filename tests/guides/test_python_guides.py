"""The guides for those who work in Python: every block is run, and prints what the guide says."""

from pathlib import Path

import pytest
from guides.running import IPython, Python, Shell, run_guide

import btql
from btql_server.running import running
from btql_server.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to run a guide in, as if it were a checkout of the project."""
    (tmp_path / "docs").symlink_to(DOCS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_sqlalchemy(folder, update):
    with running(Settings(folder / "traces", ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        server = {"127.0.0.1:8000": url.removeprefix("http://")}
        run_guide("sqlalchemy.md", {"sh": Shell(folder), "python": Python()}, replace=server, update=update)


def test_notebooks(folder, update):
    shell = IPython()
    run_guide("notebook.md", {"sh": Shell(folder), "ipython": shell}, update=update)
    shell("%unload_ext btql")


def test_logs_of_your_own(folder, update):
    run_guide("own-logs.md", {"sh": Shell(folder), "python": Python()}, update=update)


def test_comparing_experiments(folder, update):
    run_guide("experiments.md", {"sh": Shell(folder), "python": Python()}, update=update)


def test_duckdb(folder, update):
    python = Python()
    run_guide("duckdb.md", {"sh": Shell(folder), "python": python}, update=update)
    connection = python.names["connection"]
    assert isinstance(connection, btql.Connection)
    connection.close()
