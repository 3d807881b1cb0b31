"""docs/python-db-api.md (with a folder and a server of one database), python.md and data.md print what they say."""

from guides.running import Python, run_guide

from btql_server.running import running
from btql_server.settings import Settings


def test_the_guide(tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    with running(Settings(tmp_path / "traces", ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        run_guide(
            "../python-db-api.md",
            {"python": Python()},
            replace={"http://127.0.0.1:8000": url},
            update=request.config.getoption("--update"),
        )


def test_the_data_model(tmp_path, monkeypatch, update):
    monkeypatch.chdir(tmp_path)
    run_guide("../data.md", {"python": Python()}, update=update)


def test_python(tmp_path, monkeypatch, update):
    monkeypatch.chdir(tmp_path)
    run_guide("../python.md", {"python": Python()}, update=update)
