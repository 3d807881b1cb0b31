"""Documents of many blocks, decoded by several threads, come back in the order of the rows that asked."""

import random
import shutil

import pytest

from btql import Error, connect
from btql.execution import documents, helpers

COUNT = 60
TEXTS = {f"s{number}": f"{number} " + random.Random(number).randbytes(40_000).hex() for number in range(COUNT)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A database of two parts, whose documents are so large that blocks have few, and of a tail."""
    path = tmp_path_factory.mktemp("fetch") / "db"
    with connect(path, background=False) as connection:
        ids = sorted(TEXTS, key=lambda id_: random.Random(id_).random())
        for start in (0, 25, 50):
            rows = [{"id": id_, "input": TEXTS[id_], "metadata": {"n": int(id_[1:])}} for id_ in ids[start:][:25]]
            connection.ingest("project_logs:demo", rows)
            if start < 50:
                connection.compact()
    return path


@pytest.mark.parametrize("order", ["metadata.n", "metadata.n desc", "id", "created desc"])
@pytest.mark.parametrize("cores", [1, 2, 5])
def test_documents_are_those_of_their_rows(folder, order, cores, monkeypatch):
    jobs: list[int] = []

    def run_all(some, check):
        jobs.append(len(some))
        return helpers.run_all(some, check)

    monkeypatch.setattr(documents, "run_all", run_all)
    monkeypatch.setattr(helpers, "CORES", cores)
    helpers._helpers.cache_clear()

    with connect(folder, background=False) as connection:
        rows = connection.query(f"select: id, input | from: project_logs('demo') | sort: {order}").rows()

    assert {row["id"]: row["input"] for row in rows} == TEXTS
    if order != "created desc":
        given = [str(row["id"]) for row in rows]
        place = {id_: id_ if order == "id" else f"{int(id_[1:]):03}" for id_ in TEXTS}
        assert given == sorted(given, key=lambda id_: place[id_], reverse="desc" in order)
    assert max(jobs) > 2
    helpers._helpers.cache_clear()


def test_a_block_that_cannot_be_decoded_fails_the_query(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(helpers, "CORES", 2)
    path = shutil.copytree(folder, tmp_path / "db")
    spoilt = next((path / "parts").glob("*/rows.arrow"))
    content = spoilt.read_bytes()
    middle = len(content) // 2
    spoilt.write_bytes(content[:middle] + bytes(200_000) + content[middle + 200_000 :])

    with connect(path, background=False) as connection, pytest.raises(Error, match=r"rows\.arrow"):
        connection.query("select: id, input | from: project_logs('demo') | sort: id").rows()
