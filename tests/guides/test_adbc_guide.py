"""The guide for ADBC: every block is run, and prints what the guide says."""

from __future__ import annotations

from guides.running import Python, Shell, run_guide

import btql
from btql_server.serve import running_doors
from btql_server.settings import Settings

ROWS = [
    {
        "id": f"r{n}",
        "created": f"2026-11-01T0{n}:00:00Z",
        "metadata": {"model": "claude-opus-4-1" if n % 3 == 1 else "gpt-5"},
        "metrics": {"tokens": 100 * (n + 1)},
    }
    for n in range(6)
]


def test_adbc(tmp_path, monkeypatch, update):
    monkeypatch.chdir(tmp_path)
    with btql.connect(tmp_path / "traces") as connection:
        connection.ingest("project_logs:support", ROWS)
    settings = Settings(tmp_path / "traces", ("127.0.0.1", 0), flight=("127.0.0.1", 0), insecure_no_auth=True)
    with running_doors(settings) as addresses:
        server = {"127.0.0.1:31337": addresses["flight"].removeprefix("grpc://")}
        run_guide("adbc.md", {"sh": Shell(tmp_path), "python": Python()}, replace=server, update=update)
