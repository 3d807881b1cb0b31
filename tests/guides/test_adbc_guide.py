"""The guide for ADBC: every block is run, and prints what the guide says."""

from __future__ import annotations

from pathlib import Path

from guides.running import Python, Shell, run_guide

from btql_server.running import running_doors
from btql_server.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_adbc(tmp_path, monkeypatch, update):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(DOCS)
    settings = Settings(tmp_path / "traces", ("127.0.0.1", 0), flight=("127.0.0.1", 0), insecure_no_auth=True)
    with running_doors(settings) as addresses:
        server = {"127.0.0.1:31337": addresses["flight"].removeprefix("grpc://")}
        run_guide("adbc.md", {"sh": Shell(tmp_path), "python": Python()}, replace=server, update=update)
