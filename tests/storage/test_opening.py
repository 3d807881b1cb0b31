"""Databases over services: they hold what was written, and services that do not belong together are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from storage_support.reading import documents_of

import btql
from btql_storage.errors import NotADatabase, OtherDatabase, ReadOnly
from btql_storage.store import Storage

ASK = "select: id | from: project_logs('demo') | sort: id asc"


def write(place: str, *ids: str) -> None:
    with btql.connect(place) as conn:
        conn.ingest("project_logs:demo", [{"id": each} for each in ids])


def ids(place: str, *, read_only: bool = False) -> list[str]:
    with btql.connect(place, create=False, read_only=read_only) as conn:
        return [str(row["id"]) for row in conn.query(ASK)]


@pytest.fixture
def bucket(s3, tmp_path: Path) -> str:
    """The address of a new database in a bucket, with a catalog for one machine."""
    address, endpoint = s3
    return f"{address}?catalog=sqlite:{tmp_path}/catalog/a.sqlite&endpoint={endpoint}&cache={tmp_path}/cache"


@pytest.fixture(params=["bucket", "bucket, postgres", "bucket, postgres, redis", "folder, postgres"])
def place(request, tmp_path: Path) -> str:
    """The address of a new database over services of each kind."""
    wanted = request.param.split(", ")
    address = request.getfixturevalue("bucket") if "bucket" in wanted else f"file://{tmp_path}/db?catalog="
    if "postgres" in wanted:
        before, _, after = address.partition("catalog=")
        rest = after.partition("&")[2]
        address = f"{before}catalog={request.getfixturevalue('postgres_url')}&{rest}".rstrip("&")
    if "redis" in wanted:
        address += f"&redis={request.getfixturevalue('redis_url')}"
    return address


def test_what_is_written_is_read(place):
    with pytest.raises(NotADatabase, match=r"there is no database at `.*`; `btql ingest` makes one"):
        btql.connect(place, create=False)
    write(place, "a", "b")
    assert ids(place) == ["a", "b"]
    with btql.connect(place) as conn:
        conn.compact()
    write(place, "c")
    assert ids(place, read_only=True) == ["a", "b", "c"]
    with btql.connect(place, read_only=True) as conn, pytest.raises(ReadOnly):
        conn.ingest("project_logs:demo", [{"id": "d"}])


def test_a_bucket_is_refused_with_any_other_catalog(bucket, tmp_path):
    write(bucket, "a")
    missing = bucket.replace("a.sqlite", "b.sqlite")
    with pytest.raises(OtherDatabase, match=r"there is no catalog at .*b\.sqlite`; give the one that the database was"):
        btql.connect(missing)
    assert not (tmp_path / "catalog/b.sqlite").exists()
    other = missing.replace("?", "/other?")
    write(other, "z")
    with pytest.raises(OtherDatabase, match=r"the catalog `.*b\.sqlite` is the one of another database than that at"):
        btql.connect(missing)
    assert (ids(bucket), ids(other)) == (["a"], ["z"])


def test_two_databases_have_no_catalog_together(bucket):
    btql.connect(bucket).close()
    with pytest.raises(OtherDatabase, match=r"a\.sqlite` is the one of the database at `s3://.*; give each its own"):
        btql.connect(bucket.replace("?", "/other?"))
    with pytest.raises(NotADatabase, match="there is no database at"):
        btql.connect(bucket.replace("?", "/other?"), create=False)


def test_an_empty_catalog_does_not_become_that_of_a_database_that_is_there(bucket, tmp_path):
    write(bucket, "a")
    Storage.open(tmp_path / "folder", create=True).close()
    (tmp_path / "folder/catalog.sqlite").rename(tmp_path / "catalog/b.sqlite")
    import sqlite3

    with sqlite3.connect(tmp_path / "catalog/b.sqlite") as connection:
        connection.execute("delete from settings")
    connection.close()
    with pytest.raises(OtherDatabase, match=r"b\.sqlite` is empty, but there is a database at `s3://"):
        btql.connect(bucket.replace("a.sqlite", "b.sqlite"))


def test_a_folder_with_its_catalog_elsewhere(tmp_path):
    folder, elsewhere = tmp_path / "db", f"file://{tmp_path}/db?catalog=sqlite:{tmp_path}/state/catalog.sqlite"
    with pytest.raises(NotADatabase, match="there is no database at"):
        btql.connect(elsewhere, create=False)
    write(elsewhere, "a")
    assert ids(elsewhere) == ["a"]
    assert json.loads((folder / "btql.json").read_bytes())["catalog"] == "sqlite"
    with pytest.raises(OtherDatabase, match=r"the catalog of `.*db` is in a file elsewhere; give its path"):
        btql.connect(folder)
    assert not (folder / "catalog.sqlite").exists()


def test_a_folder_by_itself_is_refused_with_a_catalog_elsewhere(tmp_path):
    write(str(tmp_path / "db"), "a")

    with pytest.raises(OtherDatabase, match=r"is in the folder itself; give the path of the folder, without a catalog"):
        btql.connect(f"file://{tmp_path}/db?catalog=sqlite:{tmp_path}/state/catalog.sqlite")
    assert not (tmp_path / "state").exists()


def test_two_databases_in_one_folder(tmp_path):
    write(str(tmp_path / "a"), "a")
    write(str(tmp_path / "b"), "b")
    for each in (tmp_path / "a").glob("catalog.sqlite*"):
        each.unlink()
    (tmp_path / "b/catalog.sqlite").rename(tmp_path / "a/catalog.sqlite")

    for read_only in (False, True):
        with pytest.raises(
            OtherDatabase, match=r"the catalog `.*a/catalog.sqlite` is the one of another database than"
        ):
            btql.connect(tmp_path / "a", read_only=read_only)


def test_whoever_numbers_transactions_stays_the_one(s3, postgres_url, redis_url, tmp_path):
    address, endpoint = s3
    without = f"{address}?catalog={postgres_url}&endpoint={endpoint}&cache={tmp_path}/cache"
    write(f"{without}&redis={redis_url}", "a")
    for read_only in (False, True):
        with pytest.raises(OtherDatabase, match=r"are numbered by Redis; give its address, redis=redis://host"):
            btql.connect(without, read_only=read_only)
    with pytest.raises(OtherDatabase, match=r"is in PostgreSQL; give its address"):
        btql.connect(f"{address}?catalog=sqlite:{tmp_path}/b.sqlite&endpoint={endpoint}&cache={tmp_path}/cache")


def test_whoever_reads_needs_nobody_who_numbers_transactions(s3, postgres_url, redis_url, tmp_path):
    address, endpoint = s3
    place = f"{address}?catalog={postgres_url}&endpoint={endpoint}&cache={tmp_path}/cache&redis="
    write(place + redis_url, "a")

    assert ids(f"{place}redis://127.0.0.1:1") == ["a"]


def test_a_folder_that_was_made_anew_while_it_was_open(tmp_path):
    place = tmp_path / "db"
    with Storage.open(place, create=True) as before:
        one = before.create_object("project_logs", "one")
        before.ingest(one, [{"id": "a"}])
        place.rename(tmp_path / "moved")
        with pytest.raises(OtherDatabase, match=r"catalog\.sqlite` was moved or replaced while it was open"):
            documents_of(before, one)

        with Storage.open(place, create=True) as after:
            two = after.create_object("project_logs", "two")
            for call in (lambda: before.ingest(one, [{"id": "b"}]), before.compact, lambda: documents_of(before, one)):
                with pytest.raises(OtherDatabase, match="open the database again"):
                    call()
            assert documents_of(after, two) == {}

    with Storage.open(tmp_path / "moved") as moved:
        assert set(documents_of(moved, one)) == {"a"}


def test_a_folder_of_before_there_were_ids(tmp_path):
    write(str(tmp_path / "db"), "a")
    (tmp_path / "db/btql.json").write_text('{"format": 1}\n')

    assert ids(str(tmp_path / "db")) == ["a"]


def test_a_name_of_the_configuration_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("btql.toml").write_text('[databases.prod]\nfiles = "data"\n')

    write("prod", "a")

    assert (tmp_path / "data/btql.json").exists()
    assert ids(str(tmp_path / "data")) == ["a"]
    monkeypatch.setenv("BTQL_DATABASE", "prod")
    with btql.connect() as conn:
        assert conn.objects() == ["project_logs:demo"]


def test_a_program_may_change_its_folder_while_a_database_is_open(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with btql.connect("db", background=False) as conn:
        conn.ingest("project_logs:x", [{"id": "a"}])
        monkeypatch.chdir(tmp_path / "elsewhere")
        conn.ingest("project_logs:x", [{"id": "b", "input": "words"}])
        conn.compact()
        conn.ingest("project_logs:x", [{"id": "c"}])

        assert conn.query("measures: count(1) as n | from: project_logs('x')").rows() == [{"n": 3}]
        found = conn.query("select: id | from: project_logs('x') | filter: input MATCH 'words'").rows()
        assert found == [{"id": "b"}]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_was_moved_is_told_whatever_is_done(tmp_path: Path):
    path, elsewhere = tmp_path / "db", tmp_path / "elsewhere"
    write(str(path), "a")
    with Storage.open(path) as storage, Storage.open(path) as fresh:
        target = storage.retention.find("project_logs", "demo")
        path.rename(elsewhere)
        for attempt in (
            storage.compact,
            lambda: storage.retention.purge(target, []),
            lambda: storage.retention.set_policy("project_logs:demo", None),
            lambda: fresh.retention.set_policy("project_logs:demo", None),
            lambda: storage.ingest(target, [{"id": "b"}]),
        ):
            with pytest.raises(OtherDatabase, match=r"was moved or .* while it was open; open the database again"):
                attempt()
        assert not path.exists()
    assert ids(str(elsewhere)) == ["a"]
