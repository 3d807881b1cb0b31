"""Addresses, names and configuration files of databases, and what is wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from btql_storage.errors import BadLocation
from btql_storage.opening.location import CACHE_BYTES, Location, locate

POSTGRES = "postgresql://btql:secret@db/btql"


def test_limits_of_the_file_hold_for_whatever_is_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "btql.toml").write_text("[limits]\na = 1\nb = 1\n[databases.prod]\nfiles = 'x'\nlimits = { b = 2 }\n")

    assert locate("./folder", {}).limits == locate(tmp_path / "folder", {}).limits == {"a": 1, "b": 1}
    assert locate(f"s3://b/p?catalog={POSTGRES}", {}).limits == {"a": 1, "b": 1}
    assert locate("prod", {}).limits == {"a": 1, "b": 2}
    assert locate("./folder", {"BTQL_CONFIG": "another.toml"}).limits == {}


def test_a_path_is_a_folder_and_needs_nothing_else(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    surroundings = {"BTQL_CATALOG": POSTGRES, "BTQL_REDIS": "redis://r"}
    for place in ("traces", "./traces", "/data/traces", Path("traces"), "weird?name=1"):
        assert locate(place, surroundings) == Location(str(place))
        assert locate(place).is_alone
        assert locate(place).folder == Path(place)


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for place in ("~/traces", Path("~/traces")):
        assert locate(place).folder == tmp_path / "traces"
    for place in ("./~/traces", "~traces", "traces~"):
        assert locate(place).folder == Path(place)


def test_a_bucket_with_everything():
    found = locate(
        f"s3://traces/a/b/?catalog={POSTGRES}?sslmode=require&redis=redis://:secret@r:6379/1"
        "&cache=/var/cache/btql&cache_bytes=2GiB&endpoint=http://127.0.0.1:9000",
        {},
    )

    assert found.files == "s3://traces/a/b"
    assert (found.is_bucket, found.folder, found.is_alone, found.shares_catalog) == (True, None, False, True)
    assert found.catalog == f"{POSTGRES}?sslmode=require"
    assert found.redis == "redis://:secret@r:6379/1"
    assert found.endpoint == "http://127.0.0.1:9000"
    assert (found.cache_folder, found.cache_bytes) == (Path("/var/cache/btql"), 2 << 30)


def test_values_that_are_encoded_as_a_whole_and_those_that_are_not():
    as_copied = locate("gs://traces?catalog=postgresql://u:a%40b%2526@h/d", {})
    as_a_whole = locate("gs://traces?catalog=postgresql%3A%2F%2Fu%3Aa%2540b@h%2Fd%3Fsslmode%3Drequire%26a%3Db", {})

    assert as_copied.catalog == "postgresql://u:a%40b%2526@h/d"
    assert as_a_whole.catalog == "postgresql://u:a%40b@h/d?sslmode=require&a=b"
    assert locate("az://c?catalog=postgres://h/d", {}).catalog == "postgresql://h/d"


def test_a_catalog_for_one_machine():
    for spelled in ("sqlite:/var/lib/btql/catalog.sqlite", "sqlite:///var/lib/btql/catalog.sqlite"):
        found = locate(f"s3://traces?catalog={spelled}", {})
        assert found.catalog_file == Path("/var/lib/btql/catalog.sqlite")
        assert not found.shares_catalog


def test_a_folder_that_several_machines_have():
    found = locate("file:///mnt/a%20b?catalog=postgresql://h/d", {})

    assert found.folder == Path("/mnt/a b")
    assert found.shares_catalog
    assert not found.is_alone
    assert locate("file:///mnt/traces", {}) == Location("/mnt/traces")


def test_what_comes_first(tmp_path, monkeypatch):
    (tmp_path / "btql.toml").write_text(
        '[databases.prod]\nfiles = "s3://b/p?redis=redis://address"\ncatalog = "postgresql://file/d"\n'
        'redis = "redis://file"\ncache = "copies"\ncache_bytes = "1GiB"\nendpoint = "http://file"\n'
    )
    monkeypatch.chdir(tmp_path)

    found = locate("prod", {"BTQL_REDIS": "redis://environment", "BTQL_ENDPOINT": "http://environment"})

    assert found.redis == "redis://address"
    assert found.endpoint == "http://environment"
    assert found.catalog == "postgresql://file/d"
    assert found.cache == tmp_path / "copies"
    assert found.cache_bytes == 1 << 30
    assert locate("s3://b", {"BTQL_CATALOG": "postgresql://environment/d"}).catalog == "postgresql://environment/d"
    assert locate("s3://b?catalog=postgresql://h/d", {"BTQL_CACHE_BYTES": "5"}).cache_bytes == 5
    assert locate("s3://b?catalog=postgresql://h/d", {"BTQL_REDIS": ""}).redis is None
    assert locate("s3://b?catalog=postgresql://h/d", {}).cache_bytes == CACHE_BYTES


def test_a_name_is_one_only_where_a_file_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "btql.toml").write_text('[databases.prod]\nfiles = "data/prod"\n[databases.prod.limits]\na = 1\n')

    assert locate("prod", {"BTQL_CATALOG": POSTGRES}) == Location(str(tmp_path / "data/prod"), limits={"a": 1})
    assert locate("other", {}) == Location("other")
    assert locate("./prod", {}) == Location("./prod")
    assert locate(Path("prod"), {}) == Location("prod")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert locate("prod", {}) == Location("prod")
    assert locate("prod", {"BTQL_CONFIG": "../btql.toml"}).files.endswith("/data/prod")


def test_the_path_of_a_file_is_its_one_database(tmp_path):
    path = tmp_path / "prod.toml"
    path.write_text(f'files = "s3://b/p"\ncatalog = "{POSTGRES}"\n[limits]\nrequest_bytes_max = "1GiB"\n')
    found = locate(str(path), {})
    assert (found.files, found.catalog, found.limits) == ("s3://b/p", POSTGRES, {"request_bytes_max": "1GiB"})

    path.write_text('[databases.only]\nfiles = "file:///mnt/x?catalog=postgresql://h/d"\n')
    assert locate(str(path), {}).folder == Path("/mnt/x")


WRONG_ADDRESSES = {
    "s3://b/p": "`s3://b/p` has no catalog; add ?catalog=postgresql://",
    "ftp://b/p": "`ftp://b/p` is no address of a database; give a folder, or an address that begins with s3://, gs://",
    "http://secret@h:8000": "begins with http:// is one of a server, and here a database is opened itself; ask",
    "s3://?catalog=postgresql://h/d": "names no place for a database; name a bucket and a prefix",
    "s3://b:9000/p?catalog=postgresql://h/d": "`endpoint` says where a store of your own is",
    "s3://b/../p?catalog=postgresql://h/d": "names no place for a database",
    "s3://key:secret@b/p": "there is a login in the address of a bucket; leave it out: keys come from the environment",
    "file://host/folder": "names no folder; write file:///folder, with three slashes",
    "file:///": "names no folder",
    "s3://b?catalogue=x": "has the unknown parameter `catalogue`; it may have catalog, redis, cache, cache_bytes",
    f"s3://b?catalog={POSTGRES}&sslmode=require": "unknown parameter `sslmode`; it may have",
    "s3://b?catalog=": "has `catalog` without a value",
    "s3://b?catalog=postgresql://h/d&catalog=postgresql://h/d": "has `catalog` twice",
    "s3://b?catalog=mysql://root:secret@h/d": "`mysql://root:***@h/d` is no address for `catalog`; give it as postgres",
    "s3://b?catalog=/var/x": "`/var/x` is no address for `catalog`; give it as postgresql://… or sqlite:/path",
    "s3://b?catalog=sqlite:x.sqlite": "the catalog `sqlite:x.sqlite` is no file; write sqlite:/path/catalog.sqlite",
    "s3://b?catalog=postgresql://h/d&redis=http://:secret@h": "`http://:***@h` is no address for `redis`",
    "s3://b?catalog=sqlite:/x&redis=redis://r": "has Redis without a catalog that several machines can share",
    "file:///folder?redis=redis://r": "has Redis without a catalog that several machines can share",
    "s3://b?catalog=postgresql://h/d&cache_bytes=much": "`cache_bytes` is `much`; give a number of bytes, or like",
    "s3://b?catalog=postgresql://h/d&endpoint=minio:9000": "`minio:9000` is no address for `endpoint`",
}


@pytest.mark.parametrize("address", WRONG_ADDRESSES)
def test_what_is_wrong_with_an_address_is_said_without_its_passwords(address):
    with pytest.raises(BadLocation) as caught:
        locate(address, {})

    assert WRONG_ADDRESSES[address] in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.code == "S0111"


def test_what_is_in_memory_elsewhere_is_no_folder_here():
    with pytest.raises(BadLocation, match="there is no database in memory"):
        locate(":memory:", {})


def test_an_empty_text_names_no_database_and_not_the_folder_that_the_program_runs_in():
    with pytest.raises(BadLocation, match="no database was named; give a folder"):
        locate("", {})
    assert locate(".", {}).folder == Path()


@pytest.mark.parametrize("make", [str, Path])
def test_a_folder_whose_name_is_not_utf_8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: type[str | Path]):
    """The engine and the text index name files in UTF-8."""
    name = os.fsdecode(b"bad\xff")
    with pytest.raises(BadLocation, match=r"half\\ud83d` is not UTF-8"):
        locate(make("half\ud83d"))
    with pytest.raises(BadLocation, match=r"bad\\xff.* is not UTF-8; rename it"):
        locate(make(f"{name}/db"))
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    with pytest.raises(BadLocation, match="is not UTF-8"):
        locate(make("db"))


def test_a_path_that_was_an_address():
    with pytest.raises(
        BadLocation, match="`s3:/bucket/prefix` was an address before it became a path; give an address"
    ):
        locate(Path("s3://bucket/prefix"), {})


WRONG_FILES = {
    "files = ": "is not TOML",
    "": "names no database; say where its files are",
    "files = 1": "`files` of `btql.toml` is no text; write it in quotes",
    'files = "a"\nfolder = "b"': "`folder` of `btql.toml` is not known; a database has files, catalog",
    'files = "a"\nlimits = 1': "`limits` of `btql.toml` is no table; write it as [limits]",
    'layuot = "small"': "`layuot` of `btql.toml` is not known; did you mean `layout`?",
    "[limit]\nrows = 1": "`limit` of `btql.toml` is not known; did you mean `limits`?",
    "[databases.a]\nfile = 'x'": "`databases.a.file` of `btql.toml` is not known; did you mean `files`?",
    "databases = 1": "`databases` of `btql.toml` is no table",
    "[databases.a]": "`databases.a` of `btql.toml` has no `files`",
    '[databases.a]\nfiles = "a"\n[databases.b]\nfiles = "b"': "has several databases: a, b; give one of these names",
}


@pytest.mark.parametrize("text", WRONG_FILES)
def test_what_is_wrong_with_a_configuration_file(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("btql.toml").write_text(text)

    with pytest.raises(BadLocation) as caught:
        locate("btql.toml", {})

    assert WRONG_FILES[text] in str(caught.value)


def test_a_configuration_file_that_is_not_there():
    with pytest.raises(BadLocation, match=r"cannot read `nowhere.toml`: no such file.*BTQL_CONFIG"):
        locate("prod", {"BTQL_CONFIG": "nowhere.toml"})


def test_neither_its_text_nor_its_form_for_developers_shows_a_password():
    found = locate(f"s3://b/p?catalog={POSTGRES}&redis=redis://:secret@r&endpoint=http://h:9000", {})

    assert str(found) == ("s3://b/p?catalog=postgresql://btql:***@db/btql&redis=redis://:***@r&endpoint=http://h:9000")
    assert "secret" not in repr(found)
    assert str(locate("file:///mnt/x?catalog=postgresql://h/d", {})) == "file:///mnt/x?catalog=postgresql://h/d"
    assert str(locate("traces", {})) == "traces"


@pytest.mark.parametrize("place", ["plain", "prod"])
def test_a_wrong_key_is_told_whatever_database_is_opened(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("btql.toml").write_text('layuot = "small"\n[databases.prod]\nfiles = "x"\n')

    with pytest.raises(BadLocation, match=r"`layuot` of `btql.toml` is not known; did you mean `layout`\?"):
        locate(place, {})
