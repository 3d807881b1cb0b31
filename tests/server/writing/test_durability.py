"""What was answered with success is there, whatever happens to the server right afterwards."""

import json
import signal
import threading

import httpx
import pytest
from server_support.serving import btql_serve

import btql


def stored_ids(data, project) -> set[str]:
    with btql.connect(data) as connection:
        return {str(row["id"]) for row in connection.query(f"select: id | from: project_logs('{project}')")}


def test_every_answered_row_survives_a_kill(tmp_path):
    """Several clients write until the server is killed; started again, it has all that it acknowledged."""
    answered: list[str] = []
    with btql_serve(tmp_path / "db", "--insecure-no-auth", "--workers", "2") as server:
        project = httpx.post(f"{server.url}/v1/project", json={"name": "p"}).json()["id"]

        def write(writer: int) -> None:
            with httpx.Client(base_url=server.url, timeout=30) as client:
                for number in range(10_000):
                    ids = [f"{writer}-{number}-{index}" for index in range(3)]
                    rows = [{"project_id": project, "log_id": "g", "id": one, "input": number} for one in ids]
                    try:
                        answer = client.post("/logs3", content=json.dumps({"rows": rows}))
                    except httpx.TransportError:
                        return
                    if answer.status_code == 200:
                        answered.extend(ids)

        for _ in range(2):
            before = len(answered)
            writers = [threading.Thread(target=write, args=(len(answered) + writer,)) for writer in range(3)]
            for writer in writers:
                writer.start()
            while len(answered) < before + 60 and any(writer.is_alive() for writer in writers):
                threading.Event().wait(0.01)
            server.stop(signal.SIGKILL)
            for writer in writers:
                writer.join()
            server.start()
            found = httpx.post(
                f"{server.url}/btql", json={"query": f"select: id | from: project_logs('{project}') | limit: 100000"}
            )
            assert found.status_code == 200, found.text
            assert set(answered) <= {row["id"] for row in found.json()["data"]}
    assert set(answered) <= stored_ids(tmp_path / "db", project)
    assert len(answered) == len(set(answered))


def test_an_answered_attachment_survives_a_kill(tmp_path):
    content = b"x" * 3_000_000
    with btql_serve(tmp_path / "db", "--insecure-no-auth") as server:
        put = httpx.post(f"{server.url}/attachment", json={"key": "k", "content_type": "image/png"}).json()["signedUrl"]
        assert httpx.put(put, content=content).status_code == 200
        server.stop(signal.SIGKILL)
        server.start()
        found = httpx.get(f"{server.url}/attachment", params={"key": "k"}).json()
        assert found["status"] == {"upload_status": "done"}
        answer = httpx.get(found["downloadUrl"])
        assert answer.content == content
        assert answer.headers["content-type"] == "image/png"


def test_an_upload_that_is_cut_short_leaves_nothing(tmp_path):
    with btql_serve(tmp_path / "db", "--insecure-no-auth") as server:
        put = httpx.post(f"{server.url}/attachment", json={"key": "k"}).json()["signedUrl"]

        def half():
            yield b"x" * 1_000_000
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            httpx.put(put, content=half(), headers={"content-length": "2000000"})
        found = httpx.get(f"{server.url}/attachment", params={"key": "k"}).json()
        assert found["status"] == {"upload_status": "uploading"}
        assert httpx.get(found["downloadUrl"]).status_code == 404
