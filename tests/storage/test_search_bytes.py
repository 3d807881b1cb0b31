"""Looking for bytes: what is planted is found in every kind of file, however it is compressed."""

from __future__ import annotations

from pathlib import Path

import pytest

from btql_storage.folder import Settings
from btql_storage.retention.search import Search
from btql_storage.store import Storage

AT_ONCE = Settings(grace_s=0)
SECRETS = ["plainneedle7391", 'with "quotes" 7392', "Käferweg 🐞 7393"]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_planted_text_is_found_in_every_kind_of_file(quick_path: Path, secret: str):
    search = Search([secret, "not there at all"])
    with Storage.open(quick_path, create=True, settings=AT_ONCE) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, [{"id": str(n), "input": secret, "metadata": {"about": secret}} for n in range(50)])
        in_wal = search.tree(quick_path)
        storage.compact()
        storage.ingest(target, [{"id": "another"}])
        storage.compact()
        in_parts = search.tree(quick_path)

    assert {Path(one.path).parent.name for one in in_wal} == {"wal"}
    assert {one.needle for one in (*in_wal, *in_parts)} == {secret}
    names = {Path(one.path).relative_to(quick_path).as_posix() for one in in_parts}

    assert {"parts/1/rows.arrow", "parts/1/columns.parquet", "parts/1/text/meta.json", "catalog.sqlite"} <= names
    assert not any(name.startswith(("wal/", "parts/2/", "locks/")) for name in names)


def test_a_text_is_found_in_what_sqlite_no_longer_uses(quick_path: Path):
    import sqlite3

    path = quick_path / "some.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("pragma secure_delete = off; create table t (x text); insert into t values ('7391needle')")
    connection.execute("delete from t")
    connection.commit()
    connection.close()

    assert [Path(one.path).name for one in Search(["7391needle"]).tree(quick_path)] == ["some.sqlite"]
